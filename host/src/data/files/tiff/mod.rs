//! TIFF images: one page of one grey channel, as it is stored, with the pixel size that instruments and
//! programs of the field write.

mod pages;
mod pixel_size;
mod stored;

use half::f16;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use crate::data::Values;
use pages::{Page, Pages};
use stored::Stored;

const FORMAT: &str = "TIFF";

type Open = Decoder<Stored>;

/// A page of a TIFF file: that of the number `inside`, counted from 1, or the only one that holds one
/// value a pixel and is no preview of another.
///
/// # Errors
/// When the file is damaged, no page or several could be meant, or the page holds colours.
pub(super) fn read(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    let pages = open(file)?;
    let page = pages.choose(file, inside)?;
    let location = match inside {
        Some(inside) => format!("{file}#{inside}"),
        None => file.to_owned(),
    };
    let mut decoder = pages.decoder;
    let unreadable = |e: TiffError| unreadable(file, &e);
    decoder.seek_to_image(page.index).map_err(unreadable)?;
    let metadata = pixel_size::read(&mut decoder, pages.ome.as_deref());
    let (found, shape) = (location.clone(), page.shape());
    let [height, width] = [shape[0], shape[1]];
    let mut array = Array::bare(&location, shape, &super::stem(file), move || {
        values(decoder, &page, &found)
    });
    if let Some(size) = metadata.size {
        let units = super::plain(&size.units);
        array.dimensions = vec![
            Dimension::uniform(0, height, ("y", &units), (size.origin.0, size.step.0)),
            Dimension::uniform(1, width, ("x", &units), (size.origin.1, size.step.1)),
        ];
        array.names_axes = true;
    }
    if let Some(detector) = metadata.detector {
        array.quantity = super::plain(&detector);
    }
    Ok(array)
}

/// The numbers, from 1, and shapes of the pages that hold one value a pixel.
///
/// # Errors
/// When the file is no TIFF.
pub(super) fn list(file: &str) -> Result<Vec<usize>, DatasetError> {
    let pages = open(file)?.pages;
    let grey = pages.iter().filter(|page| page.is_data());
    Ok(grey.map(|page| page.index + 1).collect())
}

fn open(file: &str) -> Result<Pages, DatasetError> {
    let stored = Stored::open(file).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))?;
    Pages::open(stored).map_err(|e| unreadable(file, &e))
}

/// The error of a file that cannot be decoded; of a kind that is not read, with the remedy.
fn unreadable(file: &str, error: &TiffError) -> DatasetError {
    match error {
        TiffError::UnsupportedError(_) => {
            let reason = format!("{error}; {}", plainly(file));
            DatasetError::unreadable(file, FORMAT, &reason)
        }
        _ => DatasetError::unreadable(file, FORMAT, error),
    }
}

/// Who writes a kind of TIFF that is not read as one that is.
fn plainly(file: &str) -> String {
    format!(
        "tifffile writes it plainly: tifffile.imwrite(\"new.tif\", tifffile.imread(\"{}\"))",
        super::plain(file)
    )
}

fn values(mut decoder: Open, page: &Page, location: &str) -> Result<Values, DatasetError> {
    let unreadable = |e: TiffError| unreadable(location, &e);
    let bytes = page.height.saturating_mul(page.width).saturating_mul(8);
    let mut limits = Limits::default();
    let file = usize::try_from(decoder.inner().length()).unwrap_or(usize::MAX);
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (bytes, bytes.max(file));
    decoder = decoder.with_limits(limits);
    decoder.seek_to_image(page.index).map_err(unreadable)?;
    let decoded = decoder.read_image().map_err(unreadable)?;
    Ok(match decoded {
        DecodingResult::U8(packed) if page.bits < 8 => {
            let reversed = decoder.find_tag_unsigned::<u16>(Tag::FillOrder);
            let reversed = reversed.map_err(unreadable)? == Some(2);
            unpacked(&packed, page, reversed).ok_or_else(|| {
                let reason = format!("its rows are packed otherwise than row by row; {}", plainly(location));
                DatasetError::unreadable(location, FORMAT, &reason)
            })?
        }
        DecodingResult::U8(values) => single(values),
        DecodingResult::I8(values) => single(values),
        DecodingResult::U16(values) => single(values),
        DecodingResult::I16(values) => single(values),
        DecodingResult::F16(values) => single(values.into_iter().map(f16::to_f32).collect()),
        DecodingResult::F32(values) => Values::Single(values),
        DecodingResult::U32(values) => Values::Double(values.into_iter().map(f64::from).collect()),
        DecodingResult::I32(values) => Values::Double(values.into_iter().map(f64::from).collect()),
        DecodingResult::U64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::I64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::F64(values) => Values::Double(values),
    })
}

fn single<T: Into<f32>>(values: Vec<T>) -> Values {
    Values::Single(values.into_iter().map(Into::into).collect())
}

/// Values of 1, 2 or 4 bits, each row beginning with a byte of its own. Nothing where the rows are
/// of another length.
fn unpacked(packed: &[u8], page: &Page, reversed: bool) -> Option<Values> {
    let bits = usize::from(page.bits);
    if !matches!(bits, 1 | 2 | 4) {
        return None;
    }
    let row = (page.width * bits).div_ceil(8);
    if packed.len() != row * page.height {
        return None;
    }
    let most = (1_u8 << bits) - 1;
    let value = |row: &[u8], column: usize| {
        let byte = row[column * bits / 8];
        let byte = if reversed { byte.reverse_bits() } else { byte };
        byte >> (8 - bits - column * bits % 8) & most
    };
    let rows = packed.chunks_exact(row);
    let values = rows.flat_map(|row| (0..page.width).map(move |column| f32::from(value(row, column))));
    Some(Values::Single(values.collect()))
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
            message.contains("pages 1 (1x1 of 3 samples a pixel), 2 (1x1"),
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
}
