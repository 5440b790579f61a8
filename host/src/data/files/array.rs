//! From an array with axes to a map or spectra: the rules of rank that all formats share.

use super::Dataset;
use super::conditions::Conditions;
use super::error::DatasetError;
use super::memory;
use crate::data::{Axis, Map, Spectra, Values};

/// One dimension as the file describes it.
pub(super) struct Dimension {
    pub(super) axis: Axis,
    /// The value of every index, where the file lists them.
    pub(super) coordinates: Option<Vec<f64>>,
}

impl Dimension {
    /// A dimension of which nothing is known but its place and size.
    pub(super) fn unknown(place: usize, size: usize) -> Self {
        let name = ["y", "x", "channel"]
            .get(place)
            .copied()
            .unwrap_or("dimension");
        let mut axis = Axis::pixels(name, size);
        if place > 1 {
            axis.units.clear();
        }
        Self {
            axis,
            coordinates: None,
        }
    }

    /// An equidistant dimension; without a usable step it stays uncalibrated.
    pub(super) fn uniform(
        place: usize,
        size: usize,
        (name, units): (&str, &str),
        (offset, scale): (f64, f64),
    ) -> Self {
        let mut dimension = Self::unknown(place, size);
        if !name.is_empty() {
            name.clone_into(&mut dimension.axis.name);
        }
        if scale != 0.0 && scale.is_finite() && offset.is_finite() {
            units.clone_into(&mut dimension.axis.units);
            (dimension.axis.offset, dimension.axis.scale) = (offset, scale);
        }
        dimension
    }

    /// Whether its axis says all of its values.
    pub(super) fn is_equidistant(&self) -> bool {
        let (first, step) = (self.axis.offset, self.axis.scale);
        let listed = self.coordinates.as_deref();
        listed.is_none_or(|listed| is_even(listed, (first, step), ROUNDED))
    }

    /// A dimension whose values are listed one by one.
    #[cfg(feature = "hdf5")]
    pub(super) fn listed(place: usize, names: (&str, &str), coordinates: Vec<f64>) -> Self {
        let (first, mean) = mean_step(&coordinates);
        // The ends give an equidistant step to full precision; a sweep that returns to its
        // start has no such step, and the first that leads anywhere describes it best.
        let mut steps = coordinates.windows(2).map(|pair| pair[1] - pair[0]);
        let scale = match steps.find(|&step| step != 0.0) {
            Some(step) if !is_even(&coordinates, (first, mean), ROUNDED) => step,
            _ => mean,
        };
        let mut dimension = Self::uniform(place, coordinates.len(), names, (first, scale));
        // They are values in these units, whatever lies between them.
        names.1.clone_into(&mut dimension.axis.units);
        dimension.coordinates = Some(coordinates);
        dimension
    }

    /// An axis of rows or columns has a step and no values one by one: the mean one where the values lie
    /// even; otherwise pixels are counted, and the reason is returned.
    fn count_uneven(&mut self, place: usize) -> Option<String> {
        /// Of a step, as far as stages are off, and positions far from 0 in single precision.
        const NEAR: f64 = 2e-2;
        let listed = self.coordinates.take()?;
        let even = mean_step(&listed);
        let names = (self.axis.name.as_str(), self.axis.units.as_str());
        if even.1 != 0.0 && is_even(&listed, even, NEAR) {
            *self = Self::uniform(place, listed.len(), names, even);
            return None;
        }
        *self = Self::uniform(place, listed.len(), (names.0, ""), (0.0, 0.0));
        if listed.iter().any(|value| value.is_nan()) {
            return Some("lists NaN, which is no place".to_owned());
        }
        (listed.len() > 1).then(|| {
            let steps = listed.windows(2).map(|pair| pair[1] - pair[0]);
            let least = steps.clone().fold(f64::INFINITY, f64::min);
            let most = steps.fold(f64::NEG_INFINITY, f64::max);
            format!("has steps from {least:.3e} to {most:.3e}, and no even one")
        })
    }
}

/// Of a step, as far as values may be off that a file rounds, often to single precision.
const ROUNDED: f64 = 1e-3;

/// The first value, and the mean step.
fn mean_step(listed: &[f64]) -> (f64, f64) {
    let (first, last) = (listed.first(), listed.last());
    let (first, last) = first.zip(last).unwrap_or((&0.0, &0.0));
    (*first, (last - first) / (listed.len().max(2) - 1) as f64)
}

/// Whether values lie where equal steps from the first put them, within a part of a step.
fn is_even(listed: &[f64], (first, step): (f64, f64), part: f64) -> bool {
    let near =
        |(i, value): (usize, &f64)| (value - first - i as f64 * step).abs() <= part * step.abs();
    listed.iter().enumerate().all(near)
}

/// The largest value on an axis, and the smallest step, beyond whatever is measured in any units.
const LARGEST: f64 = 1e100;
const SMALLEST_STEP: f64 = 1e-100;

impl Dimension {
    /// What is wrong with its values, where something is. Of rows and columns, places that a file leaves out
    /// are none to be refused for: these can be counted.
    fn strange(&self, place: usize) -> Option<String> {
        let Axis {
            size,
            scale,
            offset,
            ..
        } = self.axis;
        let last = self.axis.value(size.saturating_sub(1));
        let mut listed = self.coordinates.iter().flatten();
        if let Some(x) = listed.find(|x| x.is_infinite() || x.is_nan() && place > 1) {
            return Some(format!("lists {x}, which is no place"));
        }
        let largest = match &self.coordinates {
            Some(listed) => listed.iter().fold(0.0, |most: f64, x| most.max(x.abs())),
            None => offset.abs().max(last.abs()),
        };
        if largest > LARGEST {
            return Some(format!("reaches {largest:e}"));
        }
        let lost = |i: usize| self.axis.value(i) == self.axis.value(i + 1);
        let is_lost = self.coordinates.is_none() && (lost(0) || lost(size.saturating_sub(2)));
        (size > 1 && (scale.abs() < SMALLEST_STEP || is_lost))
            .then(|| format!("has steps of {scale:e} from {offset:e} on"))
    }
}

/// Reads the values of an array, in the order of the file.
type Load = Box<dyn FnOnce() -> Result<Values, DatasetError>>;

/// An array with everything that the file says about it. Its values stay in the file until its shape
/// is known to fit.
pub(super) struct Array {
    /// Where it came from, for messages.
    pub(super) location: String,
    pub(super) shape: Vec<usize>,
    /// How far neighbours along each dimension lie apart in the file, in values.
    strides: Vec<usize>,
    /// One per entry of `shape`.
    pub(super) dimensions: Vec<Dimension>,
    pub(super) quantity: String,
    pub(super) units: String,
    /// Whether the file itself names rows and columns.
    pub(super) names_axes: bool,
    /// How its values were recorded.
    pub(super) conditions: Conditions,
    /// What the file says and cannot be so, each in one line for people.
    pub(super) warnings: Vec<String>,
    /// Bytes of a value as the file stores it, before it is packed; 1 where that is not told.
    pub(super) width: usize,
    load: Load,
}

/// `shape` without the trailing dimensions of size 1 beyond the second.
pub(super) fn squeezed(shape: &[usize]) -> &[usize] {
    let mut rank = shape.len();
    while rank > 2 && shape[rank - 1] == 1 {
        rank -= 1;
    }
    &shape[..rank]
}

/// The dimensions that have more than one index.
fn several(shape: &[usize]) -> impl Iterator<Item = usize> {
    (0..shape.len()).filter(|&place| shape[place] != 1)
}

/// Whether an array of this shape is a map or spectra.
pub(super) fn is_candidate(shape: &[usize]) -> bool {
    matches!(squeezed(shape).len(), 2 | 3) || matches!(several(shape).count(), 2 | 3)
}

/// How far neighbours along each dimension lie apart where the last index runs fastest.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for place in (1..shape.len()).rev() {
        // A shape that overflows is refused before its strides are used.
        strides[place - 1] = strides[place].saturating_mul(shape[place]);
    }
    strides
}

impl Array {
    /// An array of which the file gives no axes; `load` reads its values, the last index fastest.
    pub(super) fn bare(
        location: &str,
        shape: Vec<usize>,
        quantity: &str,
        load: impl FnOnce() -> Result<Values, DatasetError> + 'static,
    ) -> Self {
        let dimensions = shape
            .iter()
            .enumerate()
            .map(|(place, &size)| Dimension::unknown(place, size))
            .collect();
        Self {
            location: location.to_owned(),
            strides: row_major(&shape),
            shape,
            dimensions,
            quantity: quantity.to_owned(),
            units: String::new(),
            names_axes: false,
            conditions: Conditions::default(),
            warnings: Vec::new(),
            width: 1,
            load: Box::new(load),
        }
    }

    /// The same array stored with the first index fastest.
    #[must_use]
    pub(super) fn column_major(mut self) -> Self {
        let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
        self.strides = row_major(&reversed);
        self.strides.reverse();
        self
    }

    /// Number of values; nothing where that overflows.
    pub(super) fn count(&self) -> Option<usize> {
        let product = |n: usize, &size: &usize| n.checked_mul(size);
        self.shape.iter().try_fold(1, product)
    }

    /// The shape that counts.
    pub(super) fn squeezed(&self) -> &[usize] {
        squeezed(&self.shape)
    }

    /// Refuses what is neither a map nor spectra.
    ///
    /// # Errors
    /// When its rank is neither 2 nor 3 after squeezing, or a dimension is empty.
    pub(super) fn require_rank(&self) -> Result<(), DatasetError> {
        let known = self.count().is_some_and(|count| count > 0);
        if known && is_candidate(&self.shape) {
            return Ok(());
        }
        Err(DatasetError::shape(&self.location, &self.shape))
    }

    /// Takes dimensions of size 1 out of an array of four or more, of which a map or spectra remain.
    pub(super) fn drop_single(&mut self) {
        let kept: Vec<usize> = several(&self.shape).collect();
        if self.squeezed().len() > 3 && matches!(kept.len(), 2 | 3) {
            self.permute(&kept);
            // What has no name but that of its place has another place now.
            for (place, &from) in kept.iter().enumerate() {
                let size = self.shape[place];
                if self.dimensions[place].axis == Dimension::unknown(from, size).axis
                    && self.dimensions[place].coordinates.is_none()
                {
                    self.dimensions[place] = Dimension::unknown(place, size);
                }
            }
        }
    }

    /// Refuses an axis whose values are not told apart, or are no numbers that anybody measures in: windows
    /// and figures over it would mean nothing.
    ///
    /// # Errors
    /// [`DatasetError::Axis`].
    pub(super) fn require_axes(&self) -> Result<(), DatasetError> {
        let rank = self.squeezed().len();
        let dimensions = self.dimensions.iter().enumerate().take(rank);
        let mut strange = dimensions.filter_map(|(place, dimension)| {
            let reason = dimension.strange(place)?;
            Some((reason, &dimension.axis.name))
        });
        match strange.next() {
            None => Ok(()),
            Some((reason, axis)) => Err(DatasetError::Axis {
                location: self.location.clone(),
                axis: axis.clone(),
                reason,
                remedy: format!(
                    "expected values below {LARGEST:e} and steps of at least {SMALLEST_STEP:e} that are not lost \
                     beside them: write the file again in other units"
                ),
            }),
        }
    }

    /// Gives rows and columns one step each; says of which the pixels are counted instead.
    pub(super) fn require_steps(&mut self) {
        for (place, dimension) in self.dimensions.iter_mut().enumerate().take(2) {
            if let Some(reason) = dimension.count_uneven(place) {
                let (location, axis) = (&self.location, &dimension.axis.name);
                self.warnings.push(super::plain(&format!(
                    "{location}: axis `{axis}` {reason}; its pixels are counted"
                )));
            }
        }
    }

    /// Exchanges rows and columns.
    pub(super) fn transpose(&mut self) {
        if self.shape.len() > 1 {
            self.shape.swap(0, 1);
            self.strides.swap(0, 1);
            self.dimensions.swap(0, 1);
        }
    }

    /// Reads the values: the map or the spectra that this array is.
    ///
    /// # Errors
    /// As [`Self::require_rank`], when the values take more than `most_memory` bytes, and when they
    /// cannot be read.
    pub(super) fn into_dataset(self, most_memory: u64) -> Result<Dataset, DatasetError> {
        self.require_rank()?;
        let size = (self.count(), self.width);
        memory::check(&self.location, &self.shape, size, most_memory)?;
        let count = self.count().unwrap_or(usize::MAX);
        let values = (self.load)()?;
        if values.len() != count {
            return Err(DatasetError::shape(&self.location, &self.shape));
        }
        let values = in_order(values, &self.shape, &self.strides);
        let rank = squeezed(&self.shape).len();
        let mut dimensions = self.dimensions.into_iter().take(rank);
        match (
            dimensions.next(),
            dimensions.next(),
            dimensions.next(),
            rank,
        ) {
            (Some(rows), Some(columns), None, 2) => Ok(Dataset::Map(Map {
                values: values.into_f64(),
                rows: rows.axis,
                columns: columns.axis,
                quantity: self.quantity,
                units: self.units,
            })),
            (Some(rows), Some(columns), Some(channels), 3) => {
                let axis = channels.axis;
                let coordinates = channels.coordinates.unwrap_or_else(|| axis.values());
                Ok(Dataset::Spectra(Spectra {
                    rows: rows.axis,
                    columns: columns.axis,
                    channels: axis,
                    coordinates,
                    quantity: self.quantity,
                    units: self.units,
                    values,
                }))
            }
            _ => Err(DatasetError::shape(&self.location, &self.shape)),
        }
    }
}

/// Values with the last index fastest, whichever it was.
fn in_order(values: Values, shape: &[usize], strides: &[usize]) -> Values {
    let same = |((a, b), &size): ((&usize, &usize), &usize)| size == 1 || a == b;
    if strides.iter().zip(&row_major(shape)).zip(shape).all(same) {
        return values;
    }
    let mut index = vec![0; shape.len()];
    let places = (0..values.len()).map(|_| {
        let place = index
            .iter()
            .zip(strides)
            .map(|(i, stride)| i * stride)
            .sum();
        for (i, &size) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
        place
    });
    values.reordered(places)
}

/// What files need that describe their dimensions.
impl Array {
    /// Replaces a dimension where the description fits the array; a file may be inconsistent.
    pub(super) fn set_dimension(&mut self, place: usize, dimension: Dimension) {
        if let Some(slot) = self.dimensions.get_mut(place)
            && slot.axis.size == dimension.axis.size
        {
            *slot = dimension;
        }
    }

    /// Puts the dimensions in another order.
    pub(super) fn permute(&mut self, order: &[usize]) {
        let mut dimensions: Vec<Option<Dimension>> = self.dimensions.drain(..).map(Some).collect();
        let picked = order
            .iter()
            .filter_map(|&from| dimensions.get_mut(from)?.take());
        self.dimensions = picked.collect();
        self.shape = order.iter().map(|&from| self.shape[from]).collect();
        self.strides = order.iter().map(|&from| self.strides[from]).collect();
    }

    /// The dimension along which there is a spectrum by its units, where these are of no other, or by its
    /// name: a wavelength has the units of a length.
    #[cfg(feature = "hdf5")]
    pub(super) fn spectral(&self) -> Option<usize> {
        const NAMES: [&str; 4] = ["wavelength", "energy", "time", "delay"];
        const UNITS: [&str; 20] = [
            "ev",
            "kev",
            "mev",
            "electronvolt",
            "electron_volt",
            "v",
            "mv",
            "volt",
            "hz",
            "khz",
            "mhz",
            "ghz",
            "thz",
            "hertz",
            "1/cm",
            "cm-1",
            "cm^-1",
            "cm^{-1}",
            "1/angstrom",
            "angstrom^-1",
        ];
        let dimensions = self.dimensions.iter().enumerate();
        let is_spectral = |(_, dimension): &(usize, &Dimension)| {
            UNITS.contains(&&*dimension.axis.units.trim().to_lowercase())
        };
        let is_named = |(_, dimension): &(usize, &Dimension)| {
            let name = dimension.axis.name.trim().to_lowercase();
            NAMES
                .iter()
                .any(|of| name.starts_with(of) || name.ends_with(of))
        };
        let only = |is: &dyn Fn(&(usize, &Dimension)) -> bool| {
            let mut found = dimensions.clone().filter(|dimension| is(dimension));
            let (place, _) = found.next()?;
            found.next().is_none().then_some(place)
        };
        only(&is_spectral).or_else(|| only(&is_named))
    }

    /// Makes spectra along a line, or at scattered points, those of a scan of a single column.
    pub(super) fn insert_column(&mut self) {
        self.shape.insert(1, 1);
        self.strides.insert(1, 1);
        self.dimensions.insert(1, Dimension::unknown(1, 1));
    }

    /// The error that this array is a stack of images and not spectra.
    pub(super) fn is_stack(&self) -> DatasetError {
        self.is_stack_with("")
    }

    /// The same, with what makes spectra of it.
    pub(super) fn is_stack_with(&self, remedy: &str) -> DatasetError {
        let shape = super::shape_text(&self.shape);
        DatasetError::Shape {
            location: self.location.clone(),
            shape: format!("{shape} (a stack of images){remedy}"),
            accepted: DatasetError::SHAPES,
        }
    }
}

/// What USID needs, whose files hold other shapes than they mean.
#[cfg(feature = "hdf5")]
impl Array {
    /// Takes the file to hold another shape; its runs of so many values in the order given, where one
    /// is.
    pub(super) fn reshape(
        &mut self,
        shape: Vec<usize>,
        dimensions: Vec<Dimension>,
        runs: Option<(Vec<usize>, usize)>,
    ) {
        self.strides = row_major(&shape);
        (self.shape, self.dimensions) = (shape, dimensions);
        if let Some((runs, length)) = runs {
            let stored = std::mem::replace(&mut self.load, Box::new(|| Ok(Values::Single(vec![]))));
            self.load = Box::new(move || {
                let values = stored()?;
                let places = runs.iter().flat_map(|run| run * length..(run + 1) * length);
                let whole = places.clone().all(|place| place < values.len());
                Ok(if whole {
                    values.reordered(places)
                } else {
                    values
                })
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::files::testing::{npy, written};
    use crate::data::files::{Dataset, read};

    #[test]
    fn rank_decides_between_map_and_spectra() {
        let read_shape = |shape: &str, n: usize| {
            let data: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let (_folder, file) = written("a.npy", &npy("|u1", false, shape, &data));
            read(&file)
        };
        assert!(matches!(read_shape("2, 3, 1, 1", 6), Ok(Dataset::Map(_))));
        assert!(matches!(read_shape("4, 1", 4), Ok(Dataset::Map(_))));
        match read_shape("1, 2, 3", 6) {
            Ok(Dataset::Spectra(spectra)) => {
                assert_eq!(spectra.at(0, 1), [3.0, 4.0, 5.0]);
                assert_eq!(spectra.coordinates, [0.0, 1.0, 2.0]);
            }
            other => panic!("{other:?}"),
        }
        for (shape, n, text) in [
            ("6,", 6, "shape 6;"),
            ("", 1, "shape scalar;"),
            ("3, 2, 3, 2", 36, "shape 3x2x3x2;"),
            ("0, 3", 0, "shape 0x3;"),
        ] {
            let message = read_shape(shape, n).unwrap_err().to_string();
            assert!(
                message.contains(text) && message.contains("rows x columns"),
                "{message}"
            );
        }
    }

    #[test]
    #[cfg(feature = "hdf5")]
    fn rows_and_columns_have_the_mean_step_or_none_where_they_lie_uneven() {
        use super::{Array, Dimension};
        for (listed, scale, units, warnings) in [
            ([0.0, 1.0, 2.01, 3.0], 1.0, "nm", 0),
            ([10.0, 12.0, 14.0, 16.0], 2.0, "nm", 0),
            ([0.0, 100.0, 100.1, 100.2], 1.0, "px", 1),
            ([5.0, 5.0, 5.0, 5.0], 1.0, "px", 1),
            ([0.0, 1.0, f64::NAN, f64::NAN], 1.0, "px", 1),
        ] {
            let mut array = Array::bare("a.h5", vec![4, 2], "", || unreachable!());
            array.set_dimension(0, Dimension::listed(0, ("y", "nm"), listed.to_vec()));
            array.require_steps();
            let rows = &array.dimensions[0];
            assert_eq!((rows.axis.scale, rows.axis.units.as_str()), (scale, units));
            assert!(rows.coordinates.is_none() && rows.axis.name == "y");
            assert_eq!(array.warnings.len(), warnings, "{:?}", array.warnings);
        }
    }

    #[test]
    #[cfg(feature = "hdf5")]
    fn listed_values_keep_their_units_and_are_numbers() {
        use super::Dimension;
        let listed = |values: &[f64]| Dimension::listed(2, ("Bias", "V"), values.to_vec());
        for (values, scale) in [
            ([0.0, 0.0, 0.5, -1.0].as_slice(), 0.5),
            (&[0.0, 1.0, 2.0005, 3.0], 1.0),
            (&[0.0, 1.0, 2.1, 3.0], 1.0),
        ] {
            let axis = listed(values).axis;
            assert_eq!((axis.scale, axis.units.as_str()), (scale, "V"));
        }
        assert_eq!(listed(&[3.0, 3.0]).axis.units, "V");
        assert!(listed(&[0.0, 1.0, 2.0005, 3.0]).is_equidistant());
        let strange = listed(&[0.0, f64::NAN, 2.0]);
        assert!(strange.strange(2).unwrap().contains("lists NaN"));
        assert_eq!(strange.strange(0), None);
    }
}
