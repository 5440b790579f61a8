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

/// The bytes of a `.npy` file, version 1.0, as the format's specification lays them out.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
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

/// A folder for a test's files, and the location of one of them with the given content.
fn written(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    let location = file.to_string_lossy().into_owned();
    (folder, location)
}

#[test]
fn every_numeric_type_of_numpy_is_read() {
    let wanted = [0.0, 1.0, 2.0, 3.0, 4.0, 100.0];
    type Encode = fn(u8) -> Vec<u8>;
    let bytes: [(&str, Encode); 12] = [
        ("|u1", |v| vec![v]),
        ("|i1", |v| vec![v]),
        ("<u2", |v| u16::from(v).to_le_bytes().to_vec()),
        (">i2", |v| i16::from(v).to_be_bytes().to_vec()),
        ("<u4", |v| u32::from(v).to_le_bytes().to_vec()),
        ("<i4", |v| i32::from(v).to_le_bytes().to_vec()),
        (">u8", |v| u64::from(v).to_be_bytes().to_vec()),
        ("<i8", |v| i64::from(v).to_le_bytes().to_vec()),
        ("<f4", |v| f32::from(v).to_le_bytes().to_vec()),
        (">f4", |v| f32::from(v).to_be_bytes().to_vec()),
        ("<f8", |v| f64::from(v).to_le_bytes().to_vec()),
        (">f8", |v| f64::from(v).to_be_bytes().to_vec()),
    ];
    for (descr, encode) in bytes {
        let data: Vec<u8> = [0, 1, 2, 3, 4, 100].into_iter().flat_map(encode).collect();
        let (_folder, file) = written("map.npy", &npy(descr, false, "2, 3", &data));
        let map = read_map(&file).unwrap();
        assert_eq!((map.height(), map.width()), (2, 3));
        assert_eq!(map.values, wanted, "{descr}");
    }
    let (_folder, file) = written("map.npy", &npy("<c16", false, "1, 1", &[0; 16]));
    assert!(
        read(&file)
            .unwrap_err()
            .to_string()
            .contains("real integers and floats")
    );
}

#[test]
fn fortran_order_is_turned_round() {
    let (_folder, file) = written("map.npy", &npy("|u1", true, "2, 3", &[0, 3, 1, 4, 2, 5]));
    assert_eq!(
        read_map(&file).unwrap().values,
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    );
}

#[test]
fn rank_decides_between_map_and_spectra() {
    let read_shape = |shape: &str, n: usize| {
        let data: Vec<u8> = (0..n).map(|i| i as u8).collect();
        let (_folder, file) = written("a.npy", &npy("|u1", false, shape, &data));
        read(&file)
    };
    assert!(matches!(read_shape("2, 3, 1, 1", 6), Ok(Dataset::Map(_))));
    assert!(matches!(read_shape("4, 1", 4), Ok(Dataset::Map(_))));
    match read_shape("1, 2, 3", 6) {
        Ok(Dataset::Spectra(spectra)) => {
            assert_eq!(spectra.at(0, 1), [3.0, 4.0, 5.0]);
            assert_eq!(spectra.coordinates, [0.0, 1.0, 2.0]);
        }
        other => panic!("{other:?}"),
    }
    for (shape, n, text) in [
        ("6,", 6, "shape 6;"),
        ("", 1, "shape scalar;"),
        ("1, 2, 3, 2", 12, "shape 1x2x3x2;"),
        ("0, 3", 0, "shape 0x3;"),
    ] {
        let message = read_shape(shape, n).unwrap_err().to_string();
        assert!(
            message.contains(text) && message.contains("rows x columns"),
            "{message}"
        );
    }
}

#[test]
fn an_archive_gives_the_array_that_is_meant() {
    use npyz::WriterBuilder;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.npz").to_string_lossy().into_owned();
    let mut archive = npyz::npz::NpzWriter::create(&file).unwrap();
    for (name, shape) in [
        ("mean", vec![2, 2]),
        ("loss", vec![4]),
        ("cube", vec![1, 2, 2]),
    ] {
        let mut array = archive
            .array(name, Default::default())
            .unwrap()
            .default_dtype()
            .shape(&shape)
            .begin_nd()
            .unwrap();
        array.extend([1.0_f64, 2.0, 3.0, 4.0]).unwrap();
        array.finish().unwrap();
    }
    drop(archive);
    assert_eq!(read_map(&file).unwrap().quantity, "mean");
    assert!(matches!(
        read(&format!("{file}#cube")),
        Ok(Dataset::Spectra(_))
    ));
    let message = read(&format!("{file}#other")).unwrap_err().to_string();
    assert!(
        message.contains("`other`") && message.contains("cube (1x2x2), loss (4)"),
        "{message}"
    );
}

#[test]
fn every_grey_tiff_is_read() {
    use ::tiff::encoder::{TiffEncoder, colortype};
    macro_rules! round_trip {
        ($($colour:ident $kind:ty),+) => {$({
            let values: Vec<$kind> = [0_u8, 1, 2, 3, 4, 100].into_iter().map(|v| v as $kind).collect();
            let mut bytes = std::io::Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
            encoder.write_image::<colortype::$colour>(3, 2, &values).unwrap();
            let (_folder, file) = written("image.tif", bytes.get_ref());
            let map = read_map(&file).unwrap();
            assert_eq!((map.height(), map.width(), map.quantity.as_str()), (2, 3, "image"));
            assert_eq!(map.values, [0.0, 1.0, 2.0, 3.0, 4.0, 100.0], stringify!($kind));
        })+};
    }
    round_trip!(
        Gray8 u8, Gray16 u16, GrayI16 i16, Gray32 u32, GrayI32 i32, Gray32Float f32,
        Gray64Float f64
    );
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
    encoder
        .write_image::<colortype::RGB8>(1, 1, &[1, 2, 3])
        .unwrap();
    encoder
        .write_image::<colortype::RGB8>(1, 1, &[1, 2, 3])
        .unwrap();
    let (_folder, file) = written("image.tif", bytes.get_ref());
    let message = read(&file).unwrap_err().to_string();
    assert!(
        message.contains("3 samples a pixel and more pages"),
        "{message}"
    );
}

/// An NSID group as pyNSID lays it out: scales beside the data, found by label.
fn nsid_file() -> Vec<u8> {
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

#[test]
fn an_nsid_file_gives_its_main_dataset_with_axes() {
    let (_folder, file) = written("loops.h5", &nsid_file());
    let loops = spectra(&file);
    assert_eq!(loops.coordinates, [0.0, 1.0, 0.0, -1.0]);
    assert_eq!(
        (loops.channels.name.as_str(), loops.channels.units.as_str()),
        ("Voltage", "V")
    );
    assert_eq!((loops.columns.scale, loops.rows.scale), (1e-9, 2e-9));
    assert_eq!(
        (loops.quantity.as_str(), loops.units.as_str()),
        ("Response", "pm")
    );
    assert_eq!(loops.at(1, 2), [20.0, 21.0, 22.0, 23.0]);
    assert_eq!(
        read_map(&format!("{file}#aside")).unwrap().values,
        [1.0, 2.0, 3.0, 4.0]
    );
    let listed = list_hdf5(&file).unwrap();
    let texts: Vec<String> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "aside (2x2 u8)",
            "loops/Voltage (4 f64)",
            "loops/X (3 f64)",
            "loops/Y (2 f64)",
            "loops/data (2x3x4 i32 Response)",
        ]
    );
    let message = read(&format!("{file}#loops/X")).unwrap_err().to_string();
    assert!(message.contains("shape 3;"), "{message}");
    let message = read(&format!("{file}#nothing")).unwrap_err().to_string();
    assert!(
        message.contains("`nothing`") && message.contains("loops/data"),
        "{message}"
    );
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let files = [
        ("a.npy", npy("<f8", false, "2, 3", &[0; 48])),
        ("a.h5", nsid_file()),
        (
            "a.tif",
            shared("stem-edx/haadf.tiff").map_or_else(Vec::new, |f| std::fs::read(f).unwrap()),
        ),
        (
            "a.hspy",
            shared("eds/haadf_eds_64_image.hspy")
                .map_or_else(Vec::new, |f| std::fs::read(f).unwrap()),
        ),
    ];
    for (name, whole) in files {
        for part in 0..16 {
            let (_folder, file) = written(name, &whole[..whole.len() * part / 16]);
            let message = read(&file).unwrap_err().to_string();
            assert!(
                message.contains(name) && !message.contains('\n'),
                "{message}"
            );
        }
        // Flipped bytes may go unnoticed in the values; they must not end the program.
        for place in (0..whole.len()).step_by(whole.len() / 400 + 1) {
            let mut spoilt = whole.clone();
            spoilt[place] ^= 0x55;
            let (_folder, file) = written(name, &spoilt);
            let _ = read(&file);
        }
    }
}

#[test]
fn mistakes_in_the_location_say_what_is_accepted() {
    let message = |location: &str| read(location).unwrap_err().to_string();
    assert_eq!(message("nowhere.npy"), "`nowhere.npy`: no such file");
    assert_eq!(message("nowhere.h5#a/b"), "`nowhere.h5`: no such file");
    let (_folder, file) = written("image.png", b"");
    assert!(message(&file).contains("unknown extension `png`; accepted are .npy, .npz, .tif"));
    let (_folder, file) = written("a.npy", &npy("|u1", false, "1, 1", &[7]));
    assert!(message(&format!("{file}#b")).contains("leave out the path"));
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    let mut map = Map::uncalibrated(2, 3, vec![0.0; 6], "response");
    require_finite(&map, "response").unwrap();
    (map.values[4], map.values[5]) = (f64::NAN, f64::INFINITY);
    let message = require_finite(&map, "the response")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the response is NaN at row 1, column 1; every value must be finite"
    );
}
