//! Campaigns of several responses of a place. Since version 2.

use serde::{Deserialize, Serialize};

use super::super::scalarizer::Scalarizer;
use crate::MOST_RESPONSES;

/// One to [`MOST_RESPONSES`] values, one for each response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Several<T> {
    /// How many of the values count.
    pub count: u8,
    /// The values. Those that do not count may be anything.
    pub values: [T; MOST_RESPONSES],
}

impl<T: Copy> Several<T> {
    /// Some values; those that do not count are as the first. `None` for no value, or too many.
    pub fn new(values: &[T]) -> Option<Self> {
        let first = values.first()?;
        let mut all = [*first; MOST_RESPONSES];
        all.get_mut(..values.len())?.copy_from_slice(values);
        Some(Self {
            count: values.len() as u8,
            values: all,
        })
    }

    /// The values that count; none where a sender says that more do than there are.
    pub fn as_slice(&self) -> &[T] {
        let counting = self.values.get(..usize::from(self.count));
        counting.unwrap_or_default()
    }
}

/// How a spectrum becomes one of several responses, and what that is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reduction {
    /// The windows.
    pub scalarizer: Scalarizer,
    /// The controller subtracts it, as [`super::Request::Origin`] says. Finite.
    pub origin: f64,
}

/// How many responses there may be, and what was measured last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vectors {
    /// Most responses that a place may have on this board.
    pub most: u8,
    /// Those of the campaign; 1 without one.
    pub responses: u8,
    /// All responses of the last measurement.
    pub last: Option<Several<f32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_are_those_that_count() {
        let values = [1.5, -2.0, 0.25, 4.0, 8.0];
        for count in 1..=4 {
            let several = Several::new(&values[..count]).unwrap();
            assert_eq!(several.as_slice(), &values[..count]);
        }
        assert_eq!(Several::<f32>::new(&[]), None);
        assert_eq!(Several::new(&values), None);
        let more = Several {
            count: 5,
            values: [1.0; 4],
        };
        assert!(more.as_slice().is_empty());
    }
}
