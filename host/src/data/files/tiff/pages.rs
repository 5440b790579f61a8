//! The pages of a TIFF file, and which is meant.

use std::io::Cursor;

use tiff::decoder::Decoder;
use tiff::tags::Tag;
use tiff::TiffResult;

use super::Open;
use crate::data::files::DatasetError;

/// More pages than anybody chooses from.
const MOST_PAGES: usize = 4096;

/// The bit of `NewSubfileType` of a preview of another page.
const REDUCED: u32 = 1;

/// What is known of a page without its values.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// From 0.
    pub(super) index: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    samples: u16,
    /// Of a sample.
    pub(super) bits: u16,
    reduced: bool,
    /// Whether its colours, where it has a table of them, are in no order of brightness, so that the
    /// numbers that stand for them mean nothing.
    coloured: bool,
}

impl Page {
    fn read(decoder: &mut Open, index: usize) -> TiffResult<Self> {
        let (width, height) = decoder.dimensions()?;
        let mut number = |tag, default| {
            let first = decoder.find_tag_unsigned_vec::<u32>(tag)?;
            TiffResult::Ok(first.and_then(|all| all.first().copied()).unwrap_or(default))
        };
        let samples = number(Tag::SamplesPerPixel, 1)?;
        let bits = number(Tag::BitsPerSample, 1)?;
        let kind = number(Tag::NewSubfileType, 0)?;
        let colours = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap)?;
        Ok(Self {
            index,
            height: height as usize,
            width: width as usize,
            samples: u16::try_from(samples).unwrap_or(u16::MAX),
            bits: u16::try_from(bits).unwrap_or(u16::MAX),
            reduced: kind & REDUCED != 0,
            coloured: colours.is_some_and(|colours| !rises_or_falls(&colours)),
        })
    }

    pub(super) fn shape(&self) -> Vec<usize> {
        vec![self.height, self.width]
    }

    /// Whether it holds one number a pixel and is no preview.
    pub(super) fn is_data(&self) -> bool {
        self.samples == 1 && !self.coloured && !self.reduced
    }

    fn text(&self) -> String {
        let what = match (self.samples, self.coloured, self.reduced) {
            (_, _, true) => ", a preview".to_owned(),
            (1, true, _) => ", numbers of colours".to_owned(),
            (1, false, _) => format!(", {} bits", self.bits),
            (samples, ..) => format!(" of {samples} samples a pixel"),
        };
        format!("{} ({}x{}{what})", self.index + 1, self.height, self.width)
    }
}

/// Whether the brightness of a table of colours, all red ones first, rises throughout or falls.
fn rises_or_falls(colours: &[u16]) -> bool {
    let count = colours.len() / 3;
    let light = |i: usize| {
        let of = |channel: usize| u64::from(colours[channel * count + i]);
        // The luma of ITU-R BT.601.
        299 * of(0) + 587 * of(1) + 114 * of(2)
    };
    let pairs = || (1..count).map(|i| (light(i - 1), light(i)));
    pairs().all(|(a, b)| a <= b) || pairs().all(|(a, b)| a >= b)
}

/// An open file with its pages.
pub(super) struct Pages {
    pub(super) decoder: Open,
    pub(super) pages: Vec<Page>,
    /// The description of the first page, which holds OME metadata for all of them.
    pub(super) ome: Option<String>,
}

impl Pages {
    pub(super) fn open(mut bytes: Vec<u8>) -> TiffResult<Self> {
        show_what_is_stored(&mut bytes);
        let mut decoder = Decoder::new(Cursor::new(bytes))?;
        let description = decoder.find_tag(Tag::ImageDescription)?;
        let description = description.and_then(|value| value.into_string().ok());
        let mut pages = vec![Page::read(&mut decoder, 0)?];
        while decoder.more_images() && pages.len() < MOST_PAGES {
            decoder.next_image()?;
            pages.push(Page::read(&mut decoder, pages.len())?);
        }
        Ok(Self {
            decoder,
            pages,
            ome: description.filter(|text| text.contains("<OME")),
        })
    }

    /// The page that is meant.
    pub(super) fn choose(&self, file: &str, inside: Option<&str>) -> Result<Page, DatasetError> {
        let available = || {
            let all: Vec<String> = self.pages.iter().take(24).map(Page::text).collect();
            let more = match self.pages.len().saturating_sub(all.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("pages {}{more}", all.join(", "))
        };
        if let Some(inside) = inside {
            let number = inside.parse::<usize>().ok();
            let page = number.and_then(|number| self.pages.get(number.checked_sub(1)?));
            let page = page.ok_or_else(|| DatasetError::UnknownInside {
                file: file.to_owned(),
                inside: inside.to_owned(),
                available: available(),
            })?;
            return if page.samples == 1 && !page.coloured {
                Ok(page.clone())
            } else {
                Err(coloured(file, page))
            };
        }
        let mut data = self.pages.iter().filter(|page| page.is_data());
        match (data.next(), data.next(), self.pages.as_slice()) {
            (Some(page), None, _) => Ok(page.clone()),
            (None, _, [page]) => Err(coloured(file, page)),
            (None, ..) => Err(DatasetError::Nothing {
                file: file.to_owned(),
                available: available(),
            }),
            _ => Err(DatasetError::Pages {
                file: file.to_owned(),
                available: available(),
            }),
        }
    }
}

fn coloured(file: &str, page: &Page) -> DatasetError {
    let (plain, index) = (super::super::plain(file), page.index);
    DatasetError::Coloured {
        file: file.to_owned(),
        page: page.text(),
        remedy: if page.samples == 1 {
            format!("PIL.Image.open(\"{plain}\").convert(\"L\").save(\"grey.tif\")")
        } else {
            format!(
                "tifffile.imwrite(\"grey.tif\", tifffile.imread(\"{plain}\", key={index})[..., 0])"
            )
        },
    }
}

/// Tag and value of how stored numbers are to be shown.
const PHOTOMETRIC: u16 = 262;
const BLACK_IS_ZERO: u16 = 1;
/// White is zero; a table of colours; a mask.
const SHOWN_OTHERWISE: [u16; 3] = [0, 3, 4];

/// Makes the decoder give what is stored. A page whose zero is to be shown white, or through a table
/// of colours, holds the same numbers as any other, and the decoder would invert or refuse them.
fn show_what_is_stored(bytes: &mut [u8]) {
    let mut offset = None;
    for _ in 0..MOST_PAGES {
        let Some(next) = patch_page(bytes, offset) else {
            return;
        };
        offset = Some(next);
    }
}

/// Patches the page at `offset`, the first where there is none; gives the offset of the next.
fn patch_page(bytes: &mut [u8], offset: Option<usize>) -> Option<usize> {
    let little = bytes.starts_with(b"II");
    let number = |bytes: &[u8], at: usize, size: usize| {
        let field = bytes.get(at..at.checked_add(size)?)?;
        let push = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
        Some(if little {
            field.iter().rev().fold(0, push)
        } else {
            field.iter().fold(0, push)
        })
    };
    let place = |value: u64| usize::try_from(value).ok();
    // Sizes of an offset, of a count of entries and of an entry, and where its value lies.
    let (at, count, entry, value) = match number(bytes, 2, 2)? {
        42 => (4, 2, 12, 8),
        43 => (8, 8, 20, 12),
        _ => return None,
    };
    let size = if count == 2 { 4 } else { 8 };
    let directory = match offset {
        Some(offset) => offset,
        None => place(number(bytes, at, size)?)?,
    };
    let entries = place(number(bytes, directory, count)?)?.min(1 << 16);
    let first = directory.checked_add(count)?;
    for i in 0..entries {
        let this = first.checked_add(i * entry)?;
        if number(bytes, this, 2)? == u64::from(PHOTOMETRIC) {
            let at = this + value;
            let shown = number(bytes, at, 2)?;
            if SHOWN_OTHERWISE.iter().any(|&other| u64::from(other) == shown) {
                let black = if little {
                    BLACK_IS_ZERO.to_le_bytes()
                } else {
                    BLACK_IS_ZERO.to_be_bytes()
                };
                bytes.get_mut(at..at + 2)?.copy_from_slice(&black);
            }
        }
    }
    let next = place(number(bytes, first.checked_add(entries * entry)?, size)?)?;
    (next != 0).then_some(next)
}
