//! TIFF images: one page of one grey channel, as it is stored, with the pixel size that instruments and
//! programs of the field write.

mod pages;
mod pixel_size;
mod stored;
mod text;

use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::{SampleFormat, Tag};
use tiff::{TiffError, TiffUnsupportedError};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::location_of;
use crate::data::Values;
use pages::{Page, Pages};
use pixel_size::OfFile;
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
    let location = location_of(file, inside);
    described(file, &location, pages.decoder, (page, &pages.of_file))
}

/// What is opened of a file, each with the number of its page.
type Arrays = Vec<(usize, Result<Array, DatasetError>)>;

/// Opens the first `most` pages that hold one value a pixel; says how many more of them there are, and of a
/// file with more pages than are looked at how many these are.
///
/// # Errors
/// When the file is no TIFF.
pub(super) fn read_first(
    file: &str,
    most: usize,
) -> Result<(Arrays, usize, Option<String>), DatasetError> {
    let mut pages = open(file)?;
    let grey = pages.all.iter().filter(|page| page.is_data());
    let grey: Vec<Page> = grey.cloned().collect();
    let mut arrays = Vec::new();
    for page in grey.iter().take(most) {
        let again = pages.decoder.inner().again();
        let decoder = again.map_err(TiffError::from).and_then(Decoder::new);
        let decoder = decoder.map_err(|e| unreadable(file, &imread(file, None), &e))?;
        let number = page.index + 1;
        let location = location_of(file, Some(&number.to_string()));
        let array = described(file, &location, decoder, (page.clone(), &pages.of_file));
        arrays.push((number, array));
    }
    let cut = pages
        .is_cut
        .then(|| format!("of its pages the first {} are looked at", pages.all.len()));
    Ok((arrays, grey.len().saturating_sub(most), cut))
}

/// A page, whose values `decoder` will read.
fn described(
    file: &str,
    location: &str,
    mut decoder: Open,
    (page, of_file): (Page, &OfFile),
) -> Result<Array, DatasetError> {
    let imread = imread(file, Some(page.index));
    let unreadable = |e: TiffError| unreadable(file, &imread, &e);
    decoder.seek_to_image(page.index).map_err(unreadable)?;
    let metadata = pixel_size::read(&mut decoder, of_file);
    let (found, shape) = (location.to_owned(), page.shape());
    let [height, width] = [shape[0], shape[1]];
    let bytes = usize::from(page.bits).div_ceil(8);
    let mut array = Array::bare(location, shape, &super::stem(file), move || {
        values(decoder, &page, (&found, &imread))
    });
    array.width = bytes;
    array.conditions = metadata.conditions;
    let told = |warning| {
        format!(
            "{}: {warning}; its pixels are counted",
            super::plain(location)
        )
    };
    array.warnings.extend(metadata.warning.map(told));
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
    let pages = open(file)?.all;
    let grey = pages.iter().filter(|page| page.is_data());
    Ok(grey.map(|page| page.index + 1).collect())
}

fn open(file: &str) -> Result<Pages, DatasetError> {
    let stored = Stored::open(file).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))?;
    let imread = imread(file, None);
    let pages = Pages::open(stored).map_err(|e| unreadable(file, &imread, &e))?;
    if let Some(images) = pages.hidden {
        let reason = format!(
            "{images} images are in it, and pages for {} alone; tifffile writes all of them: \
             tifffile.imwrite(\"new.tif\", {imread}, photometric=\"minisblack\")",
            pages.all.len(),
        );
        return Err(DatasetError::unreadable(file, FORMAT, &reason));
    }
    Ok(pages)
}

/// The error of a file that cannot be decoded; of a kind that is not read, with the remedy for what this
/// Python expression reads.
fn unreadable(location: &str, imread: &str, error: &TiffError) -> DatasetError {
    let remedy = match error {
        TiffError::UnsupportedError(TiffUnsupportedError::UnsupportedSampleFormat(formats))
            if formats.iter().any(|format| COMPLEX.contains(format)) =>
        {
            plainly(&format!("abs({imread})"))
        }
        TiffError::UnsupportedError(_) => plainly(imread),
        _ => return DatasetError::unreadable(location, FORMAT, error),
    };
    DatasetError::unreadable(location, FORMAT, &format!("{error}; {remedy}"))
}

/// Samples of two whole numbers, or of two others, each.
const COMPLEX: [SampleFormat; 2] = [SampleFormat::Unknown(5), SampleFormat::Unknown(6)];

/// The Python expression of a file's values, or of those of a page from 0 on.
fn imread(file: &str, page: Option<usize>) -> String {
    let key = page.map_or(String::new(), |page| format!(", key={page}"));
    format!("tifffile.imread(\"{}\"{key})", super::plain(file))
}

/// Who writes what this Python expression reads, of a kind of TIFF that is not read, as one that is.
fn plainly(imread: &str) -> String {
    format!("tifffile writes it plainly: tifffile.imwrite(\"new.tif\", {imread})")
}

fn values(
    mut decoder: Open,
    page: &Page,
    (location, imread): (&str, &str),
) -> Result<Values, DatasetError> {
    let unreadable = |e: TiffError| unreadable(location, imread, &e);
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
                let reason = format!(
                    "its rows are packed otherwise than row by row; {}",
                    plainly(imread)
                );
                DatasetError::unreadable(location, FORMAT, &reason)
            })?
        }
        DecodingResult::U8(values) => double(values),
        DecodingResult::I8(values) => double(values),
        DecodingResult::U16(values) => double(values),
        DecodingResult::I16(values) => double(values),
        DecodingResult::F16(values) => double(values),
        DecodingResult::F32(values) => double(values),
        DecodingResult::U32(values) => double(values),
        DecodingResult::I32(values) => double(values),
        DecodingResult::U64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::I64(values) => Values::Double(values.iter().map(|&v| v as f64).collect()),
        DecodingResult::F64(values) => Values::Double(values),
    })
}

/// Values as those of a map are kept: by way of single precision there would be a copy more.
fn double<T: Into<f64>>(values: Vec<T>) -> Values {
    Values::Double(values.into_iter().map(Into::into).collect())
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
    let values =
        rows.flat_map(|row| (0..page.width).map(move |column| f64::from(value(row, column))));
    Some(Values::Double(values.collect()))
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

    /// Pages of one grey row of two pixels, at 2 pixels per unit; texts of tags with `~` in place of `letter`.
    fn described(pages: &[&[(u16, &str)]], letter: u8) -> Vec<u8> {
        use ::tiff::encoder::{Rational, TiffEncoder, colortype};
        use ::tiff::tags::{ResolutionUnit, Tag};
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        for texts in pages {
            let mut image = encoder.new_image::<colortype::Gray8>(2, 1).unwrap();
            if !texts.is_empty() {
                image.resolution(ResolutionUnit::Inch, Rational { n: 2, d: 1 });
            }
            for (tag, text) in *texts {
                let tag = Tag::from_u16_exhaustive(*tag);
                image.encoder().write_tag(tag, *text).unwrap();
            }
            image.write_data(&[1, 2]).unwrap();
        }
        let mut bytes = bytes.into_inner();
        for byte in &mut bytes {
            *byte = if *byte == b'~' { letter } else { *byte };
        }
        bytes
    }

    #[test]
    fn text_of_latin_letters_tells_the_pixel_size_as_any_other() {
        let ome = "<o:OME><o:Pixels PhysicalSizeX='3' PhysicalSizeXUnit='~m'\nPhysicalSizeY='3' \
                   PhysicalSizeYUnit='&#xB5;m'/></o:OME>";
        for (tag, text, (units, scale)) in [
            (270, "ImageJ=1\nunit=~m\n", ("µm", 0.5)),
            (270, "ImageJ=1\nunit=\\u00B5m\n", ("µm", 0.5)),
            (270, "ImageJ=1\nunit=microns\n", ("µm", 0.5)),
            (270, "ImageJ=1\nunit=pixels\n", ("px", 1.0)),
            (270, "by J~rg", ("px", 1.0)),
            (270, ome, ("µm", 3.0)),
            (34118, "Image Pixel Size = 5.5 ~m", ("µm", 5.5)),
            (
                34118,
                "Image Pixel Size = 5.5 nm\r\nTilt = 5 ~",
                ("nm", 5.5),
            ),
            (34682, "User=J~rg\nPixelWidth=4\nPixelHeight=4", ("nm", 4e9)),
        ] {
            let bytes = described(&[&[(tag, text)]], 0xb5);
            let (_folder, file) = written("text.tif", &bytes);
            let axis = read_map(&file).unwrap().columns;
            assert_eq!((axis.units.as_str(), axis.scale), (units, scale), "{text}");
        }
    }

    #[test]
    fn imagej_describes_all_pages_of_a_stack_in_the_first() {
        let bytes = described(&[&[(270, "ImageJ=1\nimages=2\nunit=nm\n")], &[]], b'~');
        let (_folder, file) = written("stack.tif", &bytes);
        let axis = read_map(&format!("{file}#2")).unwrap().columns;
        assert_eq!((axis.units.as_str(), axis.scale), ("nm", 0.5));
    }

    #[test]
    fn complex_numbers_are_refused_with_a_line_that_writes_real_ones() {
        let mut complex = tags(1, 1, 64, 1);
        complex.push((339, 3, 6));
        let (_folder, file) = written("complex.tif", &pages(&[(&complex, &[0; 8])]));
        let message = read_map(&file).unwrap_err().to_string();
        let remedy = "complex.tif\", key=0)))";
        assert!(message.ends_with(remedy), "{message}");
        assert!(message.contains("abs(tifffile.imread(\""), "{message}");
    }

    type Entry = (u16, u16, u32);

    /// A file of pages, each of entries (tag, type, value) and the bytes of its single strip. Type 3 is
    /// a short, 4 a long; shorts lie in the first two bytes of a value.
    fn pages(pages: &[(&[Entry], &[u8])]) -> Vec<u8> {
        let mut bytes = b"II*\0".to_vec();
        let mut link = bytes.len();
        bytes.extend([0; 4]);
        for (tags, strip) in pages {
            let data = u32::try_from(bytes.len()).unwrap();
            bytes.extend_from_slice(strip);
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            let here = u32::try_from(bytes.len()).unwrap();
            bytes[link..link + 4].copy_from_slice(&here.to_le_bytes());
            let length = u32::try_from(strip.len()).unwrap();
            let mut all = tags.to_vec();
            all.extend([(273, 4, data), (279, 4, length)]);
            all.sort_unstable();
            bytes.extend(u16::try_from(all.len()).unwrap().to_le_bytes());
            for (tag, kind, value) in all {
                bytes.extend(tag.to_le_bytes());
                bytes.extend(kind.to_le_bytes());
                bytes.extend(1_u32.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
            link = bytes.len();
            bytes.extend([0; 4]);
        }
        bytes
    }

    /// Width, height, bits, and how zero is to be shown: 0 white, 1 black.
    fn tags(width: u32, height: u32, bits: u32, shown: u32) -> Vec<Entry> {
        vec![
            (256, 4, width),
            (257, 4, height),
            (258, 3, bits),
            (259, 3, 1),
            (262, 3, shown),
            (277, 3, 1),
            (278, 4, height),
        ]
    }

    #[test]
    fn values_are_those_that_are_stored_however_they_are_to_be_shown() {
        for shown in [0, 1] {
            let bytes = pages(&[(&tags(3, 2, 8, shown), &[1, 2, 3, 4, 5, 6])]);
            let (_folder, file) = written("image.tif", &bytes);
            assert_eq!(
                read_map(&file).unwrap().values,
                [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
            );
            // Each row begins with a byte of its own.
            let bytes = pages(&[(&tags(9, 2, 1, shown), &[0b1010_0000, 0b1000_0000, 1, 0])]);
            let (_folder, file) = written("bits.tif", &bytes);
            let map = read_map(&file).unwrap();
            let ones: Vec<usize> = (0..18).filter(|&i| map.values[i] == 1.0).collect();
            assert_eq!(ones, [0, 2, 8, 16]);
        }
    }

    #[test]
    fn a_page_is_chosen_by_its_number_or_as_the_only_one_of_data() {
        let first = tags(1, 1, 8, 1);
        let mut preview = tags(1, 1, 8, 1);
        preview.push((254, 4, 1));
        let bytes = pages(&[(&first, &[7]), (&preview, &[8])]);
        let (_folder, file) = written("preview.tif", &bytes);
        assert_eq!(read_map(&file).unwrap().values, [7.0]);
        assert_eq!(read_map(&format!("{file}#2")).unwrap().values, [8.0]);
        let bytes = pages(&[(&first, &[7]), (&first, &[9])]);
        let (_folder, file) = written("two.tif", &bytes);
        let message = read_map(&file).unwrap_err().to_string();
        assert!(
            message.contains("two.tif#2`; it holds pages 1 (1x1, 8 bits), 2 (1x1, 8 bits)"),
            "{message}"
        );
        let message = read_map(&format!("{file}#3")).unwrap_err().to_string();
        assert!(message.contains("nothing is called `3`"), "{message}");
    }

    #[test]
    fn of_more_pages_than_are_looked_at_the_others_are_said_to_be_left_out() {
        let page = tags(1, 1, 8, 1);
        let many: Vec<(&[Entry], &[u8])> = vec![(&page, &[7]); 4100];
        let (_folder, file) = written("many.tif", &pages(&many));
        let found = crate::data::files::first(&file, 12).unwrap();
        assert_eq!((found.shown.len(), found.more), (12, 4084));
        let told = "of its pages the first 4096 are looked at";
        assert_eq!(found.cut.as_deref(), Some(told));
        let signal = found.shown.into_iter().nth(11).unwrap().1.unwrap();
        assert_eq!(signal.area(), (1, 1));
        for (place, told) in [
            (
                "#4100",
                "page 4100 of more than 4096, of which the first 4096 are looked at",
            ),
            (
                "",
                "and 4072 more, and others: the first 4096 are looked at",
            ),
        ] {
            let message = read_map(&format!("{file}{place}")).unwrap_err().to_string();
            assert!(message.contains(told), "{message}");
        }
        let (_folder, file) = written("few.tif", &pages(&many[..3]));
        let found = crate::data::files::first(&file, 12).unwrap();
        assert_eq!((found.shown.len(), found.more, found.cut), (3, 0, None));
    }

    /// A page that is its own next one, and one of more entries than any has.
    #[test]
    fn pages_without_end_are_refused_or_cut_short() {
        let mut bytes = pages(&[(&tags(1, 1, 8, 0), &[7])]);
        let end = bytes.len() - 4;
        let first = bytes[4..8].to_vec();
        bytes[end..].copy_from_slice(&first);
        let (_folder, file) = written("cycle.tif", &bytes);
        let _ = read_map(&file);
        let vast = pages(&[(&tags(1 << 31, 1 << 31, 8, 1), &[7])]);
        let (_folder, file) = written("vast.tif", &vast);
        let message = read_map(&file).unwrap_err().to_string();
        assert!(message.contains("do not fit into memory"), "{message}");
    }
}
