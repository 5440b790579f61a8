//! What of an experiment cannot be a campaign's.

use beacon_kernel::{Candidate, Candidates, LARGEST_RESPONSE, Pixel};

use crate::campaign::CampaignError;
use crate::data::Map;

/// Smallest range of responses that the kernel's f32 can resolve.
const SMALLEST_RANGE: f64 = 1e-25;

/// Checks that the kernel can take the response of every candidate that has one.
///
/// # Errors
/// [`CampaignError::Response`] for the first that is too large, and [`CampaignError::Setting`]
/// where they differ by too little, or none is a number.
fn check_responses(truth: &Map, candidates: Candidates) -> Result<(), CampaignError> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for n in 0..candidates.count() as u32 {
        let Pixel { row, column } = candidates.pixel(Candidate(n))?;
        let value = truth.at(row, column);
        if value.is_finite() && value.abs() > f64::from(LARGEST_RESPONSE) / 2.0 {
            return Err(CampaignError::Response { row, column, value });
        }
        if value.is_finite() {
            (low, high) = (low.min(value), high.max(value));
        }
    }
    let range = high - low;
    if range == f64::NEG_INFINITY {
        return Err(CampaignError::Setting {
            name: "the number of responses",
            value: "0".to_owned(),
            accepted: "a finite number at some candidate".to_owned(),
        });
    }
    if range > 0.0 && range < SMALLEST_RANGE {
        return Err(CampaignError::Setting {
            name: "the range of the responses",
            value: format!("{range:e}"),
            accepted: format!("at least {SMALLEST_RANGE:e}: choose smaller units"),
        });
    }
    Ok(())
}

/// Refuses an image without any number.
pub(crate) fn check_image(image: &Map) -> Result<(), CampaignError> {
    if image.values.iter().any(|value| value.is_finite()) {
        return Ok(());
    }
    let infinite = image.values.iter().filter(|value| value.is_infinite());
    let (infinite, all) = (infinite.count(), image.values.len());
    Err(CampaignError::Setting {
        name: "the number of pixels with data of the image",
        value: format!("0: {infinite} of its {all} are infinite, the others no number"),
        accepted: "a finite number at some pixel".to_owned(),
    })
}

/// Refuses true responses that cannot be sought, alone or together.
pub(super) fn check_truths(
    image: &Map,
    truths: &[&Map],
    candidates: Candidates,
) -> Result<(), CampaignError> {
    for truth in truths {
        check_responses(truth, candidates)?;
    }
    check_common(image, truths, candidates)
}

/// Refuses several responses of which no candidate has all.
fn check_common(image: &Map, truths: &[&Map], candidates: Candidates) -> Result<(), CampaignError> {
    for n in 0..candidates.count() as u32 {
        let Pixel { row, column } = candidates.pixel(Candidate(n))?;
        let known = |map: &Map| map.is_known(row, column);
        if known(image) && truths.iter().all(|truth| known(truth)) {
            return Ok(());
        }
    }
    let all = truths.len();
    Err(CampaignError::Setting {
        name: "the number of candidates with a number of the image and of every response",
        value: format!("0, of {all} responses"),
        accepted: "1 or more: responses of the same pixels".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Campaign, CampaignConfig, Seeds};
    use crate::experiment::Replay;

    fn refusal(image: Vec<f64>, responses: [Vec<f64>; 2]) -> String {
        let map = |values| Map::uncalibrated(8, 8, values, "map");
        let [first, second] = responses.map(map);
        let replay = Replay::new(map(image), first).unwrap().and(second).unwrap();
        let config = CampaignConfig {
            window: 4,
            ..CampaignConfig::default()
        };
        match Campaign::new(config, Seeds::Random(4), &replay) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn responses_of_which_no_pixel_has_all_are_refused_as_such() {
        let ramp: Vec<f64> = (0..64).map(f64::from).collect();
        let half = |first: bool| -> Vec<f64> {
            let value = |i: usize| {
                if (i < 32) == first {
                    i as f64
                } else {
                    f64::NAN
                }
            };
            (0..64).map(value).collect()
        };
        let message = refusal(ramp.clone(), [half(true), half(false)]);
        assert!(
            message.contains("a number of the image and of every response")
                && message.contains("0, of 2 responses"),
            "{message}"
        );
        let message = refusal(vec![f64::INFINITY; 64], [ramp.clone(), ramp]);
        assert!(
            message.contains("0: 64 of its 64 are infinite"),
            "{message}"
        );
    }
}
