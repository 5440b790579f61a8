//! Every format against values computed with h5py and `NumPy`, and the wording of mistakes.

use std::path::PathBuf;

use super::*;

/// A file of the shared data, or nothing where it is not at hand.
fn shared(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let file = root.join(name);
    if file.is_file() {
        return Some(file.to_string_lossy().into_owned());
    }
    println!("skipped: shared data absent");
    None
}

fn close(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-9 * expected.abs().max(1e-12),
        "{found} is not {expected}"
    );
}

fn spectra(location: &str) -> Spectra {
    match read(location).unwrap() {
        Dataset::Spectra(spectra) => spectra,
        Dataset::Map(_) => panic!("{location} holds spectra"),
    }
}

fn total(spectra: &Spectra) -> f64 {
    let mut sum = 0.0;
    for row in 0..spectra.height() {
        for column in 0..spectra.width() {
            sum += spectra.at(row, column).iter().sum::<f64>();
        }
    }
    sum
}

#[test]
fn the_pfm_maps_read_as_numpy_reads_them() {
    if let Some(file) = shared("pfm/scalarizer.npy") {
        let map = read_map(&file).unwrap();
        assert_eq!((map.height(), map.width()), (50, 50));
        assert_eq!(map.quantity, "scalarizer");
        close(map.values.iter().sum(), 264.739_463_372_643_97);
        require_finite(&map, "response").unwrap();
    }
}

#[test]
fn the_thermo_tiff_keeps_its_pixel_size() {
    if let Some(file) = shared("stem-edx/haadf.tiff") {
        let map = read_map(&file).unwrap();
        assert_eq!((map.height(), map.width()), (64, 64));
        assert_eq!(
            (map.quantity.as_str(), map.rows.units.as_str()),
            ("HAADF", "nm")
        );
        close(map.columns.scale, 1.449_305_63);
    }
}

#[test]
fn hysteresis_loops_keep_the_voltages_of_the_sweep() {
    if let Some(file) = shared("beps/BEPS_PTO_50x50.h5") {
        let by_path = spectra(&format!("{file}#Channel_000/generic/generic"));
        assert_eq!(by_path, spectra(&file));
        assert_eq!(by_path, spectra(&format!("{file}#/Channel_000/")));
        assert_eq!(
            (by_path.height(), by_path.width(), by_path.channels.size),
            (50, 50, 64)
        );
        assert_eq!(
            (
                by_path.channels.name.as_str(),
                by_path.channels.units.as_str()
            ),
            ("Voltage", "V")
        );
        assert_eq!(
            (by_path.quantity.as_str(), by_path.units.as_str()),
            ("Piezoresponse", "a.u.")
        );
        let volts = &by_path.coordinates;
        assert_eq!(
            (volts[0], volts[16], volts[48], volts[63]),
            (0.0, 8.5, -8.5, -0.53125)
        );
        assert_eq!(by_path.rows.units, "m");
        close(by_path.rows.scale, 4.081_632_653_061_224e-8);
        close(total(&by_path), -5.480_404_611_983_021);
        assert_eq!(by_path.at(49, 0)[63], -0.003_413_636_642_964_072);
    }
}

#[test]
fn each_channel_of_a_pfm_image_is_selected_by_path() {
    let Some(file) = shared("beps/pto_funakubo_256.h5") else {
        return;
    };
    for (channel, quantity, sum) in [
        (0, "HeightRetrace", -0.038_286_321_493_274_045),
        (1, "AmplitudeRetrace", 7.685_029_056_635_467e-6),
        (2, "DeflectionRetrace", 0.006_548_680_528_901_23),
        (3, "PhaseRetrace", 2_556_702.222_113_609_3),
    ] {
        let map = read_map(&format!("{file}#Measurement_000/Channel_{channel}")).unwrap();
        assert_eq!((map.height(), map.width()), (256, 256));
        assert_eq!(map.quantity, quantity);
        close(map.values.iter().sum(), sum);
    }
    let message = read(&file).unwrap_err().to_string();
    assert!(
        message.contains(
            "Measurement_000/Channel_1/Channel_1/Channel_1 (256x256 f32 AmplitudeRetrace)"
        ),
        "{message}"
    );
    let message = read(&format!("{file}#Channel_9")).unwrap_err().to_string();
    assert!(
        message.contains("`Channel_9`") && message.contains("PhaseRetrace"),
        "{message}"
    );
}

#[test]
fn hyperspy_files_keep_axes_and_quantity() {
    if let Some(file) = shared("eds/haadf_eds_64_image.hspy") {
        let map = read_map(&file).unwrap();
        assert_eq!(
            (map.quantity.as_str(), map.rows.name.as_str()),
            ("HAADF", "height")
        );
        assert_eq!(
            (map.columns.units.as_str(), map.columns.scale),
            ("µm", 0.000_771_004_754_204_027)
        );
        close(map.values.iter().sum(), 141_288_352.0);
    }
    if let Some(file) = shared("eds/haadf_eds_64_spectra.hspy") {
        let spectra = spectra(&file);
        assert_eq!(
            spectra.channels,
            crate::axis::Axis {
                name: "Energy".to_owned(),
                units: "keV".to_owned(),
                offset: -0.475_447_54,
                scale: 0.010_001,
                size: 2048,
            }
        );
        assert_eq!(
            (spectra.quantity.as_str(), spectra.units.as_str()),
            ("X-rays", "Counts")
        );
        close(total(&spectra), 26005.0);
        close(spectra.at(10, 20).iter().sum(), 6.0);
        assert!(
            read_map(&file)
                .unwrap_err()
                .to_string()
                .contains("64x64x2048")
        );
    }
}
