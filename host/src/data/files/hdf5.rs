//! HDF5: what a file holds, which dataset is meant, and its values.

mod choice;
mod content;
mod description;
mod opened;

use hdf5_pure::{Error, FormatError};

use super::array::is_candidate;
use super::error::DatasetError;
use super::listing::DatasetInfo;
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
    let found = Content::of(&opened)?;
    let mapped = || {
        let numeric = found.numeric.iter();
        numeric.filter(|info| info.main || is_candidate(&info.shape))
    };
    let marked = mapped().any(|info| info.main);
    let meant = mapped().filter(|info| info.main || !marked);
    Ok(meant.map(|info| info.path.clone()).collect())
}

/// The error of a file that cannot be decoded. Parts of the format that are newer than the
/// decoder have a remedy, so it is named.
pub(super) fn unreadable(file: &str, error: &Error) -> DatasetError {
    use FormatError::{
        ChunkedReadError, InvalidBTreeV2Version, InvalidDataspaceVersion, InvalidDatatypeVersion,
        InvalidFilterPipelineVersion, InvalidLayoutVersion, InvalidLinkInfoVersion,
        InvalidLinkVersion, InvalidObjectHeaderVersion, UnsupportedFillValueVersion,
        UnsupportedMessage, UnsupportedVersion,
    };
    match error {
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
                 and floats"
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
