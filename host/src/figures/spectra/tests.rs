use super::*;
use crate::figures::line_markers;
use crate::plot::draw_svg;

fn figure<'a>(
    coordinates: &'a [f64],
    spectra: &'a [Spectrum<'a>],
    markers: &'a [Marker],
) -> SpectraFigure<'a> {
    SpectraFigure {
        axis: "energy",
        axis_units: "keV",
        coordinates,
        quantity: "X-rays",
        units: "counts",
        spectra,
        markers,
        shades: &[],
        range: None,
        arrangement: Arrangement::Stacked,
        narrow: false,
    }
}

#[test]
fn labels_keep_apart_and_point_at_their_place() {
    let coordinates: Vec<f64> = (0..=200).map(|i| f64::from(i) / 10.0).collect();
    let markers = line_markers(["Pd", "Cu", "Ti", "Au", "O"]);
    let figure = figure(&coordinates, &[], &markers);
    let labels = figure.labels(0);
    assert!(labels.len() > 20);
    for pair in labels.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= SMALL as i32, "{pair:?}");
    }
    let (x, _, _) = labels.iter().find(|(_, _, text)| *text == "Cu Kα").unwrap();
    // 8.04778 keV of 20, over 2000 canvas units.
    assert!((x - 805).abs() <= 1, "{x}");
}

#[test]
fn lines_out_of_sight_have_no_label() {
    let coordinates = [0.0, 5.0];
    let values = [1.0, 2.0];
    let spectra = [Spectrum {
        label: "step 3",
        values: &values,
    }];
    let markers = line_markers(["Pd", "O"]);
    let svg = draw_svg(&figure(&coordinates, &spectra, &markers)).unwrap();
    assert!(svg.contains("Pd Lα") && svg.contains("O Kα") && svg.contains("step 3"));
    assert!(!svg.contains("Pd Kα"));
}

#[test]
fn a_spectrum_of_another_length_is_refused() {
    let spectra = [Spectrum {
        label: "step 3",
        values: &[1.0],
    }];
    let error = draw_svg(&figure(&[0.0, 1.0], &spectra, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the spectrum of step 3 has 1 values, expected 2"
    );
}

/// The text at the end of a band stands where no peak is.
#[test]
fn a_label_makes_way_for_a_peak() {
    let coordinates: Vec<f64> = (0..=100).map(f64::from).collect();
    let place = |peak: usize| {
        let mut values = vec![0.0; 101];
        values[peak] = 1.0;
        let spectra = [Spectrum {
            label: "step 3",
            values: &values,
        }];
        let svg = draw_svg(&figure(&coordinates, &spectra, &[])).unwrap();
        let (before, _) = svg.split_once("step 3").unwrap();
        let tag = before.rsplit_once("<text").unwrap().1;
        let x = tag.split_once(" x=\"").unwrap().1;
        x.split('"').next().unwrap().parse::<i32>().unwrap()
    };
    assert!(place(5) > WIDTH / 2, "{}", place(5));
    assert!(place(97) < WIDTH / 2, "{}", place(97));
}

/// Where a spectrum is high throughout there is room above it.
#[test]
fn a_label_hides_no_part_of_a_spectrum() {
    let coordinates: Vec<f64> = (0..=100).map(f64::from).collect();
    for values in [vec![1.0; 101], vec![-1.0; 101]] {
        let spectra = [Spectrum {
            label: "step 3",
            values: &values,
        }];
        let figure = figure(&coordinates, &spectra, &[]);
        let plane = Plane {
            left: 0,
            top: 0,
            width: WIDTH,
            height: BAND,
            x: figure.x(),
            y: figure.scales()[0],
        };
        assert_eq!(figure.place_of_label(&plane, 0), Some(WIDTH - 12));
    }
}

/// 2 to 4 of an axis over 0 to 10 is shaded from a fifth to two fifths of the plane; what lies beyond the
/// part in sight is not.
#[test]
fn windows_are_shaded_where_they_lie() {
    let coordinates = [0.0, 10.0];
    let spectra = [Spectrum {
        label: "step 3",
        values: &[1.0, 2.0],
    }];
    let shade = |low, high, background| Shade {
        low,
        high,
        background,
    };
    let shades = [
        shade(2.0, 4.0, false),
        shade(1.0, 1.5, true),
        shade(11.0, 12.0, true),
    ];
    let shaded = SpectraFigure {
        shades: &shades,
        ..figure(&coordinates, &spectra, &[])
    };
    let svg = draw_svg(&shaded).unwrap();
    let widths = |colour: &str| -> Vec<i32> {
        let tags = svg
            .split("<rect")
            .filter(|tag| tag.split('>').next().unwrap().contains(colour));
        let width = |tag: &str| {
            tag.split_once("width=\"")
                .unwrap()
                .1
                .split('"')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        tags.map(width).collect()
    };
    assert_eq!(widths("#FFD68C"), [WIDTH / 5]);
    assert_eq!(widths("#E2E8F0"), [WIDTH / 20]);
}
