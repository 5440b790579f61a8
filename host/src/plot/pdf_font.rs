//! The font of a PDF: the glyphs of a TrueType font that are used, and no other.
//!
//! Format: Apple, *`TrueType` Reference Manual*, tables `glyf`, `loca` and `head`. Glyphs keep their
//! numbers, and those that are not used have no outline.

use std::collections::BTreeSet;

use ttf_parser::{Face, GlyphId, Tag};

/// Tables that a PDF reader needs beside `glyf` and `loca`; what a font does not have is left out.
const KEPT: [&[u8; 4]; 7] = [
    b"cvt ", b"fpgm", b"head", b"hhea", b"hmtx", b"maxp", b"prep",
];

/// A font file with the outlines of these glyphs alone; `None` where the font has none of the tables that
/// outlines are in.
pub(super) fn subset(face: &Face<'_>, used: &BTreeSet<u16>) -> Option<Vec<u8>> {
    let raw = face.raw_face();
    let table = |name: &[u8; 4]| raw.table(Tag::from_bytes(name));
    let (glyf, loca, head) = (table(b"glyf")?, table(b"loca")?, table(b"head")?);
    let long = number(head, 50)? != 0;
    let place = |glyph: usize| {
        if long {
            let high = usize::from(number(loca, 4 * glyph)?);
            Some((high << 16) + usize::from(number(loca, 4 * glyph + 2)?))
        } else {
            Some(2 * usize::from(number(loca, 2 * glyph)?))
        }
    };
    let outline = |glyph: u16| glyf.get(place(glyph.into())?..place(usize::from(glyph) + 1)?);
    let mut kept: BTreeSet<u16> = used.clone();
    kept.insert(0);
    let mut waiting: Vec<u16> = kept.iter().copied().collect();
    while let Some(glyph) = waiting.pop() {
        for part in outline(glyph).map(components).unwrap_or_default() {
            if kept.insert(part) {
                waiting.push(part);
            }
        }
    }

    let (mut outlines, mut places) = (Vec::new(), Vec::new());
    for glyph in 0..face.number_of_glyphs() {
        places.extend_from_slice(&u32::try_from(outlines.len()).ok()?.to_be_bytes());
        if kept.contains(&glyph) {
            outlines.extend_from_slice(outline(glyph).unwrap_or_default());
            outlines.resize(outlines.len().next_multiple_of(4), 0);
        }
    }
    places.extend_from_slice(&u32::try_from(outlines.len()).ok()?.to_be_bytes());
    let mut head = head.to_vec();
    // Places are long from here on.
    head.get_mut(50..52)?.copy_from_slice(&[0, 1]);

    let mut tables: Vec<([u8; 4], Vec<u8>)> = vec![(*b"glyf", outlines), (*b"loca", places)];
    for name in KEPT {
        match name {
            b"head" => tables.push((*name, head.clone())),
            name => tables.extend(table(name).map(|bytes| (*name, bytes.to_vec()))),
        }
    }
    tables.sort_by_key(|(name, _)| *name);
    assembled(&tables)
}

/// The file of these tables.
fn assembled(tables: &[([u8; 4], Vec<u8>)]) -> Option<Vec<u8>> {
    let count = u16::try_from(tables.len()).ok()?;
    let selector = count.checked_ilog2()? as u16;
    let range = 16 << selector;
    let mut file = vec![0, 1, 0, 0];
    for number in [count, range, selector, 16 * count - range] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    let mut at = file.len() + 16 * tables.len();
    for (name, bytes) in tables {
        file.extend_from_slice(name);
        for number in [
            checksum(bytes),
            u32::try_from(at).ok()?,
            u32::try_from(bytes.len()).ok()?,
        ] {
            file.extend_from_slice(&number.to_be_bytes());
        }
        at += bytes.len().next_multiple_of(4);
    }
    for (_, bytes) in tables {
        file.extend_from_slice(bytes);
        file.resize(file.len().next_multiple_of(4), 0);
    }
    Some(file)
}

/// The sum of a table's 32-bit words.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0, |sum: u32, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

/// The glyphs that an outline is put together from.
fn components(outline: &[u8]) -> Vec<u16> {
    const WORDS: u16 = 1;
    const SCALE: u16 = 8;
    const MORE: u16 = 0x20;
    const TWO_SCALES: u16 = 0x40;
    const MATRIX: u16 = 0x80;
    let mut found = Vec::new();
    // A composite counts -1 contours.
    if number(outline, 0).is_none_or(|contours| contours < 0x8000) {
        return found;
    }
    let mut at = 10;
    while let (Some(flags), Some(glyph)) = (number(outline, at), number(outline, at + 2)) {
        found.push(glyph);
        at += if flags & WORDS != 0 { 8 } else { 6 };
        at += match flags & (SCALE | TWO_SCALES | MATRIX) {
            0 => 0,
            SCALE => 2,
            TWO_SCALES => 4,
            _ => 8,
        };
        if flags & MORE == 0 {
            break;
        }
    }
    found
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The glyph of a letter, and how far the pen goes for it, in units of the font; the glyph of what the font
/// does not have is 0.
pub(super) fn glyph(face: &Face<'_>, letter: char) -> (u16, f64) {
    let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
    let advance = face.glyph_hor_advance(glyph).unwrap_or(0);
    (glyph.0, f64::from(advance))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points of an outline.
    struct Drawn(Vec<(f32, f32)>);
    impl ttf_parser::OutlineBuilder for Drawn {
        fn move_to(&mut self, x: f32, y: f32) {
            self.0.push((x, y));
        }
        fn line_to(&mut self, x: f32, y: f32) {
            self.0.push((x, y));
        }
        fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
            self.0.extend([(a, b), (x, y)]);
        }
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, x: f32, y: f32) {
            self.0.push((x, y));
        }
        fn close(&mut self) {}
    }

    /// The judge is the parser: outlines that are used are those of the whole font, letters with
    /// accents among them, and others are gone.
    #[test]
    fn a_subset_has_the_outlines_that_are_used_and_no_other() {
        let whole = Face::parse(epaint_default_fonts::UBUNTU_LIGHT, 0).unwrap();
        let letters = ['a', 'Å', '²', 'σ', 'é'];
        let used = letters.map(|letter| glyph(&whole, letter).0).into();
        let bytes = subset(&whole, &used).unwrap();
        assert!(bytes.len() < epaint_default_fonts::UBUNTU_LIGHT.len() / 4);
        let raw = ttf_parser::RawFace::parse(&bytes, 0).unwrap();
        let table = |name| raw.table(Tag::from_bytes(name)).unwrap();
        let count = whole.number_of_glyphs().try_into().unwrap();
        let loca = ttf_parser::loca::Table::parse(
            count,
            ttf_parser::head::IndexToLocationFormat::Long,
            table(b"loca"),
        )
        .unwrap();
        let glyf = ttf_parser::glyf::Table::parse(loca, table(b"glyf")).unwrap();
        for letter in letters {
            let glyph = GlyphId(glyph(&whole, letter).0);
            let (mut before, mut after) = (Drawn(Vec::new()), Drawn(Vec::new()));
            assert!(whole.outline_glyph(glyph, &mut before).is_some());
            assert!(glyf.outline(glyph, &mut after).is_some(), "{letter}");
            assert_eq!(before.0, after.0, "{letter}");
        }
        let unused = GlyphId(glyph(&whole, 'Q').0);
        assert!(glyf.outline(unused, &mut Drawn(Vec::new())).is_none());
    }
}
