//! HDF5: which dataset is meant, and its values.

use hdf5_pure::{Dataset, Error, File, FormatError, Group, Source as _};

use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::links::Linkless;
use super::listing::{DatasetInfo, listing};
use super::members::{Lead, Member, Members, Walked};
use super::number::{BOOL, Kind, values};
use super::{Wanted, berkeley, filters, h5oina, hyperspy, nexus, nsid, usid, velox};
use crate::data::Values;

const FORMAT: &str = "HDF5";

/// Every numeric dataset in an HDF5 file, by path. A soft link is listed where a `NeXus` group names it
/// as what was measured; other links are passed over.
///
/// # Errors
/// When the file is missing or is not HDF5.
pub fn list_hdf5(file: &str) -> Result<Vec<DatasetInfo>, DatasetError> {
    super::require_file(file)?;
    Ok(Opened::new(file)?.list()?.numeric)
}

/// A file and its bytes, of which chunks are taken that `hdf5-pure` cannot unpack.
fn open_with_source(file: &str) -> Result<(File, Linkless), DatasetError> {
    let source = Linkless::open(file).map_err(|e| unreadable(file, &Error::Io(e)))?;
    let length = source.len();
    let opened = File::from_source(source.clone()).map_err(|e| unreadable(file, &e))?;
    // A copy that broke off may still hold some datasets whole, and hide the others.
    let whole = opened.superblock().eof_address;
    if length < whole {
        let reason = format!("cut off after {length} of {whole} bytes; copy it again");
        return Err(DatasetError::unreadable(file, FORMAT, &reason));
    }
    Ok((opened, source))
}

/// The error of a file that cannot be decoded. Parts of the format that are newer than the
/// decoder have a remedy, so it is named.
pub(super) fn unreadable(file: &str, error: &Error) -> DatasetError {
    use FormatError::{
        ChunkedReadError, InvalidBTreeV2Version, InvalidDataspaceVersion, InvalidDatatypeVersion,
        InvalidFilterPipelineVersion, InvalidLayoutVersion, InvalidLinkInfoVersion,
        InvalidLinkVersion, InvalidObjectHeaderVersion, UnsupportedFillValueVersion,
        UnsupportedMessage, UnsupportedVersion,
    };
    match error {
        Error::Format(
            UnsupportedVersion(_)
            | UnsupportedMessage(_)
            | UnsupportedFillValueVersion(_)
            | InvalidObjectHeaderVersion(_)
            | InvalidDatatypeVersion { .. }
            | InvalidDataspaceVersion(_)
            | InvalidLayoutVersion(_)
            | InvalidFilterPipelineVersion(_)
            | InvalidLinkVersion(_)
            | InvalidLinkInfoVersion(_)
            | InvalidBTreeV2Version(_)
            // Among others, the index that only new files have on resizable datasets.
            | ChunkedReadError(_),
        ) => {
            let reason = format!(
                "{error}; a file from a newer HDF5 library can be read once it is written \
                 again with libver='earliest' in h5py"
            );
            DatasetError::unreadable(file, FORMAT, &reason)
        }
        _ => DatasetError::unreadable(file, FORMAT, error),
    }
}

/// The datasets of a file.
#[derive(Default)]
struct Content {
    /// Of real numbers.
    numeric: Vec<DatasetInfo>,
    /// Of other types: listed to say why they are not read.
    other: Vec<DatasetInfo>,
    /// Groups that were looked into.
    groups: usize,
    /// Of these, the paths by which they were found, each with a `/` at its end.
    walked: Walked,
    /// What groups name as measured and lies behind a link that leads nowhere.
    astray: Vec<String>,
}

impl Content {
    fn all(&self) -> impl Iterator<Item = &DatasetInfo> {
        self.numeric.iter().chain(&self.other)
    }

    fn is_full(&self) -> bool {
        self.numeric.len() + self.other.len() >= MOST_DATASETS
    }

    /// Adds a dataset of a group with these attributes.
    fn add(&mut self, path: String, name: &str, dataset: &Dataset, about: &hyperspy::Attributes) {
        // One damaged or exotic dataset must not hide the others.
        let Some(shape) = dataset.shape().ok().filter(|_| !self.is_full()) else {
            return;
        };
        let kind = match dataset.dtype() {
            Ok(dtype) => Kind::of(&dtype),
            Err(e) => Kind::Other(format!("unknown ({e})")),
        };
        let (datasets, dtype) = match kind {
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
    fn listing(&self) -> String {
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

/// The dataset `inside`, the only one in the group `inside`, or the only one that can be meant when
/// nothing is said: of several that are measured data, the only one of the kind that is wanted.
///
/// # Errors
/// When the file is damaged, nothing or more than one fits, or the rank is not 2 or 3.
pub(super) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let open = &Opened::new(file)?;
    if velox::is_one(&open.open) && !inside.is_some_and(|inside| inside.starts_with("Data/")) {
        return velox::read(open, inside, wanted);
    }
    let found = open.list()?;
    let inside = match inside {
        Some(inside) if !found.all().any(|info| info.path == inside) => {
            match open.members.follow(inside, &found.walked) {
                Lead::Path(path) => Some(path),
                Lead::Astray(reason) => return Err(open.astray(inside, reason)),
                Lead::Absent | Lead::Unread(_) => Some(inside.to_owned()),
            }
        }
        inside => inside.map(str::to_owned),
    };
    let inside = inside.as_deref();
    if inside.is_none()
        && let Some(path) = found.astray.first()
        && !found.all().any(|info| info.main)
    {
        open.dataset(path, &found.walked)?;
    }
    let candidates = match choose(&found, file, inside)? {
        Chosen::One(info) => return open.describe(&found, info),
        Chosen::Several(candidates) => candidates,
    };
    let kind = |array: &Array| match wanted {
        Wanted::Any => true,
        Wanted::Map => array.squeezed().len() == 2,
        Wanted::Spectra => array.squeezed().len() == 3,
    };
    if inside.is_none()
        && let Some(path) = nexus::default(open, &found.walked)
        && let Some(info) = candidates.iter().find(|info| info.path == path)
    {
        let array = open.describe(&found, info)?;
        if kind(&array) {
            return Ok(array);
        }
    }
    let described = candidates
        .iter()
        .filter_map(|info| open.describe(&found, info).ok());
    let mut fitting = described.filter(|array| array.require_rank().is_ok() && kind(array));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(DatasetError::Ambiguous {
            file: file.to_owned(),
            available: listing(&candidates.into_iter().cloned().collect::<Vec<_>>()),
        }),
    }
}

/// The paths of all datasets that are read as a map or spectra: measured data where the file marks
/// some as such, and any otherwise.
///
/// # Errors
/// When the file is damaged.
pub(super) fn list_signals(file: &str) -> Result<Vec<String>, DatasetError> {
    let opened = Opened::new(file)?;
    if velox::is_one(&opened.open) {
        return Ok(velox::list(&opened.open));
    }
    let found = opened.list()?;
    let mapped = || {
        let numeric = found.numeric.iter();
        numeric.filter(|info| info.main || is_candidate(&info.shape))
    };
    let marked = mapped().any(|info| info.main);
    let meant = mapped().filter(|info| info.main || !marked);
    Ok(meant.map(|info| info.path.clone()).collect())
}

/// A file that is read.
pub(super) struct Opened<'a> {
    pub(super) file: &'a str,
    pub(super) open: File,
    source: Linkless,
    members: Members,
}

impl<'a> Opened<'a> {
    /// # Errors
    /// When the file is missing or is not HDF5.
    fn new(file: &'a str) -> Result<Self, DatasetError> {
        let (open, source) = open_with_source(file)?;
        let members = Members::of(&open, source.clone());
        Ok(Self {
            file,
            open,
            source,
            members,
        })
    }

    /// All datasets.
    ///
    /// # Errors
    /// When the file is damaged.
    fn list(&self) -> Result<Content, DatasetError> {
        let mut found = Content::default();
        let root = self.members.root();
        found.walked.insert(root, String::new());
        collect(self, &self.open.root(), ("", 0, Some(root)), &mut found)
            .map_err(|e| unreadable(self.file, &e))?;
        for datasets in [&mut found.numeric, &mut found.other] {
            datasets.sort_by(|a, b| a.path.cmp(&b.path));
        }
        if h5oina::is_one(&self.open) {
            h5oina::fold(&self.open, &mut found.numeric);
        }
        let described = |info: &DatasetInfo| usid::tables(&found.numeric, info).is_some();
        let numeric: Vec<bool> = found.numeric.iter().map(described).collect();
        let other: Vec<bool> = found.other.iter().map(described).collect();
        let marks = numeric.into_iter().chain(other);
        for (info, described) in found.numeric.iter_mut().chain(&mut found.other).zip(marks) {
            info.main |= described;
        }
        Ok(found)
    }

    /// The path without links to what lies at a path; nothing where there is none.
    ///
    /// # Errors
    /// When a link leads out of the file, nowhere, or in a circle.
    pub(super) fn follow(
        &self,
        path: &str,
        walked: &Walked,
    ) -> Result<Option<String>, DatasetError> {
        match self.members.follow(path, walked) {
            Lead::Path(target) => Ok(Some(target)),
            Lead::Absent => Ok(None),
            Lead::Astray(reason) => Err(self.astray(path, reason)),
            Lead::Unread(target) => {
                let here = self.open.dataset(&target).is_ok() || self.open.group(&target).is_ok();
                let reason = "its group keeps it as a link in a form that is not read, or lacks it";
                here.then_some(Some(target))
                    .ok_or_else(|| self.astray(path, reason.to_owned()))
            }
        }
    }

    fn astray(&self, path: &str, reason: String) -> DatasetError {
        DatasetError::Link {
            location: format!("{}#{path}", self.file),
            file: self.file.to_owned(),
            reason,
        }
    }

    /// A dataset, behind links or not; nothing where there is none.
    ///
    /// # Errors
    /// As [`Self::follow`], and when something else lies there.
    pub(super) fn dataset(
        &self,
        path: &str,
        walked: &Walked,
    ) -> Result<Option<Dataset>, DatasetError> {
        let opened = |target: String| self.open.dataset(&target);
        let dataset = self.follow(path, walked)?.map(opened).transpose();
        dataset.map_err(|e| unreadable(self.file, &e))
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.source.len()
    }

    /// What reads the values of a dataset later.
    ///
    /// # Errors
    /// When it was packed in a way that is not read.
    pub(super) fn load(
        &self,
        dataset: &Dataset,
        location: &str,
    ) -> Result<impl FnOnce() -> Result<Values, DatasetError> + use<>, DatasetError> {
        let pipeline = dataset.filter_pipeline();
        filters::require(&pipeline, location)?;
        filters::require_chunk(dataset, location)?;
        let (read, source, told) = (dataset.clone(), self.source.clone(), location.to_owned());
        Ok(move || {
            if filters::has_own(&pipeline) {
                filters::values(&read, &pipeline, &source, &told)
            } else {
                values(&read).map_err(|e| unreadable(&told, &e))
            }
        })
    }

    /// A dataset with what the file says of it.
    fn describe(&self, found: &Content, info: &DatasetInfo) -> Result<Array, DatasetError> {
        let unreadable = |e: Error| unreadable(self.file, &e);
        let location = format!("{}#{}", self.file, info.path);
        let dataset = match self.dataset(&info.path, &found.walked)? {
            Some(dataset) => dataset,
            None => self.open.dataset(&info.path).map_err(unreadable)?,
        };
        let parent = info.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let group = match self.follow(parent, &found.walked)? {
            Some(parent) if !parent.is_empty() => self.open.group(&parent).map_err(unreadable)?,
            _ => self.open.root(),
        };
        let load = self.load(&dataset, &location)?;
        let mut array = Array::bare(&location, info.shape.clone(), "", load);
        array.width = usize::try_from(dataset.element_size().unwrap_or(1)).unwrap_or(1);
        let about = group.attrs().unwrap_or_default();
        let name = info.path.rsplit('/').next().unwrap_or_default();
        if hyperspy::is_main(&info.path) {
            hyperspy::describe(&mut array, &group)?;
        } else if berkeley::is_main(name, &about) {
            berkeley::describe(&mut array, &group);
        } else if nexus::is_measured(name, &dataset, &about) {
            let member = |name: &str| self.dataset(&format!("{parent}/{name}"), &found.walked);
            nexus::describe(&mut array, &dataset, &group, member)?;
        } else if h5oina::is_one(&self.open) {
            h5oina::describe(&mut array, &self.open, &info.path);
        } else {
            nsid::describe(&mut array, &dataset, &group)?;
            if let Some(folder) = usid::tables(&found.numeric, info) {
                usid::describe(&mut array, &self.open, folder);
            }
        }
        if array.quantity.is_empty() {
            name.clone_into(&mut array.quantity);
        }
        array.drop_single();
        Ok(array)
    }
}

/// What can be meant.
enum Chosen<'a> {
    One(&'a DatasetInfo),
    Several(Vec<&'a DatasetInfo>),
}

fn choose<'a>(
    found: &'a Content,
    file: &str,
    inside: Option<&str>,
) -> Result<Chosen<'a>, DatasetError> {
    let is_exact = |info: &&DatasetInfo| Some(info.path.as_str()) == inside;
    if let Some(exact) = found.numeric.iter().find(is_exact) {
        return Ok(Chosen::One(exact));
    }
    if let Some(exact) = found.other.iter().find(is_exact) {
        return Err(wrong_type(file, exact));
    }
    let is_within = |info: &&DatasetInfo| match inside {
        None => true,
        Some(group) => {
            let below = info.path.strip_prefix(group);
            below.is_some_and(|below| below.starts_with('/'))
        }
    };
    let is_mapped = |info: &&DatasetInfo| is_candidate(&info.shape);
    let within = || found.numeric.iter().filter(is_within);
    let mut candidates: Vec<&DatasetInfo> = within().filter(|info| info.main).collect();
    let mut of_other_types = found.other.iter().filter(is_within).filter(is_mapped);
    if candidates.is_empty() {
        // Measured data of another type is what is meant, not the axes beside it.
        if let Some(info) = of_other_types.clone().find(|info| info.main) {
            return Err(wrong_type(file, info));
        }
        candidates = within().filter(is_mapped).collect();
    }
    if candidates.len() > 1 {
        // Truths beside numbers are a mask.
        let numbers = || candidates.iter().filter(|info| info.dtype != BOOL);
        if numbers().next().is_some() {
            candidates = numbers().copied().collect();
        }
    }
    match (candidates.as_slice(), inside) {
        ([only], _) => Ok(Chosen::One(only)),
        ([], inside) => Err(
            match (of_other_types.next(), of_other_types.next(), inside) {
                (Some(only), None, _) => wrong_type(file, only),
                (_, _, Some(inside)) => DatasetError::UnknownInside {
                    file: file.to_owned(),
                    inside: inside.to_owned(),
                    available: found.listing(),
                },
                (_, _, None) => DatasetError::Nothing {
                    file: file.to_owned(),
                    available: found.listing(),
                },
            },
        ),
        _ => Ok(Chosen::Several(candidates)),
    }
}

/// The error of a dataset that is there and holds no real numbers.
fn wrong_type(file: &str, info: &DatasetInfo) -> DatasetError {
    DatasetError::Type {
        location: format!("{file}#{}", info.path),
        dtype: info.dtype.clone(),
    }
}

#[cfg(test)]
mod tests {
    use hdf5_pure::FormatError;

    use crate::data::files::samples::{CYCLE, LATEST, LINKS, TYPES, VAST, bytes};
    use crate::data::files::testing::{close, named, nsid_file, shared, spectra, written};
    use crate::data::files::{list_hdf5, read, read_map};

    #[test]
    fn each_channel_of_a_pfm_image_is_selected_by_path() {
        let Some(file) = shared("beps/pto_funakubo_256.h5") else {
            return;
        };
        for (channel, quantity, sum) in [
            (0, "HeightRetrace", -0.038_286_321_493_274_045),
            (1, "AmplitudeRetrace", 7.685_029_056_635_467e-6),
            (2, "DeflectionRetrace", 0.006_548_680_528_901_23),
            (3, "PhaseRetrace", 2_556_702.222_113_609_3),
        ] {
            let map = read_map(&format!("{file}#Measurement_000/Channel_{channel}")).unwrap();
            assert_eq!((map.height(), map.width()), (256, 256));
            assert_eq!(map.quantity, quantity);
            close(map.values.iter().sum(), sum);
        }
        let message = read(&file).unwrap_err().to_string();
        assert!(
            message.contains(
                "Measurement_000/Channel_1/Channel_1/Channel_1 (256x256 f32 AmplitudeRetrace)"
            ),
            "{message}"
        );
        let message = read(&format!("{file}#Channel_9")).unwrap_err().to_string();
        assert!(
            message.contains("`Channel_9`") && message.contains("PhaseRetrace"),
            "{message}"
        );
    }

    #[test]
    fn an_nsid_file_gives_its_main_dataset_with_axes() {
        let (_folder, file) = written("loops.h5", &nsid_file());
        let loops = spectra(&file);
        assert_eq!(loops.coordinates, [0.0, 1.0, 0.0, -1.0]);
        assert_eq!(named(&loops.channels), ("Voltage", "V"));
        assert_eq!((loops.columns.scale, loops.rows.scale), (1e-9, 2e-9));
        assert_eq!(
            (loops.quantity.as_str(), loops.units.as_str()),
            ("Response", "pm")
        );
        assert_eq!(loops.at(1, 2), [20.0, 21.0, 22.0, 23.0]);
        assert_eq!(
            read_map(&format!("{file}#aside")).unwrap().values,
            [1.0, 2.0, 3.0, 4.0]
        );
        let listed = list_hdf5(&file).unwrap();
        let texts: Vec<String> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "aside (2x2 u8)",
                "loops/Voltage (4 f64)",
                "loops/X (3 f64)",
                "loops/Y (2 f64)",
                "loops/data (2x3x4 i32 Response)",
            ]
        );
        let message = read(&format!("{file}#loops/X")).unwrap_err().to_string();
        assert!(message.contains("shape 3;"), "{message}");
        let message = read(&format!("{file}#nothing")).unwrap_err().to_string();
        assert!(
            message.contains("`nothing`") && message.contains("loops/data"),
            "{message}"
        );
    }

    #[test]
    fn soft_links_are_followed_and_those_to_nowhere_are_refused_with_a_remedy() {
        for sample in [LINKS, LATEST] {
            let (_folder, file) = written("links.h5", &bytes(sample));
            for path in ["img", "to", "/to"] {
                let map = read_map(&format!("{file}#{path}")).unwrap();
                assert_eq!(map.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            }
            assert_eq!(list_hdf5(&file).unwrap().last().unwrap().path, "img");
        }
        let (_folder, file) = written("links.h5", &bytes(LINKS));
        assert_eq!(read_map(&file).unwrap().quantity, "img");
        let message = read(&format!("{file}#gone")).unwrap_err().to_string();
        assert!(
            message.contains("`gone` is a link to `/nowhere`, which is not there")
                && message.contains("expand_soft=True"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_says_more_than_it_holds_is_refused_at_once() {
        let (_folder, file) = written("vast.h5", &bytes(VAST));
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("do not fit into memory"), "{message}");
        let (_folder, file) = written("cycle.h5", &bytes(CYCLE));
        let begun = std::time::Instant::now();
        let listed = list_hdf5(&file).unwrap();
        let paths: Vec<&str> = listed.iter().map(|info| info.path.as_str()).collect();
        assert_eq!(paths, ["d"]);
        for path in ["", "#d", "#a/l0/d", "#a/l1/a/l0/d"] {
            let map = read_map(&format!("{file}{path}")).unwrap();
            assert_eq!((map.height(), map.width()), (24, 24));
        }
        assert!(begun.elapsed().as_secs() < 30);
    }

    #[test]
    fn half_precision_is_read_in_either_byte_order() {
        for sample in [TYPES, LATEST] {
            let (_folder, file) = written("half.h5", &bytes(sample));
            let map = read_map(&format!("{file}#half")).unwrap();
            assert_eq!(map.values, [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75]);
            let listed = list_hdf5(&file).unwrap();
            let half = listed.iter().find(|info| info.path == "half").unwrap();
            assert_eq!(half.to_string(), "half (2x3 f16)");
        }
    }

    #[test]
    fn a_dataset_of_another_type_is_named_with_its_type() {
        let (_folder, file) = written("types.h5", &bytes(TYPES));
        assert_eq!(
            read(&format!("{file}#complex")).unwrap_err().to_string(),
            format!(
                "`{file}#complex`: values of type complex (f32 r, f32 i); accepted are real integers \
                 and floats"
            )
        );
        assert_eq!(read_map(&file).unwrap().quantity, "half");
        let truths = read_map(&format!("{file}#bool")).unwrap();
        assert!(
            truths
                .values
                .iter()
                .all(|&value| value == 0.0 || value == 1.0)
        );
        let message = read(&format!("{file}#real")).unwrap_err().to_string();
        assert!(
            message.contains("bool (2x3 bool), half (2x3 f16), complex (2x3 complex"),
            "{message}"
        );
    }

    #[test]
    fn a_format_newer_than_the_decoder_has_its_remedy_named() {
        let mut newer = bytes(LATEST);
        newer[8] = 9;
        let (_folder, file) = written("newer.h5", &newer);
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("libver='earliest'"), "{message}");
        // What h5py with libver='latest' writes for compressed and for resizable datasets.
        for reason in [
            FormatError::InvalidLayoutVersion(5),
            FormatError::ChunkedReadError("index".to_owned()),
        ] {
            let message = super::unreadable("a.h5", &reason.into()).to_string();
            assert!(message.contains("libver='earliest'"), "{message}");
        }
    }
}
