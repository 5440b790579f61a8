//! Which data a study is about, so that results on others are never mixed in.

use crc::{CRC_64_XZ, Crc};
use serde::{Deserialize, Serialize};

use super::Maps;
use crate::data::Map;
use crate::experiment::Experiment;

/// Recognises data, and settings likewise.
pub(super) const CHECKSUM: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);

/// The data that all campaigns of a study share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataIdentity {
    /// What the user calls it: files, or a specimen. Does not count when studies are compared,
    /// because paths differ between the machines that share one.
    pub name: String,
    /// What the response is.
    pub quantity: String,
    /// Units of the response; empty when unknown.
    pub units: String,
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// CRC-64 of every pixel of image and true response, in hexadecimal.
    pub checksum: String,
    /// The same of each response that is sought beside the first, under its name; absent where one is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<(String, String)>,
}

impl DataIdentity {
    /// Describes what lies under a experiment.
    pub fn new(name: &str, experiment: &dyn Experiment) -> Self {
        let (image, truth) = (experiment.image(), experiment.truth());
        let text = |of: fn(&Map) -> &String| truth.map_or_else(String::new, |map| of(map).clone());
        Self {
            name: name.to_owned(),
            quantity: text(|map| &map.quantity),
            units: text(|map| &map.units),
            height: image.height(),
            width: image.width(),
            checksum: checksum(image, truth),
            further: (experiment.targets().into_iter().enumerate().skip(1))
                .map(|(n, (name, _))| (name, checksum(image, experiment.truth_of(n))))
                .collect(),
        }
    }

    /// Whether these maps are the data.
    pub(super) fn is_of(&self, maps: &Maps) -> bool {
        self.checksum == checksum(&maps.image, maps.target.as_ref())
    }
}

fn checksum(image: &Map, truth: Option<&Map>) -> String {
    let mut digest = CHECKSUM.digest();
    for map in std::iter::once(image).chain(truth) {
        for value in &map.values {
            digest.update(&value.to_le_bytes());
        }
    }
    format!("{:016x}", digest.finalize())
}
