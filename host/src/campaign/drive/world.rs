//! What lies outside a campaign, and how it fails.

use std::time::Duration;

use super::Kept;
use crate::campaign::{
    Ended, Event, Expose, Exposure, Given, Measured, MeasuredPoint, Posterior, Series, State, Wait,
};
use crate::controller::{BeamPort, ControllerError};
use crate::data::{Behaviour, Map};
use crate::scalarizer::Scalarizer;

/// Why something was not done on the instrument.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The instrument failed. Trying again may help.
    Passing(String),
    /// The instrument failed for good.
    Final(String),
    /// A person aborted the exposure.
    Aborted(String),
    /// The exposure did not begin, and this point is left out.
    NotExposed(String),
    /// The exposure did not begin, and the campaign ends.
    Refused(Ended),
    /// The measurement of this point cannot be used.
    Point(String),
    /// The controller refused or was lost.
    Controller(ControllerError),
    /// The campaign ends.
    End(Ended),
}

impl From<ControllerError> for Failure {
    fn from(error: ControllerError) -> Self {
        Self::Controller(error)
    }
}

/// What lies outside a campaign: the instrument, the disk, the clock and people.
pub(crate) trait World {
    /// How long the campaign has been running.
    fn elapsed(&self) -> Duration;

    /// Whether the campaign is to end as soon as the beam is blanked.
    fn is_interrupted(&self) -> bool;

    /// The next command that waits.
    fn command(&mut self) -> Option<Given> {
        None
    }

    /// Whether a command waits that concerns the point under the beam: a pause, a stop, or an
    /// exclusion.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Whether a person has told the campaign to stop.
    fn is_stopped(&self) -> bool {
        false
    }

    /// Keeps an event before anything follows from it.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn record(&mut self, _event: &Event, _beam: &mut dyn BeamPort) -> Result<(), Ended> {
        Ok(())
    }

    /// Keeps what was learned, where that saves time. It may be lost: the journal has everything.
    fn keep_learned(&mut self, _kept: &dyn Fn() -> Kept) {}

    /// Takes an overview: the first, or one that is compared with it.
    ///
    /// # Errors
    /// Why there is none.
    fn survey(&mut self, state: &State) -> Result<Event, Failure>;

    /// Makes ready for an exposure, with the beam blanked.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn prepare(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<(), Failure>;

    /// Exposes a point and acquires; also when the instrument did that.
    ///
    /// # Errors
    /// Why nothing was acquired.
    fn expose(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<(Measured, Exposure), Failure>;

    /// Waits until an instrument that failed is there again.
    ///
    /// # Errors
    /// Why the campaign ends.
    fn recover(&mut self, why: &str, state: &State) -> Result<(), Ended> {
        let _ = state;
        Err(Ended::Instrument(why.to_owned()))
    }

    /// Waits for a while, with the beam blanked.
    fn idle(&mut self, _wait: Wait, _state: &State, _beam: &mut dyn BeamPort) {}

    /// Blanks every beam.
    fn blank(&mut self, _beam: &mut dyn BeamPort) {}

    /// Shows what the campaign does.
    fn show(&mut self, _activity: &str) {}

    /// Whether maps are shown.
    fn shows_maps(&self) -> bool {
        false
    }

    /// Whether the scores of the next proposal would be seen.
    fn shows_scores(&self) -> bool {
        false
    }

    /// Shows the figures of every step so far, the surrogate of each response that the last one was judged by,
    /// and where it has the candidates in its plane.
    fn show_figures(
        &mut self,
        _state: &State,
        _series: &Series,
        _surrogates: &[Posterior],
        _plane: Option<Vec<[f32; 2]>>,
    ) {
    }

    /// Shows the scores of all candidates by which the last proposal was chosen.
    fn show_scores(&mut self, _state: &State, _scores: Vec<f32>) {}

    /// Logs what a person should know at once.
    fn log(&mut self, _line: &str) {}

    /// The spectrum of a point that was measured; `None` where it is not kept, or cannot be read.
    fn spectrum(&self, point: &MeasuredPoint) -> Option<Vec<f64>>;

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self, target: &Scalarizer) -> Option<Map>;

    /// Whether exploration is judged in the components of all spectra there are, whatever those learnt so far
    /// are.
    fn knows_all_components(&self) -> bool {
        false
    }

    /// Shows the true response of everything that is sought, the target first, where it is known.
    fn show_truths(&mut self, _truths: &[Option<&Map>]) {}

    /// What the target is and its units.
    fn target(&self, state: &State) -> (String, String);

    /// The same of everything that is sought, the target first.
    fn targets(&self, state: &State) -> Vec<(String, String)> {
        vec![self.target(state)]
    }

    /// What there is to discover, where it is known: for judging a campaign, never for steering one.
    fn behaviours(&self) -> &[Behaviour];

    /// Whether the controller moves its beam as soon as a point is chosen.
    fn exposes_on_proposal(&self) -> bool {
        false
    }
}
