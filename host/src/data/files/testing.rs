//! What the tests of the formats share.

use std::path::PathBuf;

#[cfg(feature = "hdf5")]
use super::{Dataset, Spectra, read};
#[cfg(feature = "hdf5")]
use crate::data::Axis;

/// A file of the shared data, or nothing where it is not at hand.
pub(super) fn shared(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let file = root.join(name);
    if file.is_file() {
        return Some(file.to_string_lossy().into_owned());
    }
    println!("skipped: shared data absent");
    None
}

pub(super) fn close(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-9 * expected.abs().max(1e-12),
        "{found} is not {expected}"
    );
}

#[cfg(feature = "hdf5")]
pub(super) fn spectra(location: &str) -> Spectra {
    match read(location).unwrap() {
        Dataset::Spectra(spectra) => spectra,
        Dataset::Map(_) => panic!("{location} holds spectra"),
    }
}

/// Name and units of an axis.
#[cfg(feature = "hdf5")]
pub(super) fn named(axis: &Axis) -> (&str, &str) {
    (&axis.name, &axis.units)
}

#[cfg(feature = "hdf5")]
pub(super) fn total(spectra: &Spectra) -> f64 {
    let mut sum = 0.0;
    for row in 0..spectra.height() {
        for column in 0..spectra.width() {
            sum += spectra.at(row, column).iter().sum::<f64>();
        }
    }
    sum
}

/// A folder for a test's files, and the location of one of them with the given content.
pub(super) fn written(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    let location = file.to_string_lossy().into_owned();
    (folder, location)
}

/// The bytes of a `.npy` file, version 1.0, as the format's specification lays them out.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [
        b"\x93NUMPY\x01\x00".as_slice(),
        &length,
        header.as_bytes(),
        data,
    ]
    .concat()
}

/// An NSID group as pyNSID lays it out: scales beside the data, found by label.
#[cfg(feature = "hdf5")]
pub(super) fn nsid_file() -> Vec<u8> {
    use hdf5_pure::AttrValue::{String as Text, StringArray};
    let mut file = hdf5_pure::FileBuilder::new();
    let mut group = file.create_group("loops");
    for (name, units, values) in [
        ("Y", "m", [0.0, 2e-9].as_slice()),
        ("X", "m", &[0.0, 1e-9, 2e-9]),
        ("Voltage", "V", &[0.0, 1.0, 0.0, -1.0]),
    ] {
        let scale = group.create_dataset(name);
        scale
            .with_f64_data(values)
            .set_attr("units", Text(units.to_owned()));
    }
    let data: Vec<i32> = (0..24).collect();
    let main = group.create_dataset("data");
    main.with_i32_data(&data).with_shape(&[2, 3, 4]);
    let labels = ["Y", "X", "Voltage"].map(str::to_owned).to_vec();
    main.set_attr("DIMENSION_LABELS", StringArray(labels));
    for (name, value) in [
        ("quantity", "Response"),
        ("units", "pm"),
        ("main_data_name", "data"),
        ("data_type", "SPECTRAL_IMAGE"),
    ] {
        main.set_attr(name, Text(value.to_owned()));
    }
    file.add_group(group.finish());
    file.create_dataset("aside")
        .with_u8_data(&[1, 2, 3, 4])
        .with_shape(&[2, 2]);
    file.finish().unwrap()
}
