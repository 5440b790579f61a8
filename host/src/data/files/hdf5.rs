//! HDF5: what a file holds, which dataset is meant, and its values.

mod choice;
mod content;
mod description;
mod opened;

use hdf5_pure::{Error, FormatError};

use super::Wanted;
use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::listing::DatasetInfo;
use super::remedy::written_anew;
use super::velox;
use content::Content;

pub(super) use choice::read;
pub(super) use opened::Opened;

const FORMAT: &str = "HDF5";

/// Every numeric dataset in an HDF5 file, by path. A soft link is listed where a `NeXus` group names it
/// as what was measured; other links are passed over.
///
/// # Errors
/// When the file is missing or is not HDF5.
pub fn list_hdf5(file: &str) -> Result<Vec<DatasetInfo>, DatasetError> {
    super::require_file(file)?;
    Ok(Content::of(&Opened::new(file)?)?.numeric)
}

/// The paths of all datasets that are read as a map or spectra: measured data where the file marks
/// some as such, and any otherwise.
///
/// # Errors
/// When the file is damaged.
pub(super) fn list_signals(file: &str) -> Result<Vec<String>, DatasetError> {
    let opened = Opened::new(file)?;
    if velox::is_one(&opened.open) {
        return Ok(velox::list(&opened.open));
    }
    Ok(signals(&Content::of(&opened)?))
}

/// What is opened of a file, each with its path inside.
type Arrays = Vec<(String, Result<Array, DatasetError>)>;

/// Opens the first `most` of what [`list_signals`] lists; says how many more there are, and of a file with
/// more datasets than are looked at how many these are.
///
/// # Errors
/// When the file is damaged.
pub(super) fn read_first(
    file: &str,
    most: usize,
) -> Result<(Arrays, usize, Option<String>), DatasetError> {
    let opened = Opened::new(file)?;
    if velox::is_one(&opened.open) {
        let paths = velox::list(&opened.open);
        let more = paths.len().saturating_sub(most);
        let read = |path: String| {
            let array = read(file, Some(&path), Wanted::Any);
            (path, array)
        };
        let arrays = paths.into_iter().take(most).map(read).collect();
        return Ok((arrays, more, None));
    }
    let found = Content::of(&opened)?;
    let paths = signals(&found);
    let more = paths.len().saturating_sub(most);
    let described = paths.into_iter().take(most).filter_map(|path| {
        let info = found.numeric.iter().find(|info| info.path == path)?;
        let array = description::describe(&opened, &found, info);
        Some((path, array))
    });
    let cut = found.is_full().then(|| {
        let known = found.all().count();
        format!("of its datasets the first {known} are looked at")
    });
    Ok((described.collect(), more, cut))
}

fn signals(found: &Content) -> Vec<String> {
    let mapped = || {
        let numeric = found.numeric.iter();
        numeric.filter(|info| info.main || is_candidate(&info.shape))
    };
    let marked = mapped().any(|info| info.main);
    let meant = mapped().filter(|info| info.main || !marked);
    meant.map(|info| info.path.clone()).collect()
}

/// The error of a file that cannot be decoded. Parts of the format that are newer than the
/// decoder have a remedy, so it is named.
pub(super) fn unreadable(file: &str, error: &Error) -> DatasetError {
    use FormatError::{
        ChunkedReadError, InvalidBTreeV2Version, InvalidDataspaceVersion, InvalidDatatypeVersion,
        InvalidFilterPipelineVersion, InvalidLayoutVersion, InvalidLinkInfoVersion,
        InvalidLinkVersion, InvalidObjectHeaderVersion, UnsupportedExternalStorage,
        UnsupportedFillValueVersion, UnsupportedMessage, UnsupportedVersion,
        UnsupportedVirtualLayout,
    };
    match error {
        Error::Format(how @ (UnsupportedVirtualLayout | UnsupportedExternalStorage)) => {
            let (name, inside) = super::split(file);
            DatasetError::Stored {
                location: file.to_owned(),
                reason: match how {
                    UnsupportedVirtualLayout => "its values are those of other datasets (a virtual dataset)",
                    _ => "its values lie in another file (external raw storage)",
                }
                .to_owned(),
                remedy: written_anew(name, inside.unwrap_or("/"), ""),
            }
        }
        Error::Format(
            UnsupportedVersion(_)
            | UnsupportedMessage(_)
            | UnsupportedFillValueVersion(_)
            | InvalidObjectHeaderVersion(_)
            | InvalidDatatypeVersion { .. }
            | InvalidDataspaceVersion(_)
            | InvalidLayoutVersion(_)
            | InvalidFilterPipelineVersion(_)
            | InvalidLinkVersion(_)
            | InvalidLinkInfoVersion(_)
            | InvalidBTreeV2Version(_)
            // Among others, the index that only new files have on resizable datasets.
            | ChunkedReadError(_),
        ) => {
            let reason = format!(
                "{error}; a file from a newer HDF5 library can be read once it is written \
                 again with libver='earliest' in h5py"
            );
            DatasetError::unreadable(file, FORMAT, &reason)
        }
        _ => DatasetError::unreadable(file, FORMAT, error),
    }
}

#[cfg(test)]
mod tests {
    use hdf5_pure::FormatError;

    use crate::data::files::samples::{CYCLE, LATEST, LINKS, TYPES, VAST, bytes};
    use crate::data::files::testing::{close, named, nsid_file, shared, spectra, written};
    use crate::data::files::{list_hdf5, read, read_map};

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
            assert_eq!(read_map(&format!("{file}#{quantity}")).unwrap(), map);
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
    fn an_nsid_file_gives_its_main_dataset_with_axes() {
        let (_folder, file) = written("loops.h5", &nsid_file());
        let loops = spectra(&file);
        assert_eq!(loops.coordinates, [0.0, 1.0, 0.0, -1.0]);
        assert_eq!(named(&loops.channels), ("Voltage", "V"));
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
    fn soft_links_are_followed_and_those_to_nowhere_are_refused_with_a_remedy() {
        for sample in [LINKS, LATEST] {
            let (_folder, file) = written("links.h5", &bytes(sample));
            for path in ["img", "to", "/to"] {
                let map = read_map(&format!("{file}#{path}")).unwrap();
                assert_eq!(map.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            }
            assert_eq!(list_hdf5(&file).unwrap().last().unwrap().path, "img");
        }
        let (_folder, file) = written("links.h5", &bytes(LINKS));
        assert_eq!(read_map(&file).unwrap().quantity, "img");
        let message = read(&format!("{file}#gone")).unwrap_err().to_string();
        assert!(
            message.contains("`gone` is a link to `/nowhere`, which is not there")
                && message.contains("expand_soft=True"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_says_more_than_it_holds_is_refused_at_once() {
        let (_folder, file) = written("vast.h5", &bytes(VAST));
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("do not fit into memory"), "{message}");
        let (_folder, file) = written("cycle.h5", &bytes(CYCLE));
        let begun = std::time::Instant::now();
        let listed = list_hdf5(&file).unwrap();
        let paths: Vec<&str> = listed.iter().map(|info| info.path.as_str()).collect();
        assert_eq!(paths, ["d"]);
        for path in ["", "#d", "#a/l0/d", "#a/l1/a/l0/d"] {
            let map = read_map(&format!("{file}{path}")).unwrap();
            assert_eq!((map.height(), map.width()), (24, 24));
        }
        assert!(begun.elapsed().as_secs() < 30);
    }

    #[test]
    fn half_precision_is_read_in_either_byte_order() {
        for sample in [TYPES, LATEST] {
            let (_folder, file) = written("half.h5", &bytes(sample));
            let map = read_map(&format!("{file}#half")).unwrap();
            assert_eq!(map.values, [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75]);
            let listed = list_hdf5(&file).unwrap();
            let half = listed.iter().find(|info| info.path == "half").unwrap();
            assert_eq!(half.to_string(), "half (2x3 f16)");
        }
    }

    #[test]
    fn a_dataset_of_another_type_is_named_with_its_type() {
        let (_folder, file) = written("types.h5", &bytes(TYPES));
        assert_eq!(
            read(&format!("{file}#complex")).unwrap_err().to_string(),
            format!(
                "`{file}#complex`: values of type complex (f32 r, f32 i); accepted are real integers \
                 and floats: NumPy makes some of them, numpy.abs(values) for the amplitude, \
                 numpy.angle(values) for the phase"
            )
        );
        assert_eq!(read_map(&file).unwrap().quantity, "half");
        let truths = read_map(&format!("{file}#bool")).unwrap();
        assert!(
            truths
                .values
                .iter()
                .all(|&value| value == 0.0 || value == 1.0)
        );
        let message = read(&format!("{file}#real")).unwrap_err().to_string();
        assert!(
            message.contains("bool (2x3 bool), half (2x3 f16), complex (2x3 complex"),
            "{message}"
        );
    }

    #[test]
    fn floats_in_other_layouts_than_those_of_ieee_are_refused_with_the_line_that_converts() {
        use hdf5_pure::{Datatype, DatatypeByteOrder, FloatingPointLayout};
        let single = FloatingPointLayout {
            bit_offset: 0,
            bit_precision: 32,
            exponent_location: 23,
            exponent_size: 8,
            mantissa_location: 0,
            mantissa_size: 23,
            exponent_bias: 127,
        };
        let stored = |layout| {
            let datatype = Datatype::FloatingPoint {
                size: 4,
                byte_order: DatatypeByteOrder::LittleEndian,
                layout,
            };
            let bytes: Vec<u8> = (0..6_u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
            let mut file = hdf5_pure::FileBuilder::new();
            let dataset = file.create_dataset("d");
            dataset
                .with_raw_data(datatype, bytes, 6)
                .with_shape(&[2, 3]);
            file.finish().unwrap()
        };
        let (_folder, file) = written("a.h5", &stored(single));
        assert_eq!(
            read_map(&file).unwrap().values,
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
        let bias = FloatingPointLayout {
            exponent_bias: 100,
            ..single
        };
        let mantissa = FloatingPointLayout {
            mantissa_location: 13,
            mantissa_size: 10,
            ..single
        };
        for (layout, told) in [
            (bias, "with bias 100"),
            (mantissa, "of 10 bits from bit 13 on"),
        ] {
            let (_folder, file) = written("a.h5", &stored(layout));
            for place in ["", "#d"] {
                let message = read(&format!("{file}{place}")).unwrap_err().to_string();
                assert!(
                    message.contains("a layout other than those of IEEE 754")
                        && message.contains(told),
                    "{message}"
                );
                assert!(message.contains("d.astype(\"f8\")[()]"), "{message}");
            }
        }
    }

    #[test]
    fn values_that_lie_elsewhere_are_refused_with_the_line_that_brings_them() {
        for error in [
            FormatError::UnsupportedVirtualLayout,
            FormatError::UnsupportedExternalStorage,
        ] {
            let message = super::unreadable("a.h5#b/d", &error.into()).to_string();
            assert!(
                message.contains("shutil.copy(\"a.h5\", \"new.h5\")")
                    && message.contains("d = f[\"b/d\"]; v, a = d[()]"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_first_of_many_datasets_are_opened_and_the_others_counted() {
        let mut file = hdf5_pure::FileBuilder::new();
        for i in 0..300 {
            let dataset = file.create_dataset(&format!("d{i:03}"));
            dataset.with_u8_data(&[1, 2, 3, 4]).with_shape(&[2, 2]);
        }
        let (_folder, file) = written("many.h5", &file.finish().unwrap());
        let found = crate::data::files::first(&file, 12).unwrap();
        assert_eq!((found.shown.len(), found.more, found.cut), (12, 288, None));
        assert_eq!(found.shown[11].0, format!("{file}#d011"));
        assert_eq!(found.shown[11].1.as_ref().unwrap().area(), (2, 2));
    }

    #[test]
    fn a_format_newer_than_the_decoder_has_its_remedy_named() {
        let mut newer = bytes(LATEST);
        newer[8] = 9;
        let (_folder, file) = written("newer.h5", &newer);
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("libver='earliest'"), "{message}");
        // What h5py with libver='latest' writes for compressed and for resizable datasets.
        for reason in [
            FormatError::InvalidLayoutVersion(5),
            FormatError::ChunkedReadError("index".to_owned()),
        ] {
            let message = super::unreadable("a.h5", &reason.into()).to_string();
            assert!(message.contains("libver='earliest'"), "{message}");
        }
    }
}
