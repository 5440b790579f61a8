//! What a campaign has come to.

use std::time::Instant;

use beacon_kernel::{Candidate, Candidates, Pixel, Prediction, Proposal};

use super::{Drive, World, cautions};
use crate::campaign::published::publish;
use crate::campaign::{
    CampaignError, Discovery, Ended, Expectation, FurtherResponse, MapFigures, MeasuredPoint,
    Measurement, Outcome, PublishedMap, State, memory,
};
use crate::data::{Map, Region};
use crate::metrics::Groups;
use crate::scalarizer::Scalarizer;
use crate::train::TrainError;

/// Live times that differ by more than this share are said: those of a detector scatter by less.
const SAME_DWELL: f64 = 0.1;

/// What a person should know of the numbers that the model learned from.
fn notes_on_responses(state: &State) -> Vec<String> {
    let target = state.settings().target();
    let channels = &state.begun().channels;
    let cut = |target: &Scalarizer| target.cut(&channels.coordinates, &channels.axis);
    // Of maps acquired before a window is the place of a response, which nothing cuts.
    let settings = state.settings();
    let are_maps = state.begun().id == 0 && settings.components().is_none();
    let windows = settings.sought().filter(|_| !are_maps);
    let mut notes: Vec<_> = windows.filter_map(cut).collect();
    let times = || state.usable().map(|(point, _)| point.live_time.get());
    let shortest = times().fold(f64::INFINITY, f64::min);
    let longest = times().fold(0.0, f64::max);
    if target.grows_with_dwell() && shortest * (1.0 + SAME_DWELL) < longest {
        notes.push(format!(
            "spectra have live times from {shortest} to {longest} s, and `{target}` grows with them: \
             responses, maps and coverage are not divided by the live time, which `points` in \
             campaign.hspy has of every point"
        ));
    }
    notes
}

/// A map without numbers where nothing can be measured: there is nothing that they would tell of.
fn cleared(mut map: Map, absent: &[Region]) -> Map {
    let (height, width) = (map.height(), map.width());
    for region in absent {
        for row in region.rows.start..region.rows.end.min(height) {
            let columns = region.columns.start..region.columns.end.min(width);
            for column in columns {
                map.values[row * width + column] = f64::NAN;
            }
        }
    }
    map
}

/// Candidates in these regions.
fn absent_among(candidates: Candidates, regions: &[Region]) -> usize {
    let pixels = regions.iter().flat_map(|Region { rows, columns }| {
        let pixel = |row| columns.clone().map(move |column| Pixel { row, column });
        rows.clone().flat_map(pixel)
    });
    pixels
        .filter(|&pixel| candidates.at(pixel).is_some())
        .count()
}

impl Drive<'_> {
    /// Pixels without data.
    fn absent(&self) -> &[Region] {
        let overview = self.state.overview();
        overview.map_or(&[], |overview| &overview.absent)
    }

    /// Mean and standard deviation of the surrogate of each response as maps of the image; nothing without a
    /// model.
    pub(super) fn surrogate_maps(&mut self, targets: &[(String, String)]) -> Vec<(Map, Map)> {
        let Some(image) = self.state.image() else {
            return Vec::new();
        };
        let maps = self.learner.surrogate_maps(image, targets).into_iter();
        let clear = |map| cleared(map, self.absent());
        maps.map(|(mean, sigma)| (clear(mean), clear(sigma)))
            .collect()
    }

    /// What is sought beside the first response, with these surrogates.
    pub(super) fn further(
        &self,
        targets: Vec<(String, String)>,
        surrogates: impl Iterator<Item = (Map, Map)>,
    ) -> Vec<FurtherResponse> {
        let mut surrogates = surrogates.fuse();
        let indices = self.state.settings().targets.iter();
        let named = indices.copied().zip(targets).enumerate().skip(1);
        let revision = self.state.revision();
        let points = self.state.points();
        let further = named.map(|(n, (index, (target, units)))| {
            let values = points.iter().map(|point| point.responses.get(index));
            // A prediction of other targets is none of this one.
            let expected = points.iter().map(|point| {
                let foreseen = point.foreseen.get(n - 1)?;
                let (mean, sigma) = foreseen.prediction;
                (point.revision == revision).then_some(Expectation {
                    mean: f64::from(mean) + foreseen.origin,
                    sigma: f64::from(sigma),
                })
            });
            FurtherResponse {
                target,
                units,
                values: values.map(|of| of.copied().unwrap_or(f64::NAN)).collect(),
                expected: expected.collect(),
                surrogate: surrogates.next(),
            }
        });
        further.collect()
    }

    /// The map to publish, and its figures. Whoever watches the controller may break that off.
    ///
    /// # Errors
    /// When it cannot be made or judged, or is broken off.
    fn published(
        &mut self,
        target: &(String, String),
    ) -> Result<(Option<PublishedMap>, Vec<MapFigures>), CampaignError> {
        let (state, monitor) = (&self.state, &self.monitor);
        let published = self.learner.watched("making the map", |patches, pace| {
            publish(state, patches, monitor, (0, target), pace)
        })?;
        Ok(self.without_absent(published))
    }

    /// A map to publish without numbers where nothing can be measured.
    pub(super) fn without_absent(
        &self,
        (map, figures): (Option<PublishedMap>, Vec<MapFigures>),
    ) -> (Option<PublishedMap>, Vec<MapFigures>) {
        let map = map.map(|map| PublishedMap {
            mean: cleared(map.mean, self.absent()),
            sigma: cleared(map.sigma, self.absent()),
        });
        (map, figures)
    }

    /// The outcome of the campaign and its last state. The controller ends its campaign too.
    pub(crate) fn outcome(mut self, ended: Ended, world: &mut dyn World) -> (Outcome, State) {
        // A campaign that a person stopped has a last step that its model was not trained on.
        if let Err(error) = self.judge_all(&mut ()) {
            let note = format!("the last step could not be judged: {error}");
            self.learner.warnings.note(&note);
        }
        let target = world.target(&self.state);
        let targets = world.targets(&self.state);
        let mut surrogates = self.surrogate_maps(&targets).into_iter();
        let (mean, sigma) = surrogates.next().unzip();
        let further = self.further(targets, surrogates);
        let started = Instant::now();
        let (map, maps) = self.published(&target).unwrap_or_else(|error| {
            let note = match error {
                CampaignError::Train(TrainError::BrokenOff) => {
                    "the map to publish was broken off: `beacon resume` makes it".to_owned()
                }
                error => format!("there is no map to publish: {error}"),
            };
            self.learner.warnings.note(&note);
            (None, Vec::new())
        });
        if maps.last().is_some_and(|of| of.guessed) {
            let note = "responses hardly differ yet: the map's deviation is a guess";
            self.learner.warnings.note(note);
        }
        self.learner.times.mapping = started.elapsed();
        if !matches!(ended, Ended::Controller(_))
            && let Err(error) = self.learner.controller().end()
        {
            let note = format!("the controller did not end its campaign: {error}");
            self.learner.warnings.note(&note);
        }
        let points = self.state.points();
        let seeds = self.state.seeds();
        let measurements: Vec<_> = points.iter().map(|point| self.measurement(point)).collect();
        let (seeds, steps) = measurements.split_at(seeds);
        let width = self.learner.patches().candidates().width();
        let discoveries = world
            .behaviours()
            .iter()
            .map(|behaviour| Discovery::new(behaviour, width, seeds, steps))
            .collect();
        if !matches!(ended, Ended::Budget | Ended::Interrupted | Ended::Stopped) {
            self.learner
                .warnings
                .note(&format!("the campaign ended: {ended}"));
        }
        let cautions = cautions::on_responses(&self.state);
        for note in notes_on_responses(&self.state).into_iter().chain(cautions) {
            self.learner.warnings.note(&note);
        }
        let mut config = self.state.settings().campaign.clone();
        config.steps = self.state.settings().budget.saturating_sub(seeds.len());
        self.learner.times.whole = world.elapsed().max(self.begun.elapsed());
        let candidates = self.learner.patches().candidates();
        let sought = self.state.settings().sought();
        let components = sought.filter_map(|target| match target {
            Scalarizer::Component(component) if target.is_learnt() => Some(component.clone()),
            _ => None,
        });
        let outcome = Outcome {
            candidates: candidates.count(),
            absent: absent_among(candidates, self.absent()),
            occupied_bins: self.monitor.target().map_or(0, Groups::occupied),
            seeds: seeds.to_vec(),
            steps: steps.to_vec(),
            series: self.series,
            discoveries,
            mean,
            sigma,
            further,
            components: components.collect(),
            map,
            maps,
            times: self.learner.times,
            dead_time: self.gaps.sum,
            peak_memory: memory::peak_bytes(),
            link: self.learner.controller().link(),
            warnings: std::mem::take(&mut self.learner.warnings).into_notes(),
            ended,
            config,
        };
        (outcome, self.state)
    }

    pub(super) fn measurement(&self, point: &MeasuredPoint) -> Measurement {
        let target = self.state.settings().target_index();
        // A prediction of another target is none of this one.
        let of_target = |_: &_| point.revision == self.state.revision();
        let expected = point.proposed.filter(of_target).and_then(|proposed| {
            let (mean, sigma) = proposed.prediction?;
            Some(Expectation {
                mean: f64::from(mean) + proposed.origin,
                sigma: f64::from(sigma),
            })
        });
        Measurement {
            candidate: point.candidate,
            pixel: point.pixel,
            response: point.responses.get(target).copied().unwrap_or(f64::NAN),
            proposal: point.proposed.map(|proposed| Proposal {
                candidate: Candidate(proposed.candidate),
                step: proposed.step as usize,
                score: proposed.score,
                prediction: proposed
                    .prediction
                    .map(|(mean, sigma)| Prediction { mean, sigma }),
            }),
            expected,
        }
    }
}
