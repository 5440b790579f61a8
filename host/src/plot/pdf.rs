//! Figures as PDF: vectors, text that can be searched in an embedded font, and maps as pictures.
//!
//! Format: ISO 32000-1:2008 (PDF 1.7). What is drawn depends on nothing but the figure: no date, no name.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, FontTransform, RGBColor, ShapeStyle, TextStyle};
use ttf_parser::Face;

use super::canvas::{Area, DrawError, DrawResult};
use super::figure::DPI;
use super::pdf_font::{glyph, subset};

/// Points, of which an inch has 72, in a canvas unit, which is half a pixel of the PNG.
const POINT: f64 = 72.0 / (2.0 * DPI);

/// What PDF cannot be made of.
#[derive(Debug, thiserror::Error)]
enum PdfError {
    #[error("the font cannot be read: {0}")]
    Font(#[from] ttf_parser::FaceParsingError),
    #[error("the font has no outlines")]
    Outlines,
    #[error("a stream cannot be compressed: {0}")]
    Stream(#[from] std::io::Error),
}

/// A page that is drawn on, in canvas units from the upper left corner.
pub(super) struct Page {
    size: (u32, u32),
    drawn: RefCell<Drawn>,
}

#[derive(Default)]
struct Drawn {
    /// Operators of the page.
    content: String,
    /// Opacities in use, in hundredths.
    opacities: BTreeSet<u32>,
    /// Glyphs in use, with their letter.
    glyphs: BTreeMap<u16, char>,
    /// Width in columns, and RGB row by row.
    pictures: Vec<(usize, Vec<u8>)>,
}

impl Drawn {
    /// Appends an operator with its operands.
    fn put(&mut self, operator: std::fmt::Arguments<'_>) {
        // A string takes any text.
        let _ = self.content.write_fmt(operator);
        self.content.push('\n');
    }

    /// Sets the colour and the opacity of what follows.
    fn colour(&mut self, (r, g, b): (u8, u8, u8), alpha: f64) {
        let share = |channel: u8| (f64::from(channel) / 255.0 * 1e4).round() / 1e4;
        let (r, g, b) = (share(r), share(g), share(b));
        let opacity = (alpha * 100.0).round() as u32;
        self.opacities.insert(opacity);
        self.put(format_args!("/G{opacity} gs"));
        self.put(format_args!("{r} {g} {b} rg {r} {g} {b} RG"));
    }

    fn style(&mut self, style: ShapeStyle) {
        self.colour(style.color.rgb(), style.color.alpha());
        if !style.filled {
            self.put(format_args!("{} w", style.stroke_width));
        }
    }

    fn corners(&mut self, points: &[(i32, i32)]) {
        for (number, (x, y)) in points.iter().enumerate() {
            let operator = if number == 0 { 'm' } else { 'l' };
            self.put(format_args!("{x} {y} {operator}"));
        }
    }
}

fn font() -> Result<Face<'static>, PdfError> {
    Ok(Face::parse(epaint_default_fonts::UBUNTU_LIGHT, 0)?)
}

/// Size of the font's square in canvas units, for text of this height: plotters counts from the lowest
/// descender to the highest ascender.
fn em(face: &Face<'_>, height: f64) -> f64 {
    let line = f64::from(face.ascender()) - f64::from(face.descender());
    height * f64::from(face.units_per_em()) / line
}

impl Page {
    /// A white page of so many canvas units.
    pub(super) fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            drawn: RefCell::default(),
        }
    }

    /// The file.
    pub(super) fn finish(&self) -> DrawResult<Vec<u8>> {
        self.file().map_err(DrawError::new)
    }

    fn file(&self) -> Result<Vec<u8>, PdfError> {
        let drawn = self.drawn.borrow();
        let (width, height) = (
            f64::from(self.size.0) * POINT,
            f64::from(self.size.1) * POINT,
        );
        let mut file = File::new();
        let [catalogue, pages, page, states, text, content] = file.numbers();
        let pictures: Vec<usize> = drawn.pictures.iter().map(|_| file.number()).collect();
        file.object(
            catalogue,
            &format!("<< /Type /Catalog /Pages {pages} 0 R >>"),
        );
        file.object(
            pages,
            &format!("<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>"),
        );
        let named = pictures.iter().enumerate();
        let named: Vec<_> = named
            .map(|(n, number)| format!("/P{n} {number} 0 R"))
            .collect();
        let named = named.join(" ");
        file.object(
            page,
            &format!(
                "<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 {width:.3} {height:.3}] /Contents \
                 {content} 0 R /Resources << /ExtGState {states} 0 R /Font << /F {text} 0 R >> \
                 /XObject << {named} >> >> >>"
            ),
        );
        let opacities = drawn.opacities.iter();
        let opacities: Vec<_> = opacities
            .map(|opacity| {
                let share = f64::from(*opacity) / 100.0;
                format!("/G{opacity} << /CA {share} /ca {share} >>")
            })
            .collect();
        file.object(states, &format!("<< {} >>", opacities.join(" ")));
        // Canvas units count downwards.
        let operators = format!(
            "{POINT} 0 0 -{POINT} 0 {height:.3} cm\n1 j 1 J\n{}",
            drawn.content
        );
        file.stream(content, "", operators.as_bytes())?;
        for (number, (columns, rgb)) in pictures.into_iter().zip(&drawn.pictures) {
            let rows = rgb.len() / 3 / columns.max(&1);
            let about = format!(
                "/Type /XObject /Subtype /Image /Width {columns} /Height {rows} /ColorSpace /DeviceRGB \
                 /BitsPerComponent 8"
            );
            file.stream(number, &about, rgb)?;
        }
        file.font(text, &drawn.glyphs)?;
        Ok(file.end(catalogue))
    }
}

impl Area for Page {
    fn path(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult {
        let mut drawn = self.drawn.borrow_mut();
        drawn.style(ShapeStyle {
            filled: false,
            ..style
        });
        drawn.corners(&points);
        drawn.put(format_args!("S"));
        Ok(())
    }

    fn polygon(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult {
        let mut drawn = self.drawn.borrow_mut();
        drawn.style(style);
        drawn.corners(&points);
        drawn.put(format_args!("f"));
        Ok(())
    }

    fn rectangle(&self, [from, to]: [(i32, i32); 2], style: ShapeStyle) -> DrawResult {
        let mut drawn = self.drawn.borrow_mut();
        drawn.style(style);
        let operator = if style.filled { 'f' } else { 'S' };
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        drawn.put(format_args!(
            "{} {} {width} {height} re {operator}",
            from.0, from.1
        ));
        Ok(())
    }

    fn circle(&self, (x, y): (i32, i32), radius: i32, style: ShapeStyle) -> DrawResult {
        // A quarter of a circle by a cubic curve, which errs by a quarter of a thousandth.
        const ARM: f64 = 0.552_285;
        let mut drawn = self.drawn.borrow_mut();
        drawn.style(style);
        let (x, y, r) = (f64::from(x), f64::from(y), f64::from(radius));
        let arm = ARM * r;
        drawn.put(format_args!("{} {y} m", x + r));
        for [(a, b), (c, d), (e, f)] in [
            [(r, arm), (arm, r), (0.0, r)],
            [(-arm, r), (-r, arm), (-r, 0.0)],
            [(-r, -arm), (-arm, -r), (0.0, -r)],
            [(arm, -r), (r, -arm), (r, 0.0)],
        ] {
            drawn.put(format_args!(
                "{:.2} {:.2} {:.2} {:.2} {:.2} {:.2} c",
                x + a,
                y + b,
                x + c,
                y + d,
                x + e,
                y + f
            ));
        }
        let operator = if style.filled { "f" } else { "s" };
        drawn.put(format_args!("{operator}"));
        Ok(())
    }

    fn text(&self, text: &str, style: &TextStyle<'_>, (x, y): (i32, i32)) -> DrawResult {
        let face = font().map_err(DrawError::new)?;
        let em = em(&face, style.font.get_size());
        let scale = em / f64::from(face.units_per_em());
        let mut drawn = self.drawn.borrow_mut();
        let (mut width, mut codes) = (0.0, String::new());
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            let (glyph, advance) = glyph(&face, letter);
            drawn.glyphs.entry(glyph).or_insert(letter);
            width += advance * scale;
            // A string takes any text.
            let _ = write!(codes, "{glyph:04x}");
        }
        let before = match style.pos.h_pos {
            HPos::Left => 0.0,
            HPos::Center => width / 2.0,
            HPos::Right => width,
        };
        // Capitals are centred on the point.
        let below = f64::from(face.capital_height().unwrap_or(0)) * scale / 2.0;
        let (x, y) = (f64::from(x), f64::from(y));
        let colour = style.color;
        drawn.colour(colour.rgb, colour.alpha);
        // Letters stand upright although the page counts downwards.
        let (matrix, x, y) = match style.font.get_transform() {
            FontTransform::Rotate270 => ("0 -1 -1 0", x + below, y + before),
            _ => ("1 0 0 -1", x - before, y + below),
        };
        drawn.put(format_args!(
            "BT /F {em:.3} Tf {matrix} {x:.2} {y:.2} Tm <{codes}> Tj ET"
        ));
        Ok(())
    }

    fn picture(
        &self,
        (x, y): (i32, i32),
        (width, height): (i32, i32),
        columns: usize,
        rgb: &dyn Fn() -> Vec<u8>,
    ) -> Option<DrawResult> {
        let rgb = rgb();
        if rgb.is_empty() || columns == 0 {
            return Some(Ok(()));
        }
        let mut drawn = self.drawn.borrow_mut();
        let number = drawn.pictures.len();
        drawn.pictures.push((columns, rgb));
        let RGBColor(r, g, b) = plotters::style::BLACK;
        drawn.colour((r, g, b), 1.0);
        drawn.put(format_args!(
            "q {width} 0 0 -{height} {x} {} cm /P{number} Do Q",
            y + height
        ));
        Some(Ok(()))
    }
}

/// A file as it is put together.
struct File {
    bytes: Vec<u8>,
    /// Where each object begins, by its number less 1.
    places: Vec<usize>,
}

impl File {
    fn new() -> Self {
        Self {
            // The second line tells programs that the file is no text.
            bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(),
            places: Vec::new(),
        }
    }

    /// The number of a further object.
    fn number(&mut self) -> usize {
        self.places.push(0);
        self.places.len()
    }

    fn numbers<const N: usize>(&mut self) -> [usize; N] {
        [(); N].map(|()| self.number())
    }

    fn object(&mut self, number: usize, content: &str) {
        self.places[number - 1] = self.bytes.len();
        let object = format!("{number} 0 obj\n{content}\nendobj\n");
        self.bytes.extend_from_slice(object.as_bytes());
    }

    fn stream(&mut self, number: usize, about: &str, content: &[u8]) -> Result<(), PdfError> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        self.places[number - 1] = self.bytes.len();
        let length = packed.len();
        let head = format!(
            "{number} 0 obj\n<< {about} /Filter /FlateDecode /Length {length} >>\nstream\n"
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(&packed);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
        Ok(())
    }

    /// A font with these glyphs, which text names by their numbers, and what letters they are.
    fn font(&mut self, number: usize, glyphs: &BTreeMap<u16, char>) -> Result<(), PdfError> {
        let face = font()?;
        let [descendant, descriptor, outlines, letters] = self.numbers();
        let thousandths = |units: f64| (units * 1000.0 / f64::from(face.units_per_em())).round();
        // Six letters tell subsets of a font apart; one font a file needs no more.
        let name = "BEACON+Ubuntu-Light";
        self.object(
            number,
            &format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H \
                 /DescendantFonts [{descendant} 0 R] /ToUnicode {letters} 0 R >>"
            ),
        );
        let widths: Vec<_> = glyphs
            .values()
            .map(|&letter| {
                let (glyph, advance) = glyph(&face, letter);
                format!("{glyph} [{}]", thousandths(advance))
            })
            .collect();
        let widths = widths.join(" ");
        self.object(
            descendant,
            &format!(
                "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDSystemInfo << /Registry \
                 (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor {descriptor} 0 R \
                 /CIDToGIDMap /Identity /W [{widths}] >>"
            ),
        );
        let bounds = face.global_bounding_box();
        let bounds = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max];
        let bounds = bounds.map(|edge| thousandths(edge.into()).to_string());
        self.object(
            descriptor,
            &format!(
                "<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [{}] /ItalicAngle 0 \
                 /Ascent {} /Descent {} /CapHeight {} /StemV 60 /FontFile2 {outlines} 0 R >>",
                bounds.join(" "),
                thousandths(face.ascender().into()),
                thousandths(face.descender().into()),
                thousandths(face.capital_height().unwrap_or(0).into()),
            ),
        );
        let used = glyphs.keys().copied().collect();
        let bytes = subset(&face, &used).ok_or(PdfError::Outlines)?;
        let about = format!("/Length1 {}", bytes.len());
        self.stream(outlines, &about, &bytes)?;
        self.stream(letters, "", to_unicode(glyphs).as_bytes())
    }

    fn end(mut self, catalogue: usize) -> Vec<u8> {
        let start = self.bytes.len();
        let count = self.places.len() + 1;
        let mut end = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for place in &self.places {
            let _ = writeln!(end, "{place:010} 00000 n ");
        }
        let producer = concat!("beacon ", env!("CARGO_PKG_VERSION"));
        let _ = write!(
            end,
            "trailer\n<< /Size {count} /Root {catalogue} 0 R /Info << /Producer ({producer}) >> \
             >>\nstartxref\n{start}\n%%EOF\n"
        );
        self.bytes.extend_from_slice(end.as_bytes());
        self.bytes
    }
}

/// The letters of glyphs, for whoever searches or copies text.
fn to_unicode(glyphs: &BTreeMap<u16, char>) -> String {
    let mut map =
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << \
                   /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Letters def\n\
                   /CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
            .to_owned();
    let all: Vec<_> = glyphs.iter().collect();
    // A hundred a block at most.
    for block in all.chunks(100) {
        let _ = writeln!(map, "{} beginbfchar", block.len());
        for (glyph, letter) in block {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units);
            let _ = write!(map, "<{glyph:04x}> <");
            for unit in units {
                let _ = write!(map, "{unit:04x}");
            }
            map.push_str(">\n");
        }
        map.push_str("endbfchar\n");
    }
    map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
}
