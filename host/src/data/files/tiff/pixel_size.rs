//! Pixel sizes, in the places where instruments and programs of the field write them.
//!
//! | who | where |
//! |---|---|
//! | Thermo Fisher, FEI | XML in tag 34683 (Velox, TIA), INI text in tag 34682 (SEMs), in metres |
//! | Gatan DigitalMicrograph, HyperSpy | tags 65003 to 65010: units, origins and steps |
//! | OME | `PhysicalSizeX` and `PhysicalSizeY` of the first page's description, in µm unless they say otherwise |
//! | ImageJ | the resolution tags in pixels per `unit` of the description |
//! | Zeiss SmartSEM | `Image Pixel Size` in the text of tag 34118 |
//!
//! Resolution tags alone are a printer's dots per inch and say nothing about the specimen.

use tiff::decoder::ifd::Value;
use tiff::tags::Tag;

use super::{Open, text};
use crate::data::files::conditions::Conditions;

/// Size of a pixel: along rows (down) first, along columns second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PixelSize {
    pub(super) origin: (f64, f64),
    pub(super) step: (f64, f64),
    pub(super) units: String,
}

impl PixelSize {
    fn square(step: (f64, f64), units: &str) -> Self {
        Self {
            origin: (0.0, 0.0),
            step,
            units: units.to_owned(),
        }
    }
}

/// What a page says of itself.
pub(super) struct Metadata {
    pub(super) size: Option<PixelSize>,
    /// Why a size that is written is none.
    pub(super) warning: Option<String>,
    pub(super) detector: Option<String>,
    pub(super) conditions: Conditions,
}

const FEI: [u16; 2] = [34683, 34682];
const ZEISS: u16 = 34118;

/// What the first page says of all pages of a file.
#[derive(Clone, Debug)]
pub(super) struct OfFile {
    /// Its OME metadata.
    ome: Option<String>,
    /// ImageJ describes a stack once.
    imagej: Option<PixelSize>,
}

impl OfFile {
    /// Reads it; the decoder stands at the first page, of this description.
    pub(super) fn read(decoder: &mut Open, description: Option<String>) -> Self {
        Self {
            imagej: imagej(decoder),
            ome: description.filter(|text| ["<OME", ":OME"].iter().any(|ome| text.contains(ome))),
        }
    }
}

/// Reads what the page that the decoder stands at says of itself.
pub(super) fn read(decoder: &mut Open, of_file: &OfFile) -> Metadata {
    let thermo = FEI.into_iter().find_map(|tag| text(decoder, tag));
    let (of_ome, warning) = match of_file.ome.as_deref().map(ome) {
        None => (None, None),
        Some(Ok(size)) => (size, None),
        Some(Err(warning)) => (None, Some(warning)),
    };
    let size = (thermo.as_deref().and_then(thermo_fisher))
        .or_else(|| digital_micrograph(decoder))
        .or(of_ome)
        .or_else(|| imagej(decoder))
        .or_else(|| of_file.imagej.clone())
        .or_else(|| smart_sem(&text(decoder, ZEISS)?));
    let warning = warning.filter(|_| size.is_none());
    let result = thermo
        .as_deref()
        .and_then(|metadata| element(metadata, "BinaryResult"));
    let detector = result.and_then(|result| element(result, "Detector"));
    let number = |name: &str| element(thermo.as_deref()?, name)?.trim().parse().ok();
    Metadata {
        size,
        warning,
        detector: detector.map(|name| name.trim().to_owned()),
        conditions: Conditions {
            beam_energy: number("AccelerationVoltage").map(|volts: f64| volts / 1000.0),
            dwell: number("DwellTime"),
            ..Conditions::default()
        }
        .sensible(),
    }
}

fn text(decoder: &mut Open, tag: u16) -> Option<String> {
    text::of_tag(decoder, Tag::Unknown(tag)).ok()?
}

/// Both forms give metres.
fn thermo_fisher(metadata: &str) -> Option<PixelSize> {
    let in_nm = |text: &str| text.trim().parse().ok().map(|metres: f64| metres * 1e9);
    let entry = |key: &str| {
        let mut lines = metadata.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| name.trim() == key);
        found.and_then(|(_, value)| in_nm(value))
    };
    let (x, y) = match element(metadata, "PixelSize") {
        Some(size) => (in_nm(element(size, "X")?)?, in_nm(element(size, "Y")?)?),
        None => (entry("PixelWidth")?, entry("PixelHeight")?),
    };
    Some(PixelSize::square((y, x), "nm"))
}

fn digital_micrograph(decoder: &mut Open) -> Option<PixelSize> {
    let number = |decoder: &mut Open, tag| {
        let value = decoder.find_tag(Tag::Unknown(tag)).ok()??;
        match value {
            Value::Float(value) => Some(f64::from(value)),
            other => other.into_f64().ok(),
        }
    };
    let (x, y) = (number(decoder, 65009)?, number(decoder, 65010)?);
    let mut origin = |tag| number(decoder, tag).unwrap_or(0.0);
    let origin = (origin(65007), origin(65006));
    let units = text(decoder, 65003)?;
    Some(PixelSize {
        origin,
        step: (y, x),
        units: micrometres(units.trim_matches(['\0', ' '])),
    })
}

/// µ as the field writes it.
fn micrometres(units: &str) -> String {
    match units {
        "um" | "micron" | "microns" | "\u{3bc}m" => "µm",
        other => other,
    }
    .to_owned()
}

/// Metres in the units of length that programs of the field write.
const LENGTHS: [(&str, f64); 8] = [
    ("pm", 1e-12),
    ("Å", 1e-10),
    ("\u{212b}", 1e-10),
    ("nm", 1e-9),
    ("µm", 1e-6),
    ("mm", 1e-3),
    ("cm", 1e-2),
    ("m", 1.0),
];

/// The size that OME metadata tell, both ways in the units of the columns; nothing where they tell none.
///
/// # Errors
/// Why what they tell is no size, for people.
fn ome(description: &str) -> Result<Option<PixelSize>, String> {
    let pixels = text::attributes(description, "Pixels").unwrap_or_default();
    let attribute = |name: &str| {
        let mut all = pixels.iter().filter(|(known, _)| known == name);
        all.next().map(|(_, value)| value.as_str())
    };
    let length = |axis: &str| {
        let name = format!("PhysicalSize{axis}");
        let said = attribute(&name)?;
        let units = micrometres(attribute(&format!("{name}Unit")).unwrap_or("µm"));
        Some((name, said, units))
    };
    let size = |(name, said, units): (String, &str, String)| {
        let step = said.trim().parse::<f64>().ok();
        let step = step.filter(|step| step.is_finite() && *step > 0.0);
        let metres = LENGTHS.iter().find(|(known, _)| *known == units);
        match (step, metres) {
            (Some(step), Some((_, metres))) => Ok((step, *metres, units)),
            (None, _) => Err(format!("{name} is `{}`, which is no size", short(said))),
            (_, None) => Err(format!(
                "{name} is in `{}`, which is no length",
                short(&units)
            )),
        }
    };
    match (length("X"), length("Y")) {
        (None, None) => Ok(None),
        (Some(_), None) => Err("PhysicalSizeX is there and PhysicalSizeY is not".to_owned()),
        (None, Some(_)) => Err("PhysicalSizeY is there and PhysicalSizeX is not".to_owned()),
        (Some(x), Some(y)) => {
            let ((x, of_x, units), (y, of_y, other)) = (size(x)?, size(y)?);
            let y = if units == other { y } else { y * (of_y / of_x) };
            Ok(Some(PixelSize::square((y, x), &units)))
        }
    }
}

/// What a file says, for a message.
fn short(text: &str) -> String {
    crate::data::files::plain(&crate::data::npy::short(text))
}

fn imagej(decoder: &mut Open) -> Option<PixelSize> {
    let description = text::of_tag(decoder, Tag::ImageDescription).ok()??;
    if !description.starts_with("ImageJ=") {
        return None;
    }
    let unit = description
        .split(['\n', '\r'])
        .find_map(|line| line.strip_prefix("unit="))?;
    let unit = micrometres(&text::without_escapes(unit.trim()));
    let of_none = ["", "inch", "inches", "pixel", "pixels", "px"];
    if of_none.contains(&unit.to_lowercase().as_str()) {
        return None;
    }
    let mut per_pixel = |tag| match decoder.find_tag(tag).ok()?? {
        Value::Rational(n, d) => Some(f64::from(d) / f64::from(n)),
        _ => None,
    };
    let (x, y) = (per_pixel(Tag::XResolution)?, per_pixel(Tag::YResolution)?);
    Some(PixelSize::square((y, x), &unit))
}

fn smart_sem(metadata: &str) -> Option<PixelSize> {
    let line = metadata
        .lines()
        .find(|line| line.trim_start().starts_with("Image Pixel Size"))?;
    let mut words = line.split_once('=')?.1.split_whitespace();
    let (step, units) = (words.next()?.parse().ok()?, words.next()?);
    Some(PixelSize::square((step, step), &micrometres(units)))
}

/// The content of the first XML element called `name`. The metadata is machine-written with unique
/// names where it is asked, so no parser is worth its weight.
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
    use super::*;
    use crate::data::files::testing::close;

    /// The INI form of tag 34682, which SEMs write.
    #[test]
    fn the_metadata_of_an_sem_gives_the_pixel_size() {
        let text = "[Scan]\r\nPixelWidth=2.5e-9\r\nPixelHeight=3e-09\r\n";
        let size = thermo_fisher(text).unwrap();
        close(size.step.1, 2.5);
        close(size.step.0, 3.0);
        assert_eq!(thermo_fisher("[Scan]\nPixelWidth=wide"), None);
        let text = "0\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 5.582 nm\r\n";
        assert_eq!(
            smart_sem(text),
            Some(PixelSize::square((5.582, 5.582), "nm"))
        );
    }

    #[test]
    fn ome_sizes_are_micrometres_unless_they_say_otherwise() {
        let of =
            |attributes: &str| ome(&format!("<OME><Image><Pixels {attributes}/></Image></OME>"));
        let size = of(
            r#"ID="a" PhysicalSizeX="0.5" PhysicalSizeXUnit="nm" PhysicalSizeY="0.25" PhysicalSizeYUnit="nm""#,
        );
        assert_eq!(size, Ok(Some(PixelSize::square((0.25, 0.5), "nm"))));
        let size = of(r#"ID="a" PhysicalSizeX="2" PhysicalSizeY="3""#);
        assert_eq!(size, Ok(Some(PixelSize::square((3.0, 2.0), "µm"))));
        assert_eq!(of(r#"ID="a" SizeX="2""#), Ok(None));
        let other = r#"ID="a" PhysicalSizeX="2" PhysicalSizeXUnit="nm" PhysicalSizeY="0.004""#;
        let size = of(other).unwrap().unwrap();
        assert_eq!((size.step.1, size.units.as_str()), (2.0, "nm"));
        close(size.step.0, 4.0);
    }

    #[test]
    fn an_ome_size_that_is_none_is_told() {
        let of =
            |attributes: &str| ome(&format!("<OME><Image><Pixels {attributes}/></Image></OME>"));
        for (attributes, told) in [
            (r#"ID="a" PhysicalSizeX="2""#, "PhysicalSizeY is not"),
            (r#"ID="a" PhysicalSizeY="2""#, "PhysicalSizeX is not"),
            (
                r#"ID="a" PhysicalSizeX="-2" PhysicalSizeY="2""#,
                "PhysicalSizeX is `-2`, which is no size",
            ),
            (
                r#"ID="a" PhysicalSizeX="2" PhysicalSizeY="inf""#,
                "PhysicalSizeY is `inf`",
            ),
            (r#"ID="a" PhysicalSizeX="0" PhysicalSizeY="0""#, "`0`"),
            (
                r#"ID="a" PhysicalSizeX="1" PhysicalSizeY="1" PhysicalSizeYUnit="pixel""#,
                "PhysicalSizeY is in `pixel`, which is no length",
            ),
        ] {
            let found = of(attributes).unwrap_err();
            assert!(found.contains(told), "{found}");
        }
    }
}
