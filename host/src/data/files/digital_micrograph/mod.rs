//! Gatan `DigitalMicrograph`'s `.dm3` and `.dm4`: images and spectrum images, with their axes.

mod tags;

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::error::DatasetError;
use super::named::{self, Named};
use super::raw::{self, Place};
use super::{Wanted, location_of, plain};
use tags::Value;

const FORMAT: &str = "DigitalMicrograph file";

/// An image of the file: the one that is called `inside` or has that number, or the only one that can
/// be meant.
///
/// # Errors
/// When the file is damaged, none or several images could be meant, or it holds no real numbers.
pub(super) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let (root, little) = open(file)?;
    let images = images(&root);
    let all: Vec<Named> = images.iter().map(Image::named).collect();
    let chosen = named::choose(file, inside, wanted, &all)?;
    let location = location_of(file, inside);
    let image = images.get(chosen).ok_or_else(|| no_image(file))?;
    image.array(file, &location, little)
}

/// What stands behind `#` for each image and each spectrum image.
///
/// # Errors
/// When the file is damaged.
pub(super) fn list(file: &str) -> Result<Vec<String>, DatasetError> {
    let (root, _) = open(file)?;
    let all: Vec<Named> = images(&root).iter().map(Image::named).collect();
    Ok(named::paths(&all))
}

fn open(file: &str) -> Result<(Value, bool), DatasetError> {
    tags::read(file).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))
}

fn no_image(file: &str) -> DatasetError {
    DatasetError::unreadable(file, FORMAT, &"no image in it")
}

/// The images of a file, without the pictures that browsers of files show of them.
fn images(root: &Value) -> Vec<Image<'_>> {
    let thumbnails: Vec<f64> = root
        .list(&["Thumbnails"])
        .filter_map(|tag| tag.number(&["ImageIndex"]))
        .collect();
    let images = root.list(&["ImageList"]).enumerate();
    images
        .filter(|(place, _)| !thumbnails.contains(&(*place as f64)))
        .map(|(_, tags)| Image(tags))
        .collect()
}

/// What a spectrum holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Loss,
    XRays,
    Light,
    Unknown,
}

/// One image of the list, by its tags.
struct Image<'a>(&'a Value);

impl Image<'_> {
    fn named(&self) -> Named {
        let name = self.0.text(&["Name"]).unwrap_or_default();
        Named::new(plain(name), self.shape())
    }

    /// Sizes as the file stores them: the last index fastest.
    fn stored(&self) -> Vec<usize> {
        let sizes = self.0.list(&["ImageData", "Dimensions"]);
        let sizes = sizes.map(|size| size.number(&[]).unwrap_or(0.0) as usize);
        let mut sizes: Vec<usize> = sizes.collect();
        sizes.reverse();
        sizes
    }

    /// The same in the order rows, columns, channels.
    fn shape(&self) -> Vec<usize> {
        let stored = self.stored();
        let order = self.order(stored.len());
        let mut shape: Vec<usize> = order.iter().map(|&from| stored[from]).collect();
        if self.is_line(stored.len()) {
            shape.insert(1, 1);
        }
        shape
    }

    /// The places of rows, columns and channels in what is stored.
    fn order(&self, rank: usize) -> Vec<usize> {
        // Energies are the slowest of a spectrum image.
        if rank == 3 && self.is_spectrum_image() {
            vec![1, 2, 0]
        } else {
            (0..rank).collect()
        }
    }

    fn is_spectrum_image(&self) -> bool {
        let format = self.0.text(&["ImageTags", "Meta Data", "Format"]);
        format == Some("Spectrum image") || self.0.at(&["ImageTags", "spim"]).is_some()
    }

    /// Whether it is of spectra along a line.
    fn is_line(&self, rank: usize) -> bool {
        let format = self.0.text(&["ImageTags", "Meta Data", "Format"]);
        rank == 2 && (self.is_spectrum_image() || format == Some("Spectrum"))
    }

    fn kind(&self) -> Kind {
        let tag = |path: &[&str]| self.0.at(path).is_some();
        match self.0.text(&["ImageTags", "Meta Data", "Signal"]) {
            Some("X-ray") => Kind::XRays,
            Some("CL") => Kind::Light,
            _ if tag(&["ImageTags", "Acquisition", "Monarc Spectrometer"]) => Kind::Light,
            Some("EELS") => Kind::Loss,
            _ if tag(&["ImageTags", "spim", "eels"]) => Kind::Loss,
            _ => Kind::Unknown,
        }
    }

    fn array(&self, file: &str, location: &str, little: bool) -> Result<Array, DatasetError> {
        let (stored, named) = (self.stored(), self.named());
        let code = self.0.number(&["ImageData", "DataType"]);
        let dtype = dtype(code.unwrap_or(0.0), little).map_err(|dtype| DatasetError::Type {
            location: location.to_owned(),
            dtype,
        })?;
        let count = stored
            .iter()
            .try_fold(1_u64, |n, &size| n.checked_mul(size as u64));
        let Some(&Value::Numbers {
            offset,
            count: held,
        }) = self.0.at(&["ImageData", "Data"])
        else {
            return Err(DatasetError::unreadable(
                file,
                FORMAT,
                &"an image without data",
            ));
        };
        if count != Some(held) {
            let shape = super::shape_text(&stored);
            let reason = format!("an image of {shape} holds {held} values");
            return Err(DatasetError::unreadable(file, FORMAT, &reason));
        }
        let place = Place { offset, dtype };
        let mut array = raw::array((file, location), FORMAT, stored.clone(), "", place)?;
        if stored.len() == 3 && !self.is_spectrum_image() {
            return Err(array.is_stack());
        }
        self.set_axes(&mut array, &stored);
        array.conditions = self.conditions();
        let brightness = self
            .0
            .text(&["ImageData", "Calibrations", "Brightness", "Units"]);
        array.units = match brightness.unwrap_or_default() {
            "e-" => "Counts".to_owned(),
            units => plain(units),
        };
        array.quantity = match (self.kind(), array.squeezed().len()) {
            (Kind::XRays, 3) => "X-rays".to_owned(),
            _ if named.name.is_empty() => super::stem(file),
            _ => named.name,
        };
        Ok(array)
    }

    /// Sets the axes of what is stored in the order of the stored sizes, and puts them in that of rows, columns
    /// and channels.
    fn set_axes(&self, array: &mut Array, stored: &[usize]) {
        let rank = stored.len();
        let order = self.order(rank);
        let is_line = self.is_line(rank);
        array.permute(&order);
        let dimensions = self.0.list(&["ImageData", "Calibrations", "Dimension"]);
        let calibrations: Vec<&Value> = dimensions.collect();
        for (place, &from) in order.iter().enumerate() {
            // The last of the stored sizes is the first of the calibrations.
            let calibration = calibrations.get(rank - 1 - from);
            let number = |name: &str| calibration.and_then(|tags| tags.number(&[name]));
            let units = calibration.and_then(|tags| tags.text(&["Units"]));
            let units = plain(units.unwrap_or_default());
            let scale = number("Scale").unwrap_or(1.0);
            let offset = -number("Origin").unwrap_or(0.0) * scale;
            let is_channel = place == 2 || is_line && place == 1;
            let name = match (self.kind(), units.as_str()) {
                (Kind::Loss, "eV") if is_channel => "Energy loss",
                (Kind::XRays, "keV") if is_channel => "Energy",
                (Kind::Light, "nm") if is_channel => "Wavelength",
                _ => "",
            };
            let place = if is_channel { 2 } else { place };
            let dimension =
                Dimension::uniform(place, stored[from], (name, &units), (offset, scale));
            if let Some(slot) = array
                .dimensions
                .get_mut(if is_line { place.min(1) } else { place })
            {
                *slot = dimension;
            }
        }
        if is_line {
            array.insert_column();
        }
    }

    fn conditions(&self) -> Conditions {
        let source = ["ImageTags", "source", "Tags at creation"];
        let tags = self.0.at(&source).or_else(|| self.0.at(&["ImageTags"]));
        let number = |path: &[&str]| tags.and_then(|tags| tags.number(path));
        let exposure = |kind: &str| {
            let of = |name: &str| number(&[kind, "Acquisition", name]);
            let frames = of("Number of frames").unwrap_or(1.0);
            of("Integration time (s)").or_else(|| of("Exposure (s)").map(|one| one * frames))
        };
        let scan = || number(&["DigiScan", "Sample Time"]).map(|microseconds| microseconds * 1e-6);
        let dwell = match self.kind() {
            Kind::Loss => exposure("EELS"),
            Kind::Light => {
                exposure("CL").or_else(|| number(&["CL", "Acquisition", "Dwell time (s)"]))
            }
            Kind::XRays | Kind::Unknown => None,
        };
        let camera = || number(&["Acquisition", "Parameters", "Detector", "exposure (s)"]);
        Conditions {
            beam_energy: number(&["Microscope Info", "Voltage"]).map(|volts| volts / 1e3),
            beam_current: number(&["Microscope Info", "Probe Current (nA)"])
                .map(|nanoamperes| nanoamperes * 1e3),
            dwell: dwell.or_else(scan).or_else(camera),
            live_time: number(&["EDS", "Live time"]),
        }
        .sensible()
    }
}

/// The type of values by the number that the file gives it, or its name where it is none of real
/// numbers.
fn dtype(code: f64, little: bool) -> Result<&'static str, String> {
    let (big, small) = match code as i64 {
        1 => (">i2", "<i2"),
        2 => (">f4", "<f4"),
        6 => ("|u1", "|u1"),
        7 => (">i4", "<i4"),
        9 => ("|i1", "|i1"),
        10 => (">u2", "<u2"),
        11 => (">u4", "<u4"),
        12 => (">f8", "<f8"),
        14 => ("|b1", "|b1"),
        3 | 5 | 13 | 27 | 28 => return Err("complex".to_owned()),
        8 | 23 => return Err("colours".to_owned()),
        other => return Err(format!("number {other} of DigitalMicrograph")),
    };
    Ok(if little { small } else { big })
}
