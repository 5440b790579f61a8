//! TIFF images of one grey channel, with the pixel size that Thermo/FEI instruments store.

use std::fs::File;
use std::io::BufReader;

use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::spectra::Values;

/// Private tags of FEI and Thermo Fisher: XML of Velox and TIA, INI text of the SEMs.
const FEI_TAGS: [u16; 2] = [34683, 34682];

const FORMAT: &str = "TIFF";

/// Reads the single page of a TIFF file.
///
/// # Errors
/// When it is damaged, has several pages or channels, or a path inside was asked for.
pub(super) fn read(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    super::refuse_inside(file, inside)?;
    let unreadable = |e: tiff::TiffError| DatasetError::unreadable(file, FORMAT, &e);
    let open = File::open(file).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))?;
    let mut decoder = Decoder::new(BufReader::new(open)).map_err(unreadable)?;
    let (width, height) = decoder.dimensions().map_err(unreadable)?;
    let shape = vec![height as usize, width as usize];
    let samples = decoder
        .find_tag_unsigned::<u32>(Tag::SamplesPerPixel)
        .map_err(unreadable)?;
    if decoder.more_images() || samples.unwrap_or(1) != 1 {
        return Err(DatasetError::Shape {
            location: file.to_owned(),
            shape: format!(
                "{} of {} samples a pixel{}",
                super::shape_text(&shape),
                samples.unwrap_or(1),
                if decoder.more_images() {
                    " and more pages"
                } else {
                    ""
                }
            ),
            accepted: "one page with one grey value a pixel",
        });
    }
    let thermo = FEI_TAGS.into_iter().find_map(|tag| {
        let value = decoder.find_tag(Tag::Unknown(tag)).ok()??;
        value
            .clone()
            .into_string()
            .ok()
            .or_else(|| Some(String::from_utf8_lossy(&value.into_u8_vec().ok()?).into_owned()))
    });
    let values = match decoder.read_image().map_err(unreadable)? {
        DecodingResult::U8(values) => single(values),
        DecodingResult::I8(values) => single(values),
        DecodingResult::U16(values) => single(values),
        DecodingResult::I16(values) => single(values),
        DecodingResult::F32(values) => Values::Single(values),
        DecodingResult::U32(values) => Values::Double(values.into_iter().map(f64::from).collect()),
        DecodingResult::I32(values) => Values::Double(values.into_iter().map(f64::from).collect()),
        DecodingResult::U64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::I64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::F64(values) => Values::Double(values),
        DecodingResult::F16(_) => {
            return Err(DatasetError::Type {
                location: file.to_owned(),
                dtype: "f16".to_owned(),
            });
        }
    };
    let mut array = Array::bare(file, shape, values, &super::stem(file));
    if let Some(metadata) = thermo {
        if let Some((x, y)) = pixel_size_nm(&metadata) {
            array.dimensions = vec![
                Dimension::uniform(0, height as usize, ("y", "nm"), (0.0, y)),
                Dimension::uniform(1, width as usize, ("x", "nm"), (0.0, x)),
            ];
        }
        let detector = element(&metadata, "BinaryResult").and_then(|s| element(s, "Detector"));
        if let Some(detector) = detector {
            detector.trim().clone_into(&mut array.quantity);
        }
    }
    Ok(array)
}

fn single<T: Into<f32>>(values: Vec<T>) -> Values {
    Values::Single(values.into_iter().map(Into::into).collect())
}

/// Pixel width and height in nm from the metadata of a Thermo/FEI image, both forms of which
/// give metres.
fn pixel_size_nm(metadata: &str) -> Option<(f64, f64)> {
    let in_nm = |text: &str| text.trim().parse().ok().map(|metres: f64| metres * 1e9);
    if let Some(size) = element(metadata, "PixelSize") {
        return Some((in_nm(element(size, "X")?)?, in_nm(element(size, "Y")?)?));
    }
    let entry = |key: &str| {
        let mut lines = metadata.lines().filter_map(|line| line.split_once('='));
        lines
            .find(|(name, _)| name.trim() == key)
            .and_then(|(_, value)| in_nm(value))
    };
    Some((entry("PixelWidth")?, entry("PixelHeight")?))
}

/// The content of the first XML element called `name`. The metadata is machine-written with
/// unique names where it is asked, so no parser is worth its weight.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let start = xml
        .match_indices(&format!("<{name}"))
        .find_map(|(i, tag)| {
            let rest = &xml[i + tag.len()..];
            let body = &rest[rest.find('>')? + 1..];
            rest.starts_with(['>', ' ']).then_some(body)
        })?;
    start.find(&format!("</{name}>")).map(|end| &start[..end])
}
