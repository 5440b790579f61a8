//! Small files of instruments, laid out byte by byte or attribute by attribute, for the tests.

use hdf5_pure::AttrValue::{self, String as Text, StringArray};
use hdf5_pure::FileBuilder;

/// A tag of DigitalMicrograph.
enum Tag {
    Group(Vec<(&'static str, Tag)>),
    Text(&'static str),
    Whole(u32),
    Number(f32),
    Values(Vec<u16>),
}

/// A count: wider in version 4.
fn count(version: u8, number: usize) -> Vec<u8> {
    if version == 4 {
        (number as u64).to_be_bytes().to_vec()
    } else {
        (number as u32).to_be_bytes().to_vec()
    }
}

fn tag(version: u8, tag: &Tag) -> (u8, Vec<u8>) {
    let words = |words: &[usize], raw: Vec<u8>| {
        let mut bytes = b"%%%%".to_vec();
        bytes.extend(count(version, words.len()));
        bytes.extend(words.iter().flat_map(|&word| count(version, word)));
        bytes.extend(raw);
        (21, bytes)
    };
    let shorts = |values: &[u16]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    match tag {
        Tag::Group(tags) => {
            let mut bytes = vec![1, 0];
            bytes.extend(count(version, tags.len()));
            for (name, inner) in tags {
                let (kind, content) = self::tag(version, inner);
                bytes.push(kind);
                bytes.extend((name.len() as u16).to_be_bytes());
                bytes.extend(name.as_bytes());
                if version == 4 {
                    bytes.extend((content.len() as u64).to_be_bytes());
                }
                bytes.extend(content);
            }
            (20, bytes)
        }
        Tag::Text(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            words(&[20, 4, units.len()], shorts(&units))
        }
        Tag::Whole(number) => words(&[5], number.to_le_bytes().to_vec()),
        Tag::Number(number) => words(&[6], number.to_le_bytes().to_vec()),
        Tag::Values(values) => words(&[20, 4, values.len()], shorts(values)),
    }
}

/// A DigitalMicrograph file of a spectrum image of 2 rows, 3 columns and 4 energies, value 6 e + 3 y + x.
pub(super) fn digital_micrograph(version: u8) -> Vec<u8> {
    let axis = |origin: f32, scale: f32, units: &'static str| {
        Tag::Group(vec![
            ("Origin", Tag::Number(origin)),
            ("Scale", Tag::Number(scale)),
            ("Units", Tag::Text(units)),
        ])
    };
    let axes = vec![
        ("", axis(0.0, 0.5, "nm")),
        ("", axis(4.0, 0.25, "nm")),
        ("", axis(-10.0, 2.0, "eV")),
    ];
    let brightness = Tag::Group(vec![("Units", Tag::Text("e-"))]);
    let sizes = [3, 2, 4].map(|size| ("", Tag::Whole(size))).into_iter();
    let data = Tag::Group(vec![
        (
            "Calibrations",
            Tag::Group(vec![
                ("Brightness", brightness),
                ("Dimension", Tag::Group(axes)),
            ]),
        ),
        ("Data", Tag::Values((0..24).collect())),
        ("DataType", Tag::Whole(10)),
        ("Dimensions", Tag::Group(sizes.collect())),
    ]);
    let about = Tag::Group(vec![
        (
            "Meta Data",
            Tag::Group(vec![
                ("Format", Tag::Text("Spectrum image")),
                ("Signal", Tag::Text("EELS")),
            ]),
        ),
        (
            "Microscope Info",
            Tag::Group(vec![("Voltage", Tag::Number(200_000.0))]),
        ),
        (
            "EELS",
            Tag::Group(vec![(
                "Acquisition",
                Tag::Group(vec![
                    ("Exposure (s)", Tag::Number(0.5)),
                    ("Number of frames", Tag::Whole(4)),
                ]),
            )]),
        ),
    ]);
    let image = Tag::Group(vec![
        ("ImageData", data),
        ("ImageTags", about),
        ("Name", Tag::Text("SI")),
    ]);
    let list = Tag::Group(vec![("", image)]);
    let (_, root) = tag(version, &Tag::Group(vec![("ImageList", list)]));
    let mut bytes = u32::from(version).to_be_bytes().to_vec();
    bytes.extend(count(version, root.len()));
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend(root);
    bytes
}

/// Big-endian floats of single precision.
fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_be_bytes).collect()
}

/// A Nanonis scan of 2 x 3 pixels.
pub(super) fn nanonis_scan() -> Vec<u8> {
    let text = ":SCAN_PIXELS:\n 3 2\n:SCAN_TIME:\n 0.3 0.3\n:SCAN_RANGE:\n 3E-8 2E-8\n:SCAN_DIR:\nup\n\
                :DATA_INFO:\n\tChannel\tName\tUnit\tDirection\n\t0\tZ\tm\tboth\n\n:SCANIT_END:\n\n\n\x1a\x04";
    let values = (0..12_u8).map(f32::from);
    [text.as_bytes().to_vec(), floats(values)].concat()
}

/// A Nanonis grid of 2 x 3 pixels with 4 points each, of which the last pixel is missing.
pub(super) fn nanonis_grid() -> Vec<u8> {
    let text = "Grid dim=\"3 x 2\"\r\nSweep Signal=\"Bias (V)\"\r\n\
                Fixed parameters=\"Sweep Start;Sweep End\"\r\nExperiment parameters=\"X (m);Y (m)\"\r\n\
                # Parameters (4 byte)=4\r\nPoints=4\r\nChannels=\"Current (A)\"\r\n:HEADER_END:\r\n";
    let pixels = (0..5_u8).flat_map(|pixel| {
        let (row, column) = (f32::from(pixel / 3), f32::from(pixel % 3));
        let about = [-1.0, 2.0, column * 1e-9, row * 2e-9];
        let swept = (0..4_u8).map(move |point| f32::from(10 * pixel + point));
        about.into_iter().chain(swept)
    });
    [text.as_bytes().to_vec(), floats(pixels)].concat()
}

/// An Igor wave of two images of 2 rows and 3 columns.
pub(super) fn igor() -> Vec<u8> {
    let mut bytes = vec![0; 384];
    let mut put = |place: usize, value: &[u8]| {
        bytes[place..place + value.len()].copy_from_slice(value);
    };
    put(0, &5_i16.to_le_bytes());
    put(4, &(320 + 24_i32).to_le_bytes());
    put(44, &(3 * 32_i32).to_le_bytes());
    put(80, &0x10_i16.to_le_bytes());
    put(92, b"wave");
    for (place, size) in [3_i32, 2, 2].into_iter().enumerate() {
        put(132 + 4 * place, &size.to_le_bytes());
        put(148 + 8 * place, &1e-9_f64.to_le_bytes());
        put(216 + 4 * place, b"m");
    }
    bytes.extend((0..12_i16).flat_map(i16::to_le_bytes));
    for label in ["", "HeightTrace", "PhaseTrace"] {
        let mut name = label.as_bytes().to_vec();
        name.resize(32, 0);
        bytes.extend(name);
    }
    bytes
}

/// An Igor wave of a curve of so many points in two channels, the second 10 above the first, which counts from
/// `begin`.
pub(super) fn curve(points: usize, begin: f32) -> Vec<u8> {
    let mut bytes = vec![0; 384];
    let mut put = |place: usize, value: &[u8]| {
        bytes[place..place + value.len()].copy_from_slice(value);
    };
    let size = i32::try_from(points).unwrap_or(0);
    put(0, &5_i16.to_le_bytes());
    put(4, &(320 + 8 * size).to_le_bytes());
    put(12, &4_i32.to_le_bytes());
    put(40, &(3 * 32_i32).to_le_bytes());
    put(80, &2_i16.to_le_bytes());
    put(132, &size.to_le_bytes());
    put(136, &2_i32.to_le_bytes());
    put(148, &0.5_f64.to_le_bytes());
    put(216, b"s");
    let channel = |first: f32| (0..points).map(move |i| first + i as f32);
    bytes.extend(
        channel(begin)
            .chain(channel(begin + 10.0))
            .flat_map(f32::to_le_bytes),
    );
    bytes.extend(b"note");
    for label in ["", "Raw", "Defl"] {
        let mut name = label.as_bytes().to_vec();
        name.resize(32, 0);
        bytes.extend(name);
    }
    bytes
}

/// A ripple file of 2 x 3 pixels with 4 channels, and its numbers.
pub(super) fn ripple() -> (Vec<u8>, Vec<u8>) {
    let text = "key\tvalue\nwidth\t3\nheight\t2\ndepth\t4\noffset\t0\ndata-length\t1\ndata-type\tunsigned\n\
                byte-order\tdont-care\nrecord-by\tvector\nev-per-chan\t10\nlive-time\t2.5\n";
    (text.as_bytes().to_vec(), (0..24).collect())
}

/// A Velox file of 1 x 2 pixels and 4 channels: an image, and two frames of one detector.
pub(super) fn velox() -> Vec<u8> {
    let about = r#"{"Optics":{"AccelerationVoltage":"200000"},"Scan":{"DwellTime":"0.001",
        "ScanSize":{"width":"2","height":"1"}},"Detectors":{"Detector-0":{"DetectorName":"SuperX1",
        "Dispersion":"10","OffsetEnergy":"-20","LiveTime":"0.0016"}},"BinaryResult":{"Detector":"SuperX1",
        "DetectorIndex":"0","PixelSize":{"width":"4e-9","height":"4e-9"},"PixelUnitX":"m"}}"#;
    let about: Vec<u8> = about.bytes().flat_map(|byte| [byte, byte]).collect();
    let length = about.len() as u64 / 2;
    let mut file = FileBuilder::new();
    file.create_dataset("Version").with_vlen_strings(&["{}"]);
    let mut data = file.create_group("Data");
    let mut images = data.create_group("Image");
    let mut image = images.create_group("a");
    image
        .create_dataset("Data")
        .with_u16_data(&[7, 8])
        .with_shape(&[1, 2, 1]);
    image
        .create_dataset("Metadata")
        .with_u8_data(&about)
        .with_shape(&[length, 2]);
    images.add_group(image.finish());
    data.add_group(images.finish());
    let mut streams = data.create_group("SpectrumStream");
    let mut stream = streams.create_group("b");
    let events = [0, 3, 3, u16::MAX, 1, u16::MAX, 0, u16::MAX, 2];
    stream
        .create_dataset("Data")
        .with_u16_data(&events)
        .with_shape(&[9, 1]);
    stream
        .create_dataset("Metadata")
        .with_u8_data(&about)
        .with_shape(&[length, 2]);
    stream
        .create_dataset("AcquisitionSettings")
        .with_vlen_strings(&[r#"{"bincount":"4"}"#]);
    streams.add_group(stream.finish());
    data.add_group(streams.finish());
    file.add_group(data.finish());
    file.finish().unwrap_or_default()
}

/// A group of 2 x 3 x 4 values, its attributes, and datasets beside it.
fn group(name: &str, attributes: &[(&str, AttrValue)], beside: &[(&str, &str, &[f64])]) -> Vec<u8> {
    let mut file = FileBuilder::new();
    file.set_attr("default", Text("a".to_owned()));
    let mut group = file.create_group("a");
    for (name, value) in attributes {
        group.set_attr(name, value.clone());
    }
    let values: Vec<i16> = (0..24).collect();
    let data = group.create_dataset(name);
    data.with_i16_data(&values).with_shape(&[2, 3, 4]);
    for (name, units, values) in beside {
        let axis = group.create_dataset(name);
        axis.with_f64_data(values)
            .set_attr("units", Text((*units).to_owned()));
    }
    file.add_group(group.finish());
    file.finish().unwrap_or_default()
}

/// A `NeXus` file of 2 x 3 pixels with 4 energies.
pub(super) fn nexus() -> Vec<u8> {
    let axes = ["y", "x", "energy"].map(str::to_owned).to_vec();
    group(
        "counts",
        &[
            ("signal", Text("counts".to_owned())),
            ("axes", StringArray(axes)),
        ],
        &[
            ("y", "nm", &[0.0, 2.0]),
            ("x", "nm", &[0.0, 1.0, 2.0]),
            ("energy", "eV", &[1.0, 2.0, 4.0, 8.0]),
        ],
    )
}

/// A Berkeley file of 4 x 3 pixels with 2 channels: its first axis is stored first.
pub(super) fn berkeley() -> Vec<u8> {
    group(
        "data",
        &[("emd_group_type", AttrValue::I64(1))],
        &[
            ("dim1", "[e_V]", &[5.0, 6.0]),
            ("dim2", "[n_m]", &[0.0, 0.5]),
            ("dim3", "[n_m]", &[0.0, 0.25]),
        ],
    )
}

/// A file of Oxford Instruments with spectra of 2 x 3 pixels and 4 channels.
pub(super) fn h5oina() -> Vec<u8> {
    let mut file = FileBuilder::new();
    for name in ["Format Version", "Index"] {
        file.create_dataset(name).with_u8_data(&[1]);
    }
    let mut slice = file.create_group("1");
    let mut eds = slice.create_group("EDS");
    let mut header = eds.create_group("Header");
    for (name, value) in [
        ("X Cells", 3.0),
        ("Y Cells", 2.0),
        ("X Step", 0.5),
        ("Y Step", 0.25),
        ("Channel Width", 20.0),
        ("Start Channel", -200.0),
        ("Beam Voltage", 15.0),
    ] {
        header.create_dataset(name).with_f64_data(&[value]);
    }
    eds.add_group(header.finish());
    let mut data = eds.create_group("Data");
    let values: Vec<i32> = (0..24).collect();
    let spectra = data.create_dataset("Spectrum");
    spectra.with_i32_data(&values).with_shape(&[6, 4]);
    data.create_dataset("Live Time").with_f64_data(&[0.5; 6]);
    eds.add_group(data.finish());
    slice.add_group(eds.finish());
    file.add_group(slice.finish());
    file.finish().unwrap_or_default()
}
