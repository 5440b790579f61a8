//! The pages of a TIFF file, and which is meant.

use tiff::TiffResult;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

use super::pixel_size::OfFile;
use super::{Open, Stored, text};
use crate::data::files::DatasetError;

/// More pages than anybody chooses from.
const MOST_PAGES: usize = 4096;

/// The bit of `NewSubfileType` of a preview of another page.
const REDUCED: u32 = 1;

/// `PlanarConfiguration` of samples that have an image each.
const PLANAR: u32 = 2;

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
    /// Whether each sample has an image of its own.
    planar: bool,
    /// Whether its colours, where it has a table of them, are in no order of brightness, so that the
    /// numbers that stand for them mean nothing.
    coloured: bool,
}

impl Page {
    fn read(decoder: &mut Open, index: usize) -> TiffResult<Self> {
        let (width, height) = decoder.dimensions()?;
        let mut number = |tag, default| {
            let first = decoder.find_tag_unsigned_vec::<u32>(tag)?;
            TiffResult::Ok(
                first
                    .and_then(|all| all.first().copied())
                    .unwrap_or(default),
            )
        };
        let samples = number(Tag::SamplesPerPixel, 1)?;
        let bits = number(Tag::BitsPerSample, 1)?;
        let kind = number(Tag::NewSubfileType, 0)?;
        let arrangement = number(Tag::PlanarConfiguration, 1)?;
        let colours = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap)?;
        Ok(Self {
            index,
            height: height as usize,
            width: width as usize,
            samples: u16::try_from(samples).unwrap_or(u16::MAX),
            bits: u16::try_from(bits).unwrap_or(u16::MAX),
            reduced: kind & REDUCED != 0,
            planar: arrangement == PLANAR,
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
    pub(super) all: Vec<Page>,
    pub(super) of_file: OfFile,
    /// Images that the description says are in the file, where more are than it has pages: programs that
    /// write many images behind one page leave the others out of the directory.
    pub(super) hidden: Option<usize>,
    /// Whether there are more pages than are looked at.
    pub(super) is_cut: bool,
}

impl Pages {
    pub(super) fn open(file: Stored) -> TiffResult<Self> {
        let mut decoder = Decoder::new(file)?;
        let description = text::of_tag(&mut decoder, Tag::ImageDescription)?;
        let mut all = vec![Page::read(&mut decoder, 0)?];
        let of_file = OfFile::read(&mut decoder, description.clone());
        while decoder.more_images() && all.len() < MOST_PAGES {
            decoder.next_image()?;
            let page = Page::read(&mut decoder, all.len())?;
            all.push(page);
        }
        let is_cut = decoder.more_images();
        let said = description
            .as_deref()
            .and_then(|text| images(text, &all[0]));
        let hidden = said.filter(|&said| !is_cut && said > all.len());
        Ok(Self {
            decoder,
            all,
            of_file,
            hidden,
            is_cut,
        })
    }

    /// The page that is meant.
    pub(super) fn choose(&self, file: &str, inside: Option<&str>) -> Result<Page, DatasetError> {
        let available = || {
            let all: Vec<String> = self.all.iter().take(24).map(Page::text).collect();
            let more = match self.all.len().saturating_sub(all.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let cut = if self.is_cut {
                format!(", and others: the first {MOST_PAGES} are looked at")
            } else {
                String::new()
            };
            format!("pages {}{more}{cut}", all.join(", "))
        };
        if let Some(inside) = inside {
            let number = inside.parse::<usize>().ok();
            let page = number.and_then(|number| self.all.get(number.checked_sub(1)?));
            if let (None, Some(number), true) = (page, number, self.is_cut) {
                let known = self.all.len();
                return Err(DatasetError::unreadable(
                    file,
                    super::FORMAT,
                    &format!(
                        "page {number} of more than {known}, of which the first {known} are looked at; {}",
                        super::plainly(&super::imread(file, Some(number.saturating_sub(1))))
                    ),
                ));
            }
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
        let mut data = self.all.iter().filter(|page| page.is_data());
        match (data.next(), data.next(), self.all.as_slice()) {
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

/// How many images a description says that there are: that of ImageJ, or the shape by tifffile.
fn images(description: &str, page: &Page) -> Option<usize> {
    if description.starts_with("ImageJ=") {
        let mut lines = description.lines();
        return lines.find_map(|line| line.strip_prefix("images=")?.trim().parse().ok());
    }
    let told: serde_json::Value = serde_json::from_str(description).ok()?;
    let sizes = told.get("shape")?.as_array()?.iter();
    let mut values = sizes.map(|size| usize::try_from(size.as_u64()?).ok());
    let count = values.try_fold(1_usize, |n, size| n.checked_mul(size?));
    let of_page = page.height.checked_mul(page.width)?;
    count?.checked_div(of_page.checked_mul(usize::from(page.samples))?)
}

fn coloured(file: &str, page: &Page) -> DatasetError {
    let first = if page.planar { "[0]" } else { "[..., 0]" };
    DatasetError::Coloured {
        file: file.to_owned(),
        page: page.text(),
        remedy: if page.samples == 1 {
            let plain = super::super::plain(file);
            format!("PIL.Image.open(\"{plain}\").convert(\"L\").save(\"grey.tif\")")
        } else {
            let imread = super::imread(file, Some(page.index));
            format!("tifffile.imwrite(\"grey.tif\", {imread}{first})")
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colour_is_written_whether_colours_have_images_of_their_own() {
        for (planar, wanted) in [
            (true, "imread(\"a.tif\", key=1)[0])"),
            (false, "key=1)[..., 0])"),
        ] {
            let page = Page {
                index: 1,
                height: 1,
                width: 1,
                samples: 3,
                bits: 8,
                reduced: false,
                planar,
                coloured: false,
            };
            let message = coloured("a.tif", &page).to_string();
            assert!(message.ends_with(wanted), "{message}");
        }
    }
}
