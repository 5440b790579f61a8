//! The map that a campaign publishes, and how good it is.

use beacon_kernel::{Candidate, Candidates};
use serde::{Deserialize, Serialize};

use super::{CampaignError, Monitor, Patches, Posterior, State};
use crate::data::Map;
use crate::metrics::nlpd;
#[cfg(feature = "figures")]
use crate::page::Table;
#[cfg(feature = "figures")]
use crate::plot::number::significant;
use crate::train::{LeftOut, Mapmaker, Pace, ResponseMap};

/// Steps after which a map is judged where the truth is known, besides the last.
const STEPS: [usize; 7] = [0, 20, 50, 100, 200, 500, 1000];

/// The map of the response that all points of a campaign give, over the candidates' pixels; NaN
/// elsewhere.
#[derive(Clone, Debug)]
pub struct PublishedMap {
    /// Means.
    pub mean: Map,
    /// Standard deviations of the response itself, without the noise of measuring it once.
    pub sigma: Map,
}

/// How good the map of so many points is: by itself, from what the others say of each point, and
/// against the truth where it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapFigures {
    /// Points that it was made from.
    pub points: usize,
    /// Mean absolute difference of a point and what all others say of it, in units of the response.
    pub left_out_mae: f64,
    /// Mean negative log predictive density of a point by all others, in nats.
    pub left_out_nlpd: f64,
    /// Share of the points that lie within two standard deviations of what all others say.
    pub left_out_within: f64,
    /// Mean absolute error over all candidates, in units of the response; absent where the truth is
    /// not known, as the three that follow.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mae: Option<f64>,
    /// Root mean squared error likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rmse: Option<f64>,
    /// Mean negative log predictive density over all candidates, in nats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nlpd: Option<f64>,
    /// Share of the true responses of all candidates within two standard deviations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within: Option<f64>,
    /// Whether the responses hardly differ yet, so that the deviations are a guess; absent where not.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub guessed: bool,
}

/// The map of one of the responses that are sought, counted from 0, from all usable points, and the figures of
/// those that the campaign came by; nothing where nothing was measured.
///
/// # Errors
/// When a map cannot be made or judged, or is broken off.
pub(super) fn publish(
    state: &State,
    patches: &Patches,
    monitor: &Monitor,
    (response, target): (usize, &(String, String)),
    pace: &Pace,
) -> Result<(Option<PublishedMap>, Vec<MapFigures>), CampaignError> {
    let usable = state.usable_vectors();
    let usable = usable.filter_map(|(point, mut of)| Some((point.candidate, of.nth(response)?)));
    let (points, responses): (Vec<_>, Vec<_>) = usable.unzip();
    // It knows the truth of the first alone.
    let monitor = (response == 0).then_some(monitor);
    let Some(overview) = state.overview().filter(|_| !points.is_empty()) else {
        return Ok((None, Vec::new()));
    };
    let mut mapmaker = Mapmaker::new(patches.candidates(), patches.pixels())?;
    mapmaker.set_units(&target.1);
    let mut map_of = |count: usize| mapmaker.map_at(pace, &points[..count], &responses[..count]);
    let mut figures = Vec::new();
    let counts = STEPS.map(|steps| state.seeds() + steps).into_iter();
    let known = monitor.is_some_and(|monitor| monitor.target().is_some());
    for count in counts.filter(|count| known && (1..points.len()).contains(count)) {
        figures.push(judge(&map_of(count)?, monitor)?);
    }
    let map = map_of(points.len())?;
    figures.push(judge(&map, monitor)?);
    let on = |values: &[f64]| on_pixels(values, &overview.image, patches.candidates(), target);
    let sigma: Vec<f64> = map.variance.iter().map(|v| v.sqrt()).collect();
    let published = PublishedMap {
        mean: on(&map.mean),
        sigma: on(&sigma),
    };
    Ok((Some(published), figures))
}

/// Values of the candidates as a map of the image, NaN where there is no candidate.
pub(super) fn on_pixels(
    values: &[f64],
    image: &Map,
    candidates: Candidates,
    (quantity, units): &(String, String),
) -> Map {
    let mut map = Map {
        values: vec![f64::NAN; image.values.len()],
        quantity: quantity.clone(),
        units: units.clone(),
        ..image.clone()
    };
    for (n, &value) in values.iter().enumerate() {
        if let Ok(pixel) = candidates.pixel(Candidate(n as u32)) {
            map.values[pixel.row * image.width() + pixel.column] = value;
        }
    }
    map
}

/// The figures as a table; none where there are no maps.
#[cfg(feature = "figures")]
pub(super) fn table(maps: &[MapFigures]) -> Option<Table> {
    let figure = |value: Option<f64>| value.map_or_else(String::new, significant);
    let row = |of: &MapFigures| {
        vec![
            of.points.to_string(),
            significant(of.left_out_mae),
            significant(of.left_out_nlpd),
            format!("{:.0} %", 100.0 * of.left_out_within),
            figure(of.mae),
            figure(of.nlpd),
            of.within
                .map_or_else(String::new, |within| format!("{:.0} %", 100.0 * within)),
        ]
    };
    let header = [
        "points",
        "MAE, left out",
        "NLPD, left out",
        "within 2 σ, left out",
        "MAE",
        "NLPD",
        "within 2 σ",
    ];
    (!maps.is_empty()).then(|| Table {
        caption:
            "The map to publish: how well the other points predict each point, and how far the \
                  map is from the truth where that is known."
                .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows: maps.iter().map(row).collect(),
    })
}

fn judge(map: &ResponseMap, monitor: Option<&Monitor>) -> Result<MapFigures, CampaignError> {
    let (responses, means): (Vec<f64>, Vec<f64>) =
        map.left_out.iter().map(|p| (p.response, p.mean)).unzip();
    let variances: Vec<f64> = map.left_out.iter().map(|point| point.variance).collect();
    let count = map.left_out.len() as f64;
    let within = |point: &&LeftOut| {
        let error = point.response - point.mean;
        error * error <= 4.0 * point.variance
    };
    let errors = responses
        .iter()
        .zip(&means)
        .map(|(y, mean)| (y - mean).abs());
    let posterior = Posterior {
        mean: map.mean.clone(),
        variance: map.variance.clone(),
        noise: map.noise,
    };
    let against_truth = monitor.map(|monitor| monitor.against_truth(&posterior));
    let against_truth = against_truth.transpose()?.flatten();
    Ok(MapFigures {
        points: map.left_out.len(),
        left_out_mae: errors.sum::<f64>() / count,
        left_out_nlpd: nlpd(&responses, &means, &variances)?,
        left_out_within: map.left_out.iter().filter(within).count() as f64 / count,
        mae: against_truth.as_ref().map(|errors| errors.mae),
        rmse: against_truth.as_ref().map(|errors| errors.rmse),
        nlpd: against_truth.as_ref().map(|errors| errors.nlpd),
        within: against_truth.as_ref().map(|errors| errors.within),
        guessed: map.guessed,
    })
}
