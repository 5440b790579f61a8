//! What is written is what this program reads back; other programs are in `tests/`.

use super::*;
use crate::data::files::{self, Dataset};
use crate::data::{Axis, Spectra};

const CONDITIONS: Conditions = Conditions {
    beam_energy: Some(200.0),
    beam_current: Some(500.0),
    dwell: Some(0.02),
    live_time: Some(0.015),
};

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
        conditions: CONDITIONS,
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
        maps: &[(
            "mean",
            &map("Pd Lα", vec![1.0, f64::NAN, 3.0, 4.0, 5.0, 6.0]),
        )],
        provenance: &[("seed", "7")],
    }
    .write(&path)
    .unwrap();
    let location = path.to_string_lossy().into_owned();
    (folder, location)
}

#[test]
fn beam_and_times_come_back_with_the_spectra_and_the_beam_alone_with_the_image() {
    let even = channels((0..4).map(|i| -0.1 + f64::from(i) * 0.01).collect());
    let (_folder, file) = written(&even, &[vec![0.0; 4], vec![1.0; 4]]);
    let conditions = |signal: &str| {
        let location = format!("{file}#Experiments/{signal}");
        *files::open(&location, files::Wanted::Any)
            .unwrap()
            .conditions()
    };
    assert_eq!(conditions("spectra"), CONDITIONS);
    let beam = Conditions {
        dwell: None,
        live_time: None,
        ..CONDITIONS
    };
    assert_eq!(conditions("image"), beam);
    assert_eq!(conditions("mean"), Conditions::default());
}

#[test]
fn images_and_maps_come_back_with_their_axes() {
    let even = channels((0..4).map(|i| -0.1 + f64::from(i) * 0.01).collect());
    let (_folder, file) = written(&even, &[vec![0.0; 4], vec![1.0; 4]]);
    let image = files::read_map(&format!("{file}#Experiments/image")).unwrap();
    assert_eq!(image, map("HAADF", (0..6).map(f64::from).collect()));
    let mean = files::read_map(&format!("{file}#Experiments/mean")).unwrap();
    assert!(mean.values[1].is_nan());
    assert_eq!((mean.values[2], mean.quantity.as_str()), (3.0, "Pd Lα"));
}

fn spectra(location: &str) -> Spectra {
    match files::read(location).unwrap() {
        Dataset::Spectra(spectra) => spectra,
        Dataset::Map(_) => panic!("{location} holds spectra"),
    }
}

#[test]
fn spectra_come_back_as_those_of_a_single_column() {
    let even = channels((0..4).map(|i| -0.1 + f64::from(i) * 0.01).collect());
    let written = written(&even, &[vec![0.0, 1.0, 2.0, 3.0], vec![4.0; 4]]);
    let spectra = spectra(&format!("{}#Experiments/spectra", written.1));
    assert_eq!((spectra.height(), spectra.width()), (2, 1));
    assert_eq!(spectra.channels, even.axis);
    assert_eq!(spectra.coordinates, even.coordinates);
    assert_eq!(
        (spectra.quantity.as_str(), spectra.units.as_str()),
        ("X-rays", "counts")
    );
    assert_eq!(spectra.at(0, 0), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(spectra.at(1, 0), [4.0; 4]);
}

#[test]
fn listed_axes_come_back_whether_or_not_they_turn_back() {
    for listed in [vec![0.0, 1.0, 3.0, 7.0], vec![0.0, 1.0, 0.0, -1.0]] {
        let (_folder, file) = written(&channels(listed.clone()), &[vec![0.5; 4], vec![0.25; 4]]);
        let spectra = spectra(&format!("{file}#Experiments/spectra"));
        assert_eq!(spectra.coordinates, listed);
        assert_eq!(
            (
                spectra.channels.name.as_str(),
                spectra.channels.units.as_str()
            ),
            ("Energy", "keV")
        );
    }
}

#[test]
fn numbers_are_as_wide_as_the_widest_needs() {
    let even = channels(vec![-0.1, -0.09, -0.08, -0.07]);
    for (value, width) in [(16_777_216.0, "f32"), (16_777_217.0, "f64"), (0.1, "f64")] {
        let (_folder, file) = written(&even, &[vec![1.0; 4], vec![1.0, value, 1.0, f64::NAN]]);
        let datasets = files::list_hdf5(&file).unwrap();
        let data = datasets
            .iter()
            .find(|d| d.path == "Experiments/spectra/data");
        assert_eq!(data.unwrap().dtype, width);
        assert_eq!(
            spectra(&format!("{file}#Experiments/spectra")).at(1, 0)[1],
            value
        );
    }
}

/// A result of `points` points with spectra of 2048 channels.
fn write_many(points: usize, path: &Path) {
    let energies: Vec<f64> = (0..2048).map(|i| -0.1 + f64::from(i) * 0.01).collect();
    let rows = vec![
        PointRow {
            responses: vec![1.0],
            ..PointRow::default()
        };
        points
    ];
    let fetch = |i: usize, spectrum: &mut Vec<f64>| {
        spectrum.clear();
        spectrum.resize(2048, i as f64);
        Ok(())
    };
    let image = map("HAADF", vec![0.0; 6]);
    let channels = channels(energies);
    let responses = [Response {
        name: "sum",
        units: "",
    }];
    ResultFile {
        points: &rows,
        responses: &responses,
        spectra: Some(PointSpectra {
            channels: &channels,
            fetch: &fetch,
        }),
        ..without_spectra(&image)
    }
    .write(path)
    .unwrap();
}

fn without_spectra(image: &Map) -> ResultFile<'_> {
    ResultFile {
        image,
        conditions: Conditions::default(),
        points: &[],
        responses: &[Response {
            name: "sum",
            units: "",
        }],
        target: 0,
        spectra: None,
        maps: &[],
        provenance: &[],
    }
}

#[test]
fn memory_does_not_grow_with_the_spectra() {
    let folder = tempfile::tempdir().unwrap();
    let peak = |points| {
        let path = folder.path().join("many.hspy");
        let used = allocation_counter::measure(|| write_many(points, &path)).bytes_max;
        assert!(std::fs::metadata(&path).unwrap().len() > points as u64 * 2048 * 4);
        used
    };
    // A point itself takes some 200 bytes, its place and its row of the table included; its
    // spectrum would take 8192.
    let grown = peak(500) - peak(100);
    assert!(grown < 400 * 1024, "{grown} bytes for 400 points");
}

#[test]
fn results_without_points_or_spectra_are_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.hspy");
    let image = map("HAADF", vec![0.0; 6]);
    without_spectra(&image).write(&path).unwrap();
    assert_eq!(files::read_map(&path.to_string_lossy()).unwrap(), image);
}

#[test]
fn parts_that_contradict_each_other_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaign.hspy");
    let image = map("HAADF", vec![0.0; 6]);
    let plain = without_spectra(&image);
    let refused = |result: ResultFile<'_>| {
        let message = result.write(&path).unwrap_err().to_string();
        assert_eq!(message.lines().count(), 1);
        message
    };
    assert_eq!(
        refused(ResultFile { target: 1, ..plain }),
        "the target is response 1, expected one below 1"
    );
    assert_eq!(
        refused(ResultFile {
            points: &[PointRow::default()],
            ..plain
        }),
        "point 0 has 0 responses; there are 1 scalarizers"
    );
    for name in ["", "a/b", "points"] {
        let message = refused(ResultFile {
            maps: &[(name, &image)],
            ..plain
        });
        assert!(message.starts_with(&format!("a map is called `{name}`")));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_spectrum_that_fails_or_does_not_fit_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaign.hspy");
    std::fs::write(&path, "old").unwrap();
    let image = map("HAADF", vec![0.0; 6]);
    let channels = channels(vec![0.0, 1.0]);
    let points = [PointRow {
        responses: vec![1.0],
        ..PointRow::default()
    }];
    let calls = std::cell::Cell::new(0);
    let refused = |fetch: &dyn Fn(usize, &mut Vec<f64>) -> io::Result<()>| {
        let result = ResultFile {
            points: &points,
            spectra: Some(PointSpectra {
                channels: &channels,
                fetch,
            }),
            ..without_spectra(&image)
        };
        result.write(&path).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|_, spectrum| {
            spectrum.push(1.0);
            Ok(())
        }),
        "the spectrum of point 0 has 1 channels; its axis has 2"
    );
    // The second time, when half the file is there.
    let late = |_, spectrum: &mut Vec<f64>| {
        calls.set(calls.get() + 1);
        spectrum.resize(2, 1.0);
        if calls.get() == 1 {
            Ok(())
        } else {
            Err(io::Error::other("the journal is gone"))
        }
    };
    assert_eq!(
        refused(&late),
        "the spectrum of point 0 cannot be read: the journal is gone"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_that_cannot_be_are_named_and_a_full_disk_is_told_apart() {
    let image = map("HAADF", vec![0.0; 6]);
    let message = |path: &Path| without_spectra(&image).write(path).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    let missing = message(&folder.path().join("missing/campaign.hspy"));
    assert!(
        missing.starts_with("cannot write ") && missing.contains("missing/campaign.hspy"),
        "{missing}"
    );
    // What Linux says when the disk is full: errno 28, ENOSPC.
    let full = rust_hdf5::Hdf5Error::Io(io::Error::from_raw_os_error(28));
    assert_eq!(
        ResultError::encoder(Path::new("a.hspy"), &full).to_string(),
        "cannot write a.hspy: the disk is full; make room and write it again"
    );
}
