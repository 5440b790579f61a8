//! The maps of a study, kept beside its plan: whoever assembles the folder, on whatever machine,
//! can draw them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::data::files::{read_map, write_file, write_npy};
use crate::data::{Axis, Map};
use crate::experiment::Experiment;

const IMAGE: &str = "image.npy";
const TARGET: &str = "target.npy";
/// What the arrays do not say: quantities, units and axes.
const DESCRIPTION: &str = "maps.toml";

/// The data of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// What decisions are made on.
    pub image: Map,
    /// The true response, where it is known.
    pub target: Option<Map>,
}

/// What makes a map of an array.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    quantity: String,
    units: String,
    rows: Axis,
    columns: Axis,
}

/// The file form of all that the arrays do not say.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    image: Described,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Described>,
}

impl Maps {
    /// What lies under a experiment.
    pub fn new(experiment: &dyn Experiment) -> Self {
        Self {
            image: experiment.image().clone(),
            target: experiment.truth().cloned(),
        }
    }

    /// Reads the maps in a folder.
    ///
    /// # Errors
    /// [`StudyError::Unreadable`] when one is missing or damaged.
    pub(super) fn read(folder: &Path) -> Result<Self, StudyError> {
        let unreadable = |name: &str, reason: &dyn std::fmt::Display| StudyError::Unreadable {
            path: folder.join(name),
            reason: reason.to_string().replace('\n', " "),
        };
        let text = std::fs::read_to_string(folder.join(DESCRIPTION));
        let text = text.map_err(|e| unreadable(DESCRIPTION, &e))?;
        let described = toml::from_str(&text).map_err(|e| unreadable(DESCRIPTION, &e))?;
        let Description { image, target } = described;
        let map = |name: &str, described: Described| {
            let location = folder.join(name);
            let map = read_map(&location.to_string_lossy()).map_err(|e| unreadable(name, &e))?;
            let axes = (described.rows.size, described.columns.size);
            if (map.height(), map.width()) != axes {
                let (height, width) = (map.height(), map.width());
                let reason = format!(
                    "it has {height} x {width} pixels; expected {} x {} as in {DESCRIPTION}",
                    axes.0, axes.1
                );
                return Err(unreadable(name, &reason));
            }
            Ok(Map {
                values: map.values,
                rows: described.rows,
                columns: described.columns,
                quantity: described.quantity,
                units: described.units,
            })
        };
        Ok(Self {
            image: map(IMAGE, image)?,
            target: target.map(|target| map(TARGET, target)).transpose()?,
        })
    }

    /// Writes the maps into a folder, each file whole or not at all.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StudyError> {
        write_npy(&folder.join(IMAGE), &self.image)?;
        if let Some(target) = &self.target {
            write_npy(&folder.join(TARGET), target)?;
        }
        let described = |map: &Map| Described {
            quantity: map.quantity.clone(),
            units: map.units.clone(),
            rows: map.rows.clone(),
            columns: map.columns.clone(),
        };
        let description = toml::to_string(&Description {
            image: described(&self.image),
            target: self.target.as_ref().map(described),
        });
        let file = folder.join(DESCRIPTION);
        let description = description.map_err(|e| StudyError::Unwritable {
            path: file.clone(),
            reason: e.to_string(),
        })?;
        Ok(write_file(&file, description.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_read_back_to_the_bit_with_their_axes() {
        let axis = |name: &str, size| Axis {
            units: "nm".to_owned(),
            offset: -0.1,
            scale: 1.0 / 3.0,
            ..Axis::pixels(name, size)
        };
        let image = Map {
            rows: axis("y", 2),
            columns: axis("x", 3),
            units: "counts".to_owned(),
            ..Map::uncalibrated(2, 3, (1..7).map(|n| 1.0 / f64::from(n)).collect(), "HAADF")
        };
        let maps = Maps {
            target: Some(Map {
                quantity: "loop \"height\"".to_owned(),
                ..image.clone()
            }),
            image,
        };
        let folder = tempfile::tempdir().unwrap();
        let missing = Maps::read(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("maps.toml"), "{missing}");
        maps.write(folder.path()).unwrap();
        assert_eq!(Maps::read(folder.path()).unwrap(), maps);
        std::fs::write(folder.path().join(IMAGE), "damaged").unwrap();
        let damaged = Maps::read(folder.path()).unwrap_err().to_string();
        assert!(damaged.contains("image.npy"), "{damaged}");
    }
}
