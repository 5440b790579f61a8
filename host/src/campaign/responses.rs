//! Responses as the kernel can take them.

use beacon_kernel::{Candidate, Candidates, LARGEST_RESPONSE, Pixel};

use super::CampaignError;
use crate::data::Map;

/// Smallest range of responses that the kernel's f32 can resolve.
const SMALLEST_RANGE: f64 = 1e-25;

/// Checks that the kernel can take the response of every candidate.
///
/// # Errors
/// [`CampaignError::Response`] for the first that is not finite or too large, and
/// [`CampaignError::Setting`] where they differ by too little.
pub(super) fn check_responses(truth: &Map, candidates: Candidates) -> Result<(), CampaignError> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for n in 0..candidates.count() as u32 {
        let Pixel { row, column } = candidates.pixel(Candidate(n))?;
        let value = truth.at(row, column);
        if !value.is_finite() || value.abs() > f64::from(LARGEST_RESPONSE) / 2.0 {
            return Err(CampaignError::Response { row, column, value });
        }
        (low, high) = (low.min(value), high.max(value));
    }
    let range = high - low;
    if range > 0.0 && range < SMALLEST_RANGE {
        return Err(CampaignError::Setting {
            name: "the range of the responses",
            value: format!("{range:e}"),
            accepted: format!("at least {SMALLEST_RANGE:e}: choose smaller units"),
        });
    }
    Ok(())
}
