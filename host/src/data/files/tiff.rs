//! TIFF images of one grey channel, with the pixel size that Thermo/FEI instruments or `ImageJ` store.

use std::fs::File;
use std::io::BufReader;

use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use crate::data::Values;

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
    let imagej = imagej_pixel_size(&mut decoder);
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
    let size = match thermo.as_deref().and_then(pixel_size_nm) {
        Some((x, y)) => Some((x, y, "nm".to_owned())),
        None => imagej,
    };
    if let Some((x, y, units)) = size {
        array.dimensions = vec![
            Dimension::uniform(0, height as usize, ("y", &units), (0.0, y)),
            Dimension::uniform(1, width as usize, ("x", &units), (0.0, x)),
        ];
    }
    let result = thermo
        .as_deref()
        .and_then(|metadata| element(metadata, "BinaryResult"));
    if let Some(detector) = result.and_then(|result| element(result, "Detector")) {
        detector.trim().clone_into(&mut array.quantity);
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

/// Pixel width, height and units as `ImageJ` stores them: the resolution tags in pixels per
/// unit, the unit in the description. Resolution tags alone are a printer's dots per inch and
/// say nothing about the specimen.
fn imagej_pixel_size(decoder: &mut Decoder<BufReader<File>>) -> Option<(f64, f64, String)> {
    let description = decoder
        .find_tag(Tag::ImageDescription)
        .ok()??
        .into_string()
        .ok()?;
    if !description.starts_with("ImageJ=") {
        return None;
    }
    let unit = description
        .lines()
        .find_map(|line| line.strip_prefix("unit="))?;
    let unit = match unit.trim() {
        "micron" | "\\u00B5m" | "um" => "µm",
        "inch" | "pixel" | "" => return None,
        other => other,
    };
    let mut per_pixel = |tag| match decoder.find_tag(tag).ok()?? {
        Value::Rational(n, d) => Some(f64::from(d) / f64::from(n)),
        _ => None,
    };
    let (x, y) = (per_pixel(Tag::XResolution)?, per_pixel(Tag::YResolution)?);
    Some((x, y, unit.to_owned()))
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

#[cfg(test)]
mod tests {
    use crate::data::files::testing::{close, shared, written};
    use crate::data::files::{read, read_map};

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
            close(map.values.iter().sum(), 20_719_925.0);
            assert_eq!(map.at(3, 7), 5668.0);
        }
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

    #[test]
    fn imagej_gives_the_pixel_size_and_dots_per_inch_do_not() {
        use ::tiff::encoder::{Rational, TiffEncoder, colortype};
        use ::tiff::tags::{ResolutionUnit, Tag};
        for (description, units, scale) in [
            ("ImageJ=1.53\nunit=nm\n", "nm", 0.5),
            ("made elsewhere", "px", 1.0),
        ] {
            let mut bytes = std::io::Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
            let mut image = encoder.new_image::<colortype::Gray8>(2, 1).unwrap();
            image.resolution(ResolutionUnit::Inch, Rational { n: 2, d: 1 });
            image
                .encoder()
                .write_tag(Tag::ImageDescription, description)
                .unwrap();
            image.write_data(&[1, 2]).unwrap();
            let (_folder, file) = written("image.tiff", bytes.get_ref());
            let map = read_map(&file).unwrap();
            assert_eq!(
                (map.columns.units.as_str(), map.columns.scale),
                (units, scale)
            );
        }
    }

    /// The INI form of tag 34682, which SEMs write.
    #[test]
    fn the_metadata_of_an_sem_gives_the_pixel_size() {
        let text = "[Scan]\r\nPixelWidth=2.5e-9\r\nPixelHeight=3e-09\r\n";
        let (x, y) = super::pixel_size_nm(text).unwrap();
        close(x, 2.5);
        close(y, 3.0);
        assert_eq!(super::pixel_size_nm("[Scan]\nPixelWidth=wide"), None);
    }
}
