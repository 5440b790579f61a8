//! One array as a `HyperSpy` signal and an NSID main dataset at once.

use rust_hdf5::{H5Dataset, H5File, H5Group, H5Type, HBool, VarLenUnicode};

use super::{EXPERIMENTS, PROVENANCE};
use crate::data::Axis;

/// Version of `HyperSpy`'s format that these files follow.
pub(super) const HSPY_VERSION: &str = "3.3";
/// Version of pyNSID whose layout these files follow.
const NSID_VERSION: &str = "0.0.7.2";
/// sidpy's word for what is not known; of an axis it refuses empty text.
const UNKNOWN: &str = "generic";

/// An array, without its numbers.
pub(super) struct Signal<'a> {
    /// Name of its group, and its title.
    pub(super) name: &'a str,
    /// What its numbers are.
    pub(super) quantity: &'a str,
    /// Their units; empty when unknown.
    pub(super) units: &'a str,
    /// `HyperSpy`'s kind of signal; empty for none in particular.
    pub(super) hyperspy_type: &'a str,
    /// sidpy's kind of data.
    pub(super) sidpy_type: &'a str,
    /// The axes in the order of the array, those that are navigated first.
    pub(super) axes: &'a [SignalAxis<'a>],
}

/// An axis of an array.
pub(super) struct SignalAxis<'a> {
    name: &'a str,
    units: &'a str,
    size: usize,
    steps: Steps<'a>,
    /// sidpy's kind of dimension.
    kind: &'static str,
    /// Whether `HyperSpy` navigates along it, or shows it as part of the signal.
    navigate: bool,
}

/// The values along an axis.
enum Steps<'a> {
    Even { offset: f64, scale: f64 },
    Listed(&'a [f64]),
}

impl<'a> SignalAxis<'a> {
    /// An equidistant axis.
    pub(super) fn even(axis: &'a Axis, kind: &'static str, navigate: bool) -> Self {
        Self {
            name: &axis.name,
            units: &axis.units,
            size: axis.size,
            steps: Steps::Even {
                offset: axis.offset,
                scale: axis.scale,
            },
            kind,
            navigate,
        }
    }

    /// An axis of the signal whose values are listed: equidistant where they are those of `axis`,
    /// to a millionth of a step.
    pub(super) fn listed(axis: &'a Axis, values: &'a [f64], kind: &'static str) -> Self {
        let mut even = values.iter().enumerate();
        let mut listed = Self::even(axis, kind, false);
        if !even.all(|(i, value)| (value - axis.value(i)).abs() <= 1e-6 * axis.scale.abs()) {
            listed.steps = Steps::Listed(values);
        }
        listed
    }

    /// An axis of nothing but numbers from 0.
    pub(super) fn count(name: &'a str, size: usize, kind: &'static str, navigate: bool) -> Self {
        let (offset, scale) = (0.0, 1.0);
        Self {
            name,
            units: "",
            size,
            steps: Steps::Even { offset, scale },
            kind,
            navigate,
        }
    }

    fn values(&self) -> Vec<f64> {
        match self.steps {
            Steps::Even { offset, scale } => {
                (0..self.size).map(|i| offset + i as f64 * scale).collect()
            }
            Steps::Listed(values) => values.to_vec(),
        }
    }

    /// The group of attributes that `HyperSpy` makes the axis from.
    fn describe(&self, group: &H5Group) -> rust_hdf5::Result<()> {
        group.set_attr_string("name", self.name)?;
        group.set_attr_string("units", self.units)?;
        group.set_attr_numeric("navigate", &HBool::from(self.navigate))?;
        match self.steps {
            Steps::Even { offset, scale } => {
                group.set_attr_string("_type", "UniformDataAxis")?;
                group.set_attr_numeric("offset", &offset)?;
                group.set_attr_numeric("scale", &scale)?;
                // HyperSpy writes it signed.
                let size = i64::try_from(self.size).unwrap_or(i64::MAX);
                group.set_attr_numeric("size", &size)
            }
            // HyperSpy itself makes a dataset of them, at which pyNSID stops reading: it takes
            // every group beside the data for one of attributes.
            Steps::Listed(values) => {
                group.set_attr_string("_type", "DataAxis")?;
                group.set_attr_array_numeric("axis", values)
            }
        }
    }

    /// Whether no axis of `HyperSpy` can hold the values: those of a sweep that turns back.
    fn turns_back(&self) -> bool {
        let Steps::Listed(values) = self.steps else {
            return false;
        };
        !(values.is_sorted_by(|a, b| a < b) || values.is_sorted_by(|a, b| a > b))
    }

    /// The dataset that NSID takes for the axis.
    fn scale(&self, name: &str, group: &H5Group) -> rust_hdf5::Result<H5Dataset> {
        let scale = group.new_dataset::<f64>().shape([self.size]).create(name)?;
        scale.write_raw(&self.values())?;
        text(&scale, "name", name)?;
        text(&scale, "quantity", known(self.name))?;
        text(&scale, "units", known(self.units))?;
        text(&scale, "dimension_type", self.kind)?;
        scale.set_scale(Some(name))?;
        Ok(scale)
    }
}

impl Signal<'_> {
    /// Makes the group of the signal with all that describes it, and its data, of which every
    /// number is still to be written.
    pub(super) fn create<T: H5Type>(
        &self,
        file: &H5File,
    ) -> rust_hdf5::Result<(H5Group, H5Dataset)> {
        let group = file
            .root_group()
            .group(EXPERIMENTS)?
            .create_group(self.name)?;
        let shape: Vec<usize> = self.axes.iter().map(|axis| axis.size).collect();
        let data = group.new_dataset::<T>().shape(&shape).create("data")?;
        self.describe_to_hyperspy(&group)?;
        self.describe_to_sidpy(&group, &data)?;
        Ok((group, data))
    }

    fn describe_to_hyperspy(&self, group: &H5Group) -> rust_hdf5::Result<()> {
        let metadata = group.create_group("metadata")?;
        for (place, axis) in self.axes.iter().enumerate() {
            let described = group.create_group(&format!("axis-{place}"))?;
            if axis.turns_back() {
                SignalAxis::count("channel", axis.size, axis.kind, axis.navigate)
                    .describe(&described)?;
                let channels = metadata.create_group("Channels")?;
                channels.set_attr_string("name", axis.name)?;
                channels.set_attr_string("units", axis.units)?;
                channels.set_attr_array_numeric("coordinates", &axis.values())?;
            } else {
                axis.describe(&described)?;
            }
        }
        let general = metadata.create_group("General")?;
        general.set_attr_string("title", self.name)?;
        let signal = metadata.create_group("Signal")?;
        signal.set_attr_string("signal_type", self.hyperspy_type)?;
        let quantity = if self.units.is_empty() {
            self.quantity.to_owned()
        } else {
            format!("{} ({})", self.quantity, self.units)
        };
        signal.set_attr_string("quantity", &quantity)?;
        group.link("original_metadata", PROVENANCE)
    }

    fn describe_to_sidpy(&self, group: &H5Group, data: &H5Dataset) -> rust_hdf5::Result<()> {
        text(data, "title", self.name)?;
        text(data, "quantity", known(self.quantity))?;
        text(data, "units", known(self.units))?;
        text(data, "data_type", self.sidpy_type)?;
        text(data, "modality", UNKNOWN)?;
        text(data, "source", "BEACON")?;
        text(data, "main_data_name", "data")?;
        text(data, "pyNSID_version", NSID_VERSION)?;
        let mut labels = Vec::with_capacity(self.axes.len());
        for (place, axis) in self.axes.iter().enumerate() {
            let label = label(axis.name, place, &labels);
            data.attach_scale(place, &axis.scale(&label, group)?)?;
            labels.push(label);
        }
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let attribute = data.new_attr::<VarLenUnicode>().shape([labels.len()]);
        attribute
            .create("DIMENSION_LABELS")?
            .write_string_array(&labels)
    }
}

/// A list of texts as `HyperSpy` spells it: a group with an attribute each. An attribute that is an array of
/// texts it reads, and cannot save again.
pub(super) fn list(group: &H5Group, name: &str, texts: &[&str]) -> rust_hdf5::Result<()> {
    let list = group.create_group(&format!("_list_{}_{name}", texts.len()))?;
    for (number, text) in texts.iter().enumerate() {
        list.set_attr_string(&format!("_{number:03}"), text)?;
    }
    Ok(())
}

/// Names that mean something else in the group of a signal, or to a dataset of sidpy, which makes
/// attributes of its axes.
const TAKEN: [&str; 10] = [
    "data",
    "metadata",
    "original_metadata",
    "point_cloud",
    "name",
    "quantity",
    "size",
    "source",
    "title",
    "units",
];

/// The name of an axis as that of a dataset: another one where the axis has none, or one that is
/// taken.
fn label(name: &str, place: usize, taken: &[String]) -> String {
    let is_free = !name.is_empty()
        && !name.contains(['/', '\0'])
        && !name.starts_with(['.', '_'])
        && !name.starts_with("axis-")
        && !TAKEN.contains(&name)
        && !taken.iter().any(|other| other == name);
    if is_free {
        name.to_owned()
    } else {
        format!("dimension {place}")
    }
}

fn known(text: &str) -> &str {
    if text.is_empty() { UNKNOWN } else { text }
}

fn text(dataset: &H5Dataset, name: &str, value: &str) -> rust_hdf5::Result<()> {
    let attribute = dataset.new_attr::<VarLenUnicode>().shape(());
    attribute.create(name)?.write_string(value)
}
