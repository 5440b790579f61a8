//! Text in the tags of a page, and how programs write in it what ASCII has no letter for.

use tiff::tags::{Tag, Type};
use tiff::{TiffError, TiffResult};

use super::Open;
use crate::data::files::latin;

/// Bytes of a text, more than any has.
const MOST_TEXT: u64 = 1 << 28;

/// A tag of text of the page that the decoder stands at, whatever type it is written as, up to its first
/// zero. Its bytes, since the decoder refuses those that are no UTF-8.
///
/// # Errors
/// When it lies outside the file.
pub(super) fn of_tag(decoder: &mut Open, tag: Tag) -> TiffResult<Option<String>> {
    let most = decoder.inner().length().min(MOST_TEXT);
    let mut page = decoder.image_ifd();
    let of_bytes = [Type::ASCII, Type::BYTE, Type::UNDEFINED];
    let Some(entry) = page
        .find_entry(tag)
        .filter(|entry| of_bytes.contains(&entry.field_type()))
    else {
        return Ok(None);
    };
    if entry.count() > most {
        return Err(TiffError::LimitsExceeded);
    }
    let mut bytes = vec![0; usize::try_from(entry.count())?];
    page.find_tag_bytes(tag, &mut bytes, 0)?;
    let text = bytes.split(|&byte| byte == 0).next();
    Ok(text.map(latin::text))
}

/// The attributes of the first XML element of this name, in whichever namespace, with their values.
pub(super) fn attributes(xml: &str, name: &str) -> Option<Vec<(String, String)>> {
    let mut rest = xml.match_indices(name).find_map(|(at, _)| {
        let (before, after) = (&xml[..at], &xml[at + name.len()..]);
        let begins = before.ends_with(['<', ':']);
        (begins && after.starts_with(|c: char| c.is_whitespace() || "/>".contains(c)))
            .then_some(after)
    })?;
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let mut value = after.trim_start().chars();
        let quote = value.next().filter(|c| matches!(c, '"' | '\''));
        let ends = name.contains('>');
        let Some((value, after)) = quote
            .filter(|_| !ends)
            .and_then(|quote| value.as_str().split_once(quote))
        else {
            break;
        };
        found.push((name.trim().to_owned(), without_entities(value)));
        rest = after;
    }
    Some(found)
}

/// The letters that entities of XML stand for in place of them.
fn without_entities(text: &str) -> String {
    replaced(text, "&", |rest| {
        let (entity, after) = rest.split_once(';')?;
        let number = entity.strip_prefix('#');
        let letter = match (entity, number) {
            ("amp", _) => '&',
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("quot", _) => '"',
            ("apos", _) => '\'',
            (_, Some(number)) => {
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
            _ => return None,
        };
        Some((letter, after))
    })
}

/// The letters in place of what ImageJ writes for them, as in `\u00B5m`.
pub(super) fn without_escapes(text: &str) -> String {
    replaced(text, "\\u", |rest| {
        let (digits, after) = rest.split_at_checked(4)?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        Some((char::from_u32(code)?, after))
    })
}

/// A text with a letter wherever, behind this mark, `letter` finds one; it gives what follows too.
fn replaced(text: &str, mark: &str, letter: impl Fn(&str) -> Option<(char, &str)>) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut text, part| {
        if let Some((letter, after)) = letter(part) {
            text.push(letter);
            text.push_str(after);
        } else {
            text.push_str(mark);
            text.push_str(part);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_however_an_element_is_written() {
        for xml in [
            r#"<OME><Pixels A="0.5" B="&#x00B5;m"/>"#,
            r#"<o:OME><o:Pixels A='0.5' B='&#181;m' ID="a>b"></o:Pixels><o:Plane C="1"/>"#,
            "<PixelsOf C=\"1\"/><Pixels\n\tA = \"0.5\"\nB=\"µm\">",
        ] {
            let found = attributes(xml, "Pixels").unwrap();
            let of = |name: &str| {
                let mut all = found.iter().filter(|(known, _)| known == name);
                all.next().map(|(_, value)| value.as_str())
            };
            assert_eq!((of("A"), of("B"), of("C")), (Some("0.5"), Some("µm"), None));
        }
        assert_eq!(attributes("<OME><Image/></OME>", "Pixels"), None);
        assert_eq!(without_entities("a&b;&#xzz;&#197;&amp;#"), "a&b;&#xzz;Å&#");
        assert_eq!(without_escapes("\\u00B5m\\u00"), "µm\\u00");
    }
}
