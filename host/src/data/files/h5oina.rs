//! Oxford Instruments' `.h5oina`: maps as lists of their pixels, whose rows and columns a header gives.
//!
//! Source: the specification that Oxford Instruments publishes, versions 1 to 8.

use hdf5_pure::{File, Group};

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::hdf5::Opened;
use super::links::Linkless;
use super::listing::DatasetInfo;
use super::number::plain_values;

/// Whether a file is one of these.
pub(super) fn is_one(file: &File) -> bool {
    file.dataset("Format Version").is_ok() && file.dataset("Index").is_ok()
}

/// Of the path of a dataset: its group, as in `1/EDS`, and what it is called there; nothing where it holds
/// no data.
fn parts(path: &str) -> Option<(&str, &str)> {
    let (technique, name) = path.split_once("/Data/")?;
    (technique.matches('/').count() == 1).then_some((technique, name))
}

fn header(file: &File, technique: &str) -> Option<Group> {
    file.group(&format!("{technique}/Header")).ok()
}

/// The number of a dataset of one.
fn number((group, source): (&Group, &Linkless), name: &str) -> Option<f64> {
    let dataset = group.dataset(name).ok()?;
    let one = dataset.shape().ok()?.iter().all(|&size| size == 1);
    let values = one.then(|| plain_values(&dataset, source).ok())??;
    values.first().copied().filter(|value| value.is_finite())
}

fn size(header: (&Group, &Linkless), name: &str) -> Option<usize> {
    number(header, name)
        .filter(|&size| size >= 1.0)
        .map(|size| size as usize)
}

/// Gives lists of pixels the shape of the map that they are, and marks what is measured.
pub(super) fn fold(file: &Opened<'_>, datasets: &mut [DatasetInfo]) {
    let mut known: Option<(String, Option<(usize, usize)>)> = None;
    for info in datasets {
        let Some((technique, name)) = parts(&info.path) else {
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| other != technique) {
            let header = header(&file.open, technique);
            let cells = header.and_then(|header| {
                let header = (&header, &file.source);
                Some((size(header, "Y Cells")?, size(header, "X Cells")?))
            });
            known = Some((technique.to_owned(), cells));
        }
        let Some((_, Some((height, width)))) = known else {
            continue;
        };
        let channels = match info.shape[..] {
            [_] => 1,
            [_, channels] => channels,
            _ => continue,
        };
        if height.checked_mul(width) != info.shape.first().copied() {
            continue;
        }
        info.shape = if channels == 1 {
            vec![height, width]
        } else {
            vec![height, width, channels]
        };
        let of_electrons = technique.contains("Electron Image");
        let of_spectra = technique.contains("EDS") && (name.contains('/') || name == "Spectrum");
        info.main = of_electrons && name.contains('/') || of_spectra;
    }
}

/// Fills in axes, quantity, units and how it was recorded.
pub(super) fn describe(array: &mut Array, file: &Opened<'_>, path: &str) {
    let Some((technique, name)) = parts(path) else {
        return;
    };
    let Some(header) = header(&file.open, technique) else {
        return;
    };
    let header = (&header, &file.source);
    if array.shape.len() < 2 {
        return;
    }
    let step = |name: &str| number(header, name).unwrap_or(0.0);
    let (height, width) = (array.shape[0], array.shape[1]);
    let rows = Dimension::uniform(0, height, ("y", "µm"), (0.0, step("Y Step")));
    let columns = Dimension::uniform(1, width, ("x", "µm"), (0.0, step("X Step")));
    array.set_dimension(0, rows);
    array.set_dimension(1, columns);
    array.names_axes = true;
    if let Some(&channels) = array.shape.get(2)
        && let Some(width) = number(header, "Channel Width")
    {
        let start = number(header, "Start Channel").unwrap_or(0.0);
        let energies = Dimension::uniform(2, channels, ("Energy", "eV"), (start, width));
        array.set_dimension(2, energies);
    }
    let called = name.rsplit('/').next().unwrap_or_default();
    (array.quantity, array.units) = match name.split('/').next() {
        Some("Spectrum") => ("X-rays".to_owned(), "Counts".to_owned()),
        Some("Window Integral" | "Peak Area") => (super::plain(called), "counts/s".to_owned()),
        Some("Composition" | "Composition Sigma") => (super::plain(called), "wt%".to_owned()),
        _ => (super::plain(called), String::new()),
    };
    let times = |name: &str| {
        let dataset = file
            .open
            .dataset(&format!("{technique}/Data/{name}"))
            .ok()?;
        let few = dataset
            .shape()
            .ok()?
            .iter()
            .try_fold(1_u64, |n, &size| n.checked_mul(size))?
            <= 1 << 26;
        let values = few.then(|| plain_values(&dataset, &file.source).ok())??;
        let known: Vec<f64> = values.into_iter().filter(|time| time.is_finite()).collect();
        Some(known.iter().sum::<f64>() / known.len().max(1) as f64)
    };
    array.conditions = Conditions {
        beam_energy: number(header, "Beam Voltage"),
        beam_current: None,
        dwell: times("Real Time"),
        live_time: times("Live Time"),
    }
    .sensible();
}
