//! Figures as pixels and as files: values have their colours, and contradictions are refused.

use crate::data::Map;
use crate::figures::{
    CoverageFigure, Curve, SurrogateFigure, TargetFigure, Trajectory, TrajectoryFigure,
};
use crate::plot::figure::pixels;
use crate::plot::palette::{ColourMap, NO_VALUE};
use crate::plot::{Figure as _, FigureError, Stroke, draw_svg, save};
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
    let pixels = pixels(&figure, Path::new("tiny.png")).unwrap();
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
        seeds: &[],
        steps: &[],
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
    };
    assert_eq!(
        draw_svg(&coverage).unwrap_err().to_string(),
        "the band of EI has 1 values, expected 2"
    );
}
