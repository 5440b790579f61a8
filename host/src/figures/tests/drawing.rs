//! Figures as pixels and as files: values have their colours, and contradictions are refused.

use crate::data::Map;
use crate::figures::{
    CoverageFigure, Curve, OverviewFigure, SurrogateFigure, TargetFigure, Trajectory,
    TrajectoryFigure,
};
use crate::plot::figure::pixels;
use crate::plot::palette::{ColourMap, NO_VALUE};
use crate::plot::{Figure as _, FigureError, FigureStyle, Stroke, draw_svg, save};
use plotters::style::RGBColor;
use std::path::Path;

fn tiny() -> Map {
    Map::uncalibrated(2, 2, vec![0.0, 1.0, f64::NAN, 2.0], "response")
}

/// The image of a lone panel is 1800 canvas units, 900 pixels, wide and begins at pixel
/// (85, 42); the centres of its four pixels follow.
#[test]
fn values_have_their_colour_at_their_place() {
    let map = tiny();
    let figure = TargetFigure {
        target: &map,
        campaigns: &[],
    };
    let pixels = pixels(&figure, FigureStyle::default(), Path::new("tiny.png")).unwrap();
    let at = |x: u32, y: u32| {
        let i = ((y * pixels.width + x) * 3) as usize;
        RGBColor(pixels.rgb[i], pixels.rgb[i + 1], pixels.rgb[i + 2])
    };
    let (left, top, side) = (85, 42, 450);
    let centre =
        |row: u32, column: u32| at(left + column * side + side / 2, top + row * side + side / 2);
    assert_eq!(centre(0, 0), ColourMap::Viridis.colour(0.0));
    assert_eq!(centre(0, 1), ColourMap::Viridis.colour(0.5));
    assert_eq!(centre(1, 0), NO_VALUE);
    assert_eq!(centre(1, 1), ColourMap::Viridis.colour(1.0));
    assert_eq!(
        at(pixels.width - 1, pixels.height - 1),
        RGBColor(255, 255, 255)
    );
}

/// Layout from the PNG specification: signature, then IHDR with big-endian sizes.
#[test]
fn a_png_has_half_as_many_pixels_as_page_units() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.png");
    let map = tiny();
    let figure = TargetFigure {
        target: &map,
        campaigns: &[],
    };
    save(&figure, &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (width, height) = figure.size();
    assert_eq!((number(16), number(20)), (width / 2, height / 2));
    // Chunk pHYs: pixels per metre along both axes, and 1 for the metre. 200 an inch are 7874.
    let physical = bytes.windows(4).position(|name| name == b"pHYs").unwrap() + 4;
    assert_eq!((number(physical), number(physical + 4)), (7874, 7874));
    assert_eq!(bytes[physical + 8], 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_svg_keeps_its_text() {
    let map = tiny();
    let svg = draw_svg(&TargetFigure {
        target: &map,
        campaigns: &[],
    })
    .unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("response"));
}

#[test]
fn other_endings_and_missing_folders_are_refused() {
    let map = tiny();
    let figure = TargetFigure {
        target: &map,
        campaigns: &[],
    };
    let jpeg = save(&figure, Path::new("target.jpg")).unwrap_err();
    assert!(matches!(jpeg, FigureError::Format { .. }), "{jpeg}");
    let folder = tempfile::tempdir().unwrap();
    let missing = save(&figure, &folder.path().join("none").join("target.png")).unwrap_err();
    assert!(matches!(missing, FigureError::Write(_)), "{missing}");
}

#[test]
fn degenerate_figures_are_drawn_all_the_same() {
    let none = Trajectory {
        strategy: "random",
        ..Trajectory::default()
    };
    let maps = [
        Map::uncalibrated(1, 1, vec![3.0], "one"),
        Map::uncalibrated(1, 200, vec![f64::NAN; 200], "line"),
        Map::uncalibrated(300, 2, vec![f64::MAX / 4.0; 600], "huge"),
        Map::uncalibrated(0, 0, Vec::new(), "nothing"),
    ];
    for map in &maps {
        draw_svg(&TrajectoryFigure {
            image: map,
            trajectory: none,
        })
        .unwrap();
        draw_svg(&TargetFigure {
            target: map,
            campaigns: &[none, none],
        })
        .unwrap();
        draw_svg(&SurrogateFigure {
            title: "map to publish",
            mean: map,
            sigma: map,
            truth: Some(map),
        })
        .unwrap();
    }
    draw_svg(&CoverageFigure {
        quantity: "coverage",
        curves: &[],
        marks: &[],
        breaks: &[],
    })
    .unwrap();
    let curve = Curve {
        label: "one step",
        strategy: "ei",
        values: &[0.1],
        spread: Some(&[0.2]),
        stroke: Stroke::Dashed,
    };
    draw_svg(&CoverageFigure {
        quantity: "coverage",
        curves: &[curve],
        marks: &[],
        breaks: &[],
    })
    .unwrap();
}

#[test]
fn parts_of_different_sizes_are_refused() {
    let (map, other) = (tiny(), Map::uncalibrated(1, 4, vec![0.0; 4], "other"));
    let surrogate = SurrogateFigure {
        title: "map to publish",
        mean: &map,
        sigma: &other,
        truth: None,
    };
    assert_eq!(
        draw_svg(&surrogate).unwrap_err().to_string(),
        "the map of sigma has 1 rows and 4 columns, expected 2 and 2"
    );
    let curve = Curve {
        label: "EI",
        strategy: "ei",
        values: &[0.1, 0.2],
        spread: Some(&[0.1]),
        stroke: Stroke::Solid,
    };
    let coverage = CoverageFigure {
        quantity: "coverage",
        curves: &[curve],
        marks: &[],
        breaks: &[],
    };
    assert_eq!(
        draw_svg(&coverage).unwrap_err().to_string(),
        "the band of EI has 1 values, expected 2"
    );
}

/// Of the cross-reference table, ISO 32000-1, 7.5.4: where each object begins.
#[test]
fn a_pdf_says_where_its_objects_are_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let map = tiny();
    let figure = OverviewFigure {
        image: &map,
        target: Some(&map),
    };
    let written = |name: &str| {
        let path = folder.path().join(name);
        save(&figure, &path).unwrap();
        std::fs::read(path).unwrap()
    };
    let bytes = written("one.pdf");
    assert_eq!(bytes, written("two.pdf"));
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-1.7\n") && text.ends_with("%%EOF\n"));
    let find = |what: &[u8]| bytes.windows(what.len()).rposition(|found| found == what);
    let start = find(b"startxref\n").unwrap();
    let number = |at: usize| -> usize {
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit());
        String::from_utf8(digits.copied().collect())
            .unwrap()
            .parse()
            .unwrap()
    };
    let table = number(start + 10);
    assert!(bytes[table..].starts_with(b"xref\n0 "));
    let count = number(table + 7);
    assert!(count > 8);
    let first = table + 7 + count.to_string().len() + 1 + 20;
    for object in 1..count {
        let place = number(first + 20 * (object - 1));
        assert!(
            bytes[place..].starts_with(format!("{object} 0 obj\n").as_bytes()),
            "{object}"
        );
    }
}

/// The judge is poppler, where it is installed: Debian's package poppler-utils.
#[test]
fn another_program_finds_the_size_and_the_words_of_a_pdf() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overview.pdf");
    let map = Map {
        units: "e/\u{c5}\u{b2}".to_owned(),
        ..Map::uncalibrated(2, 2, vec![0.0, 1.0, f64::NAN, 2.0], "dose \u{3c3}")
    };
    let figure = OverviewFigure {
        image: &map,
        target: Some(&map),
    };
    save(&figure, &path).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(program);
        let output = command.arg(&path).args(arguments).output().ok()?;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let (Some(about), Some(text)) = (run("pdfinfo", &[]), run("pdftotext", &["-"])) else {
        println!("skipped: pdfinfo and pdftotext are not installed");
        return;
    };
    // 400 canvas units are an inch of 72 points.
    let points = |units: u32| f64::from(units) * 0.18;
    let (width, height) = figure.size();
    let line = about
        .lines()
        .find(|line| line.starts_with("Page size:"))
        .unwrap();
    let numbers: Vec<f64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert!((numbers[0] - points(width)).abs() < 0.1, "{line}");
    assert!((numbers[1] - points(height)).abs() < 0.1, "{line}");
    for word in [
        "image",
        "target",
        "no candidate",
        "column (px)",
        "dose \u{3c3} (e/\u{c5}\u{b2})",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
