//! Streams of X-ray events: for each pixel the channels of its counts one after another, and 65535, which says
//! that the next pixel begins. Frame follows upon frame.

use hdf5_pure::Dataset;

use crate::data::Values;
use crate::data::files::error::DatasetError;
use crate::data::files::hdf5::unreadable;

/// Says that the next pixel begins.
const NEXT: u16 = u16::MAX;
/// Events that are read together.
const BLOCK: u64 = 1 << 20;
/// Bytes of a file are at most so many of a stream: what deflate packs best.
const PACKED: u64 = 1032;

/// Number of events of a stream that a file of so many bytes can hold.
pub(super) fn length(dataset: &Dataset, file: u64) -> Option<u64> {
    let shape = dataset.shape().ok()?;
    let length = *shape.first()?;
    let one = shape.iter().skip(1).all(|&size| size == 1);
    let most = file.saturating_mul(PACKED) / 2;
    (one && length <= most).then_some(length)
}

/// The counts of rows x columns x channels of all frames and all streams together; of the first
/// `frames` alone where so many are said.
///
/// # Errors
/// When a stream cannot be read.
pub(super) fn sum(
    streams: &[(Dataset, u64)],
    [height, width, channels]: [usize; 3],
    frames: Option<usize>,
    location: &str,
) -> Result<Values, DatasetError> {
    let pixels = height * width;
    let mut counts = vec![0.0_f32; pixels * channels];
    for (stream, length) in streams {
        let (mut pixel, mut frame, mut start) = (0, 0, 0);
        'stream: while start < *length {
            let block = BLOCK.min(length - start);
            let events = stream
                .read_u16_rows(start, block)
                .map_err(|e| unreadable(location, &e))?;
            if events.is_empty() {
                break;
            }
            start += block;
            for event in events {
                if pixel == pixels {
                    pixel = 0;
                    frame += 1;
                    if Some(frame) == frames {
                        break 'stream;
                    }
                }
                if event == NEXT {
                    pixel += 1;
                } else if usize::from(event) < channels {
                    counts[pixel * channels + usize::from(event)] += 1.0;
                }
            }
        }
    }
    Ok(Values::Single(counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::files::testing::written;

    #[test]
    fn frames_and_detectors_are_summed_pixel_by_pixel() {
        // Two frames of 1 x 2 pixels; the last gate is not written; channel 9 lies beyond the axis.
        let events = [0, 3, 3, NEXT, 1, NEXT, 0, NEXT, 2, 9];
        let mut file = hdf5_pure::FileBuilder::new();
        file.create_dataset("a")
            .with_u16_data(&events)
            .with_shape(&[10, 1]);
        let (_folder, path) = written("a.h5", &file.finish().unwrap());
        let open = hdf5_pure::File::open(&path).unwrap();
        let stream = open.dataset("a").unwrap();
        let summed = |streams: &[(Dataset, u64)], frames| {
            sum(streams, [1, 2, 4], frames, "a").unwrap().into_f64()
        };
        let one = [(stream.clone(), length(&stream, 1000).unwrap())];
        assert_eq!(summed(&one, None), [2.0, 0.0, 0.0, 2.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(
            summed(&one, Some(1)),
            [1.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0]
        );
        let two = [(stream.clone(), 10), (stream.clone(), 10)];
        assert_eq!(
            summed(&two, Some(1)),
            [2.0, 0.0, 0.0, 4.0, 0.0, 2.0, 0.0, 0.0]
        );
        assert_eq!(length(&stream, 0), None);
    }
}
