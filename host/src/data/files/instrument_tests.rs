//! Each format of an instrument: values, axes, and how they were recorded.

use super::instrument_samples as samples;
use super::testing::{close, shared, spectra, written};
use super::{Conditions, Dataset, Wanted, locations, open, read, read_map};

/// What a file says of how it was recorded: keV, dwell and live time.
fn conditions(location: &str) -> (Option<f64>, Option<f64>, Option<f64>) {
    let Conditions {
        beam_energy,
        dwell,
        live_time,
        ..
    } = *open(location, Wanted::Any).unwrap().conditions();
    (beam_energy, dwell, live_time)
}

/// Name, units, first value and step of the axes of spectra.
fn axes(location: &str) -> Vec<(String, String, f64, f64)> {
    let signal = open(location, Wanted::Spectra).unwrap();
    let axes = signal.axes().into_iter().cloned();
    axes.map(|axis| (axis.name, axis.units, axis.offset, axis.scale))
        .collect()
}

#[test]
fn spectra_of_every_instrument_come_in_rows_columns_and_channels() {
    let (folder, ripple) = written("a.rpl", &samples::ripple().0);
    std::fs::write(folder.path().join("a.raw"), samples::ripple().1).unwrap();
    let kept: Vec<(tempfile::TempDir, String)> = [
        ("a.dm3", samples::digital_micrograph(3)),
        ("a.dm4", samples::digital_micrograph(4)),
        ("a.nxs", samples::nexus()),
        ("a.h5oina", samples::h5oina()),
    ]
    .into_iter()
    .map(|(name, bytes)| written(name, &bytes))
    .collect();
    let files = kept.iter().map(|(_, file)| file.as_str());
    for file in files.chain([ripple.as_str()]) {
        let found = spectra(file);
        let shape = (found.height(), found.width(), found.channels.size);
        assert_eq!(shape, (2, 3, 4), "{file}");
        // DigitalMicrograph stores energies slowest, the others fastest.
        let expected = if file.contains(".dm") {
            [5.0, 11.0, 17.0, 23.0]
        } else {
            [20.0, 21.0, 22.0, 23.0]
        };
        assert_eq!(found.at(1, 2), expected, "{file}");
        let all = locations(file).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(read(&all[0]).unwrap(), Dataset::Spectra(found));
    }
    let loss = [
        ("y", "nm", -1.0, 0.25),
        ("x", "nm", 0.0, 0.5),
        ("Energy loss", "eV", 20.0, 2.0),
    ];
    for (_, file) in &kept[..2] {
        for (found, expected) in axes(file).iter().zip(loss) {
            let (name, units, offset, scale) = found;
            assert_eq!((name.as_str(), units.as_str(), *offset, *scale), expected);
        }
        // Four frames of half a second.
        assert_eq!(conditions(file), (Some(200.0), Some(2.0), None));
    }
    assert_eq!(spectra(&kept[2].1).coordinates, [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(
        axes(&kept[3].1)[2],
        ("Energy".to_owned(), "eV".to_owned(), -200.0, 20.0)
    );
    assert_eq!(conditions(&kept[3].1), (Some(15.0), None, Some(0.5)));
    assert_eq!(axes(&ripple)[2].1, "eV");
    assert_eq!(conditions(&ripple), (None, None, Some(2.5)));
    if let Some(file) = shared("stem-edx/haadf.tiff") {
        assert_eq!(conditions(&file), (Some(200.0), Some(1e-5), None));
    }
    if let Some(file) = shared("eds/haadf_eds_64_spectra.hspy") {
        assert_eq!(conditions(&file).0, Some(200.0));
    }
}

#[test]
fn a_velox_file_gives_images_and_all_detectors_together_or_one() {
    let (_folder, file) = written("a.emd", &samples::velox());
    assert_eq!(read_map(&file).unwrap().values, [7.0, 8.0]);
    let found = spectra(&format!("{file}#EDS"));
    assert_eq!(found.at(0, 0), [2.0, 0.0, 0.0, 2.0]);
    assert_eq!(found.at(0, 1), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(found.columns.units, "nm");
    close(found.columns.scale, 4.0);
    assert_eq!((found.channels.offset, found.channels.scale), (-0.02, 0.01));
    // Two frames, in which the detector counts for 1.6 ms each and the beam stays for 1 ms on either pixel.
    let expected = (Some(200.0), Some(0.002), Some(0.0016));
    assert_eq!(conditions(&format!("{file}#EDS")), expected);
    // An image and a detector are called alike: the number of one is sure.
    assert_eq!(spectra(&format!("{file}#3")), found);
    let message = read(&format!("{file}#superx1")).unwrap_err().to_string();
    assert!(message.contains("3 SuperX1 (1x2x4)"), "{message}");
    let all = locations(&file).unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
}

#[test]
fn a_berkeley_file_is_read_with_its_last_axis_first() {
    let (_folder, file) = written("a.emd", &samples::berkeley());
    let found = spectra(&file);
    assert_eq!(
        (found.height(), found.width(), found.channels.size),
        (4, 3, 2)
    );
    // Stored at 12 e + 4 x + y.
    assert_eq!(found.at(3, 2), [11.0, 23.0]);
    assert_eq!(found.coordinates, [5.0, 6.0]);
    let units = [
        &found.rows.units,
        &found.columns.units,
        &found.channels.units,
    ];
    assert_eq!(units, ["nm", "nm", "eV"]);
    assert_eq!((found.rows.scale, found.columns.scale), (0.25, 0.5));
}

#[test]
fn a_nanonis_scan_is_turned_so_that_its_first_row_is_the_highest() {
    let (_folder, file) = written("a.sxm", &samples::nanonis_scan());
    let there = read_map(&format!("{file}#Z")).unwrap();
    assert_eq!(there.values, [3.0, 4.0, 5.0, 0.0, 1.0, 2.0]);
    let back = read_map(&format!("{file}#z backward")).unwrap();
    assert_eq!(back.values, [11.0, 10.0, 9.0, 8.0, 7.0, 6.0]);
    assert_eq!(
        (there.units.as_str(), there.columns.units.as_str()),
        ("m", "nm")
    );
    close(there.columns.scale, 10.0);
    assert!(
        matches!(conditions(&format!("{file}#Z")), (None, Some(dwell), None) if (dwell - 0.1).abs() < 1e-12)
    );
    let message = read(&file).unwrap_err().to_string();
    assert!(
        message.contains("1 Z (2x3), 2 Z backward (2x3)"),
        "{message}"
    );
}

#[test]
fn a_nanonis_grid_that_was_given_up_has_no_numbers_where_it_ends() {
    let (_folder, file) = written("a.3ds", &samples::nanonis_grid());
    let found = spectra(&format!("{file}#Current"));
    assert_eq!(found.at(1, 1), [40.0, 41.0, 42.0, 43.0]);
    assert!(found.at(1, 2).iter().all(|value| value.is_nan()));
    assert_eq!(found.coordinates, [-1.0, 0.0, 1.0, 2.0]);
    assert_eq!(
        (found.channels.name.as_str(), found.channels.units.as_str()),
        ("Bias", "V")
    );
    assert_eq!(
        (found.rows.units.as_str(), found.quantity.as_str()),
        ("nm", "Current")
    );
    let across = read_map(&format!("{file}#X")).unwrap();
    assert_eq!(across.values[4], f64::from(1e-9_f32));
    let (_folder, file) = written("a.3ds", &samples::nanonis_grid()[..290]);
    let message = read(&file).unwrap_err().to_string();
    assert!(message.contains("cut off"), "{message}");
}

#[test]
fn an_igor_wave_gives_each_of_its_channels() {
    let (_folder, file) = written("a.ibw", &samples::igor());
    let phase = read_map(&format!("{file}#PhaseTrace")).unwrap();
    assert_eq!(phase.values, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!((phase.height(), phase.width()), (2, 3));
    assert_eq!(
        (phase.units.as_str(), phase.columns.units.as_str()),
        ("deg", "nm")
    );
    close(phase.columns.scale, 1.0);
    let (_folder, file) = written("a.ibw", &[2, 0, 0, 0]);
    let message = read(&file).unwrap_err().to_string();
    assert!(message.contains("one dimension"), "{message}");
}
