//! What is written is what this program reads back; other programs are in `tests/`.

use super::*;
use crate::axis::Axis;
use crate::dataset::{self, Dataset};

fn axis(name: &str, units: &str, (offset, scale): (f64, f64), size: usize) -> Axis {
    Axis {
        name: name.to_owned(),
        units: units.to_owned(),
        offset,
        scale,
        size,
    }
}

fn map(quantity: &str, values: Vec<f64>) -> Map {
    Map {
        values,
        rows: axis("y", "nm", (10.0, 0.5), 2),
        columns: axis("x", "nm", (-1.0, 0.25), 3),
        quantity: quantity.to_owned(),
        units: "counts".to_owned(),
    }
}

fn channels(coordinates: Vec<f64>) -> Channels {
    Channels {
        axis: axis("Energy", "keV", (-0.1, 0.01), coordinates.len()),
        coordinates,
        quantity: "X-rays".to_owned(),
        units: "counts".to_owned(),
        elements: ["Pd", "Si"].map(str::to_owned).to_vec(),
    }
}

/// Writes two points with the given spectra and hands over the location of the file.
fn written(channels: &Channels, spectra: &[Vec<f64>]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaign.hspy");
    let point = |step| PointRow {
        step,
        responses: vec![1.5],
        ..PointRow::default()
    };
    let fetch = |i: usize, buffer: &mut Vec<f64>| {
        buffer.clone_from(&spectra[i]);
        Ok(())
    };
    ResultFile {
        image: &map("HAADF", (0..6).map(f64::from).collect()),
        points: &[point(0), point(1)],
        responses: &[Response {
            name: "line:Pd-La",
            units: "counts",
        }],
        target: 0,
        spectra: Some(PointSpectra {
            channels,
            fetch: &fetch,
        }),
        maps: &[("mean", &map("Pd Lα", vec![1.0, f64::NAN, 3.0, 4.0, 5.0, 6.0]))],
        provenance: &[("seed", "7")],
    }
    .write(&path)
    .unwrap();
    let location = path.to_string_lossy().into_owned();
    (folder, location)
}

#[test]
fn images_and_maps_come_back_with_their_axes() {
    let even = channels((0..4).map(|i| -0.1 + f64::from(i) * 0.01).collect());
    let (_folder, file) = written(&even, &[vec![0.0; 4], vec![1.0; 4]]);
    let image = dataset::read_map(&format!("{file}#Experiments/image")).unwrap();
    assert_eq!(image, map("HAADF", (0..6).map(f64::from).collect()));
    let mean = dataset::read_map(&format!("{file}#Experiments/mean")).unwrap();
    assert!(mean.values[1].is_nan());
    assert_eq!((mean.values[2], mean.quantity.as_str()), (3.0, "Pd Lα"));
}

#[test]
fn main() {
    let _ = Dataset::Map;
}
