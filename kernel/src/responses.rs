//! Several responses of one place: what a measurement of more than one number is.

use core::fmt;
use core::ops::Deref;

use crate::Error;

/// Most responses of a campaign.
pub const MOST_RESPONSES: usize = 4;

/// The responses of one place, in the order of the campaign's: a slice of 1 to [`MOST_RESPONSES`] numbers.
#[derive(Clone, Copy, PartialEq)]
pub struct Responses {
    values: [f32; MOST_RESPONSES],
    count: usize,
}

impl Responses {
    /// Some responses.
    ///
    /// # Errors
    /// [`Error::ResponseCount`] for none, or more than [`MOST_RESPONSES`].
    pub fn new(responses: &[f32]) -> Result<Self, Error> {
        let mut values = [0.0; MOST_RESPONSES];
        let own = values.get_mut(..responses.len());
        let Some(own) = own.filter(|own| !own.is_empty()) else {
            return Err(Error::ResponseCount {
                found: responses.len(),
                expected: responses.len().clamp(1, MOST_RESPONSES),
            });
        };
        own.copy_from_slice(responses);
        Ok(Self {
            values,
            count: responses.len(),
        })
    }

    /// A single response.
    pub const fn one(response: f32) -> Self {
        Self {
            values: [response, 0.0, 0.0, 0.0],
            count: 1,
        }
    }
}

impl Deref for Responses {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.values.get(..self.count).unwrap_or_default()
    }
}

impl fmt::Debug for Responses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_four_responses_are_a_slice_of_them() {
        let all = [0.5, -1.0, 2.0, 4.0, 8.0];
        for count in 1..=MOST_RESPONSES {
            let responses = Responses::new(&all[..count]).unwrap();
            assert_eq!(responses[..], all[..count]);
        }
        assert_eq!(Responses::one(0.5), Responses::new(&all[..1]).unwrap());
        for (count, expected) in [(0, 1), (5, 4)] {
            assert_eq!(
                Responses::new(&all[..count]),
                Err(Error::ResponseCount {
                    found: count,
                    expected
                })
            );
        }
    }
}
