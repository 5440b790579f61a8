//! Which datasets an HDF5 file holds.

use hdf5_pure::{Dataset, Error, Group};

use super::opened::Opened;
use super::unreadable;
use crate::data::files::array::is_candidate;
use crate::data::files::error::DatasetError;
use crate::data::files::listing::{DatasetInfo, listing};
use crate::data::files::members::{Member, Walked};
use crate::data::files::number::Kind;
use crate::data::files::{berkeley, h5oina, hyperspy, nexus, nsid, usid};

/// The datasets of a file.
#[derive(Default)]
pub(super) struct Content {
    /// Of real numbers.
    pub(super) numeric: Vec<DatasetInfo>,
    /// Of other types: listed to say why they are not read.
    pub(super) other: Vec<DatasetInfo>,
    /// Groups that were looked into.
    groups: usize,
    /// Of these, the paths by which they were found, each with a `/` at its end.
    pub(super) walked: Walked,
    /// What groups name as measured and lies behind a link that leads nowhere.
    pub(super) astray: Vec<String>,
}

impl Content {
    /// All datasets of a file.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(super) fn of(file: &Opened<'_>) -> Result<Self, DatasetError> {
        let mut found = Self::default();
        let root = file.members.root();
        found.walked.insert(root, String::new());
        collect(file, &file.open.root(), ("", 0, Some(root)), &mut found)
            .map_err(|e| unreadable(file.file, &e))?;
        for datasets in [&mut found.numeric, &mut found.other] {
            datasets.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if h5oina::is_one(&file.open) {
            h5oina::fold(file, &mut found.numeric);
        }
        // Every dataset is compared with these, of which a file of thousands holds few.
        let tables = found.numeric.iter().filter(|info| usid::is_table(info));
        let tables: Vec<DatasetInfo> = tables.cloned().collect();
        let described = |info: &DatasetInfo| usid::tables(&tables, info).is_some();
        let numeric: Vec<bool> = found.numeric.iter().map(described).collect();
        let other: Vec<bool> = found.other.iter().map(described).collect();
        let marks = numeric.into_iter().chain(other);
        for (info, described) in found.numeric.iter_mut().chain(&mut found.other).zip(marks) {
            info.main |= described;
        }
        Ok(found)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &DatasetInfo> {
        self.numeric.iter().chain(&self.other)
    }

    /// Whether there are as many as are looked at.
    pub(super) fn is_full(&self) -> bool {
        self.numeric.len() + self.other.len() >= MOST_DATASETS
    }

    /// Adds a dataset of a group with these attributes.
    fn add(&mut self, path: String, name: &str, dataset: &Dataset, about: &hyperspy::Attributes) {
        // One damaged or exotic dataset must not hide the others.
        let Some(shape) = dataset.shape().ok().filter(|_| !self.is_full()) else {
            return;
        };
        let (datasets, dtype) = match Kind::of_dataset(dataset) {
            Kind::Real(dtype) => (&mut self.numeric, dtype),
            Kind::Other(dtype) => (&mut self.other, dtype),
        };
        datasets.push(DatasetInfo {
            main: hyperspy::is_main(&path)
                || nsid::is_main(dataset)
                || berkeley::is_main(name, about)
                || nexus::is_measured(name, dataset, about),
            path,
            shape: shape.iter().map(|&size| size as usize).collect(),
            dtype,
            quantity: nsid::text(dataset, "quantity"),
        });
    }

    /// Everything that could be meant by mistake, for messages: the numeric datasets, and those
    /// of other types that have the shape of a map or spectra.
    pub(super) fn listing(&self) -> String {
        let mapped = self.other.iter().filter(|info| is_candidate(&info.shape));
        listing(
            &self
                .numeric
                .iter()
                .chain(mapped)
                .cloned()
                .collect::<Vec<_>>(),
        )
    }
}

/// Deeper nesting than any file of the field has; ends a cycle of hard links.
const DEEPEST: usize = 32;
/// More groups than any file of the field has; ends several cycles in one group, whose paths are more
/// than can be walked.
const MOST_GROUPS: usize = 4096;
/// More datasets than any file of the field has, or anybody chooses from.
const MOST_DATASETS: usize = 8192;

/// Collects the datasets of a group and of those below it; the group lies at an address where that is
/// known.
fn collect(
    file: &Opened<'_>,
    group: &Group,
    (prefix, depth, address): (&str, usize, Option<u64>),
    found: &mut Content,
) -> Result<(), Error> {
    let about = group.attrs().unwrap_or_default();
    let members = address.and_then(|address| file.members.at(address));
    // By name each would be sought anew among all of them.
    for (name, dataset) in group.iter_datasets()? {
        found.add(format!("{prefix}{name}"), &name, &dataset, &about);
    }
    let is_link = |(name, member): (&String, &Member)| {
        (!matches!(member, Member::Object(_))).then(|| name.clone())
    };
    // Links of other groups would show their datasets twice.
    let linked: Vec<String> = match &members {
        _ if !nexus::is_data(&about) => Vec::new(),
        Some(members) => members.iter().filter_map(is_link).collect(),
        None => nexus::signal(&about)
            .map(str::to_owned)
            .into_iter()
            .collect(),
    };
    for name in linked {
        let path = format!("{prefix}{name}");
        if found.all().any(|info| info.path == path) {
            continue;
        }
        match file.dataset(&path, &found.walked) {
            Ok(Some(dataset)) if nexus::is_measured(&name, &dataset, &about) => {
                found.add(path, &name, &dataset, &about);
            }
            Err(_) if nexus::is_main(&name, &about) => found.astray.push(path),
            _ => {}
        }
    }
    if depth < DEEPEST {
        for (name, inner) in group.iter_groups()? {
            if !is_walked(prefix, &name) {
                continue;
            }
            found.groups += 1;
            if found.groups > MOST_GROUPS || found.is_full() {
                break;
            }
            let path = format!("{prefix}{name}/");
            let address = match members.as_ref().and_then(|members| members.get(&name)) {
                Some(&Member::Object(address)) => Some(address),
                _ => None,
            };
            // Hard links may lead to a group by several paths, and round in a circle.
            if address.is_some_and(|address| found.walked.contains_key(&address)) {
                continue;
            }
            found
                .walked
                .extend(address.map(|address| (address, path.clone())));
            collect(file, &inner, (&path, depth + 1, address), found)?;
        }
    }
    Ok(())
}

/// Whether a group may hold data: not where its path goes round in a circle of hard links, nor among the
/// metadata of a `HyperSpy` signal, whose groups may be thousands.
fn is_walked(prefix: &str, name: &str) -> bool {
    /// So often a path may hold the same name: `Channel_1/Channel_1/Channel_1` is one of the field.
    const MOST: usize = 3;
    let above = || prefix.trim_end_matches('/').split('/');
    let of_signal = above().next() == Some("Experiments") && above().count() == 2;
    let metadata = ["metadata", "original_metadata", "learning_results"];
    above().filter(|other| *other == name).count() < MOST
        && !(of_signal && metadata.contains(&name))
}
