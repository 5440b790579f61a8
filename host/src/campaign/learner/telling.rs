//! What the kernel is told of events: points, what it must not propose, and all of it anew.

use beacon_kernel::Candidate;
use beacon_kernel::link::scalarizer::Scalarizer;

use super::hand_over::HandedOver;
use super::{Learner, is_numeric};
use crate::campaign::event::Event;
use crate::campaign::state::DRIFTED;
use crate::campaign::{CampaignError, Command, Region, Standing, State};
use crate::controller::ControllerError;

impl Learner<'_> {
    /// Tells the kernel what follows from an event, which the state has taken already.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(in crate::campaign) fn follow(
        &mut self,
        event: &Event,
        state: &State,
    ) -> Result<(), CampaignError> {
        if state.epoch() != self.epoch {
            let forgets = match event {
                Event::Components(_) => true,
                Event::Commanded(given) => matches!(
                    given.command,
                    Command::Target(_)
                        | Command::Targets(_)
                        | Command::Discard(_)
                        | Command::Restore(_)
                ),
                _ => false,
            };
            return self.start_over(state, !forgets);
        }
        match event {
            Event::Measured(measured) => {
                self.warnings.set_points(state.points().len());
                let candidate = Candidate(measured.candidate);
                let newest = state.usable_vectors().nth(self.points());
                let newest = newest.map(|(point, of)| (point.candidate, of.collect::<Vec<f64>>()));
                match newest {
                    Some((newest, responses)) if newest == candidate => {
                        let on_controller = self.reduces.then(|| {
                            let channels = &state.begun().channels;
                            let sought = state.settings().sought();
                            sought
                                .map(|of| of.on_controller(&channels.coordinates, &channels.axis))
                                .collect::<Option<Vec<_>>>()
                        });
                        let spectrum = single(&measured.acquired.spectrum);
                        let reduction = on_controller.flatten().zip(spectrum);
                        self.tell(candidate, &responses, reduction)?;
                    }
                    // Components that have yet to be learnt: chance, which chooses until then, looks at no
                    // response, and the points to begin with are those of any target.
                    _ if state.standing(candidate) == Standing::Measured => {
                        let nothing = vec![0.0; self.responses.len()];
                        self.controller.measure_all(candidate, &nothing)?;
                    }
                    _ => {
                        let mut left_out = state.left_out().iter().rev();
                        if let Some((_, why)) = left_out.find(|(of, _)| *of == candidate) {
                            self.note_left_out(state, candidate, &why.clone());
                        }
                        self.exclude_candidate(candidate)?;
                    }
                }
            }
            Event::LeftOut { candidate, why } => {
                self.note_left_out(state, Candidate(*candidate), why);
                self.exclude_candidate(Candidate(*candidate))?;
            }
            Event::Commanded(given) => match &given.command {
                command if !command.excluded().is_empty() => {
                    for region in command.excluded() {
                        self.exclude(region)?;
                    }
                }
                Command::Reject => {
                    // The state has excluded what waited.
                    for region in state.mask() {
                        self.exclude(&region)?;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn note_left_out(&mut self, state: &State, candidate: Candidate, why: &str) {
        let pixel = state.candidates().and_then(|all| all.pixel(candidate).ok());
        if why.starts_with(DRIFTED) {
            // There may be a border full of them.
            let left_out = state.left_out().iter();
            let count = left_out.filter(|(_, why)| why.starts_with(DRIFTED)).count();
            self.warnings
                .note_count("left out, drifted out of the frame", count);
        } else if let Some(pixel) = pixel {
            let (row, column) = (pixel.row, pixel.column);
            self.warnings
                .note(&format!("row {row}, column {column} was left out: {why}"));
        }
    }

    /// Starts the kernel over with the points that count now. Where other points or responses count, or
    /// another target is sought, the model is forgotten with the trainer that made it.
    pub(super) fn start_over(
        &mut self,
        state: &State,
        keeps_model: bool,
    ) -> Result<(), CampaignError> {
        self.controller.end()?;
        let model = self.model.take().filter(|_| keeps_model);
        if !keeps_model {
            self.trainer.forget()?;
        }
        self.start(state)?;
        self.tell_all(state, model.as_ref())
    }

    /// Tells the kernel, which was just begun, of all usable points, of a model when it met as many
    /// of them as it had met, and of what it must not propose.
    pub(super) fn tell_all(
        &mut self,
        state: &State,
        model: Option<&HandedOver>,
    ) -> Result<(), CampaignError> {
        let points: Vec<_> = state
            .usable_vectors()
            .map(|(point, of)| (point.candidate, of.collect::<Vec<f64>>()))
            .collect();
        if state.settings().components().is_some() && state.basis().is_none() {
            // As when each was measured: chance goes by how many there are.
            let nothing = vec![0.0; self.responses.len()];
            for point in state.counted() {
                self.controller.measure_all(point.candidate, &nothing)?;
            }
        }
        let at = model.map_or(usize::MAX, |model| model.at);
        for (n, (candidate, responses)) in points.iter().enumerate() {
            if n == at {
                self.hand_over_again(model)?;
            }
            self.tell(*candidate, responses, None)?;
        }
        if points.len() == at {
            self.hand_over_again(model)?;
        }
        for region in state.mask() {
            self.exclude(&region)?;
        }
        Ok(())
    }

    /// Tells trainer and kernel the responses of a place, as many as are sought, or has the controller reduce
    /// its spectrum to them.
    fn tell(
        &mut self,
        candidate: Candidate,
        responses: &[f64],
        unreduced: Option<(Vec<Scalarizer>, Vec<f32>)>,
    ) -> Result<(), CampaignError> {
        if self.origins.is_empty() {
            self.origins.extend(responses);
        }
        self.trainer.add(candidate, &self.patches)?;
        let mut relative = Vec::with_capacity(responses.len());
        let columns = self.responses.iter_mut().zip(&self.origins);
        for ((column, origin), response) in columns.zip(responses) {
            column.push(response - origin);
            relative.push((response - origin) as f32);
        }
        let told = match unreduced {
            Some((scalarizers, spectrum)) if !self.reduces_not => {
                let controller = &mut *self.controller;
                let told = if self.reducing == scalarizers {
                    Ok(())
                } else {
                    let origins = self.origins.iter().copied();
                    let reductions = scalarizers.iter().copied().zip(origins);
                    controller.reduce_with_all(&reductions.collect::<Vec<_>>())
                };
                match told {
                    Err(ControllerError::NoReduction) => {
                        self.reduces_not = true;
                        let why = ControllerError::NoReduction.to_string();
                        self.warnings.note(&why);
                        controller.measure_all(candidate, &relative)
                    }
                    told => {
                        told?;
                        self.reducing = scalarizers;
                        let reduced = controller.measure_spectrum_all(candidate, &spectrum);
                        reduced.and_then(|there| {
                            let mut pairs = there.iter().zip(&relative);
                            pairs.try_for_each(|(&there, &here)| {
                                same_response(candidate, there, here)
                            })
                        })
                    }
                }
            }
            _ => self.controller.measure_all(candidate, &relative),
        };
        match told {
            // The response is kept and counts again with the next model.
            Err(error) if is_numeric(&error) => {
                self.outgrown = Some(self.version);
                self.warnings.note(&error.to_string());
            }
            other => other?,
        }
        Ok(())
    }

    fn exclude_candidate(&mut self, candidate: Candidate) -> Result<(), CampaignError> {
        let pixel = self.patches.candidates().pixel(candidate)?;
        self.exclude(&Region::pixel(pixel.row, pixel.column))
    }

    pub(super) fn exclude(&mut self, region: &Region) -> Result<(), CampaignError> {
        let Region { rows, columns } = region.clone();
        Ok(self.controller.exclude(rows, columns)?)
    }
}

/// Checks that a controller made the same of a spectrum as this host.
fn same_response(candidate: Candidate, there: f32, here: f32) -> Result<(), ControllerError> {
    if there.to_bits() == here.to_bits() {
        return Ok(());
    }
    Err(ControllerError::State(format!(
        "it reduced the spectrum of candidate {} to {there} and this host to {here}",
        candidate.0
    )))
}

/// The spectrum in single precision; `None` where that would change it, as it never does to
/// counts: the host then reduces it.
fn single(spectrum: &[f64]) -> Option<Vec<f32>> {
    let exact = |&value: &f64| {
        let single = value as f32;
        (f64::from(single) == value).then_some(single)
    };
    spectrum.iter().map(exact).collect()
}
