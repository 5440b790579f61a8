//! A board that is a campaign's controller and its instrument at once.

use std::cell::{RefCell, RefMut};
use std::ops::{ControlFlow, Range};
use std::rc::Rc;

use beacon_kernel::link::message::{Settings, Signals};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{
    Acquisition, Candidate, Model, Network, Prediction, Proposal, Responses, Surrogate,
};

use super::{
    BeamPort, BoardClock, Controller, ControllerError, HandOver, LinkReport, Linked, OnHandOver,
    Setup,
};

/// A linked board that several share; clones are the same board. One call at a time: none of them
/// is made from within another.
#[derive(Clone)]
pub struct SharedBoard<'m> {
    linked: Rc<RefCell<Linked<'m>>>,
}

impl<'m> SharedBoard<'m> {
    /// Shares a board.
    pub fn new(linked: Linked<'m>) -> Self {
        Self {
            linked: Rc::new(RefCell::new(linked)),
        }
    }

    /// The board, for one call.
    pub(crate) fn board(&self) -> RefMut<'_, Linked<'m>> {
        self.linked.borrow_mut()
    }
}

impl BeamPort for SharedBoard<'_> {
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        self.board().expose(candidate)
    }

    fn finish(&mut self) -> Result<(), ControllerError> {
        self.board().finish()
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        self.board().blank()
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        self.board().configure(settings)
    }

    fn use_signals(&mut self, signals: Signals) -> Result<(), ControllerError> {
        self.board().use_signals(signals)
    }

    fn settings(&self) -> Option<Settings> {
        self.board().settings()
    }

    fn resets(&self) -> u32 {
        self.board().resets()
    }

    fn clock(&self) -> Option<BoardClock> {
        self.board().clock()
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        self.board().dose_us()
    }
}

impl Controller for SharedBoard<'_> {
    fn set_silent(&mut self, silent: bool) -> Result<(), ControllerError> {
        self.board().set_silent(silent)
    }

    fn set_watch(&mut self, watch: OnHandOver) {
        self.board().set_watch(watch);
    }

    fn attend(&mut self, handover: &HandOver) -> ControlFlow<()> {
        self.board().attend(handover)
    }

    fn room(&self) -> usize {
        self.board().room()
    }

    fn admit(&self, network: Network) -> Result<(), ControllerError> {
        self.board().admit(network)
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.board().begin(setup)
    }

    fn begin_with(&mut self, setup: &Setup<'_>, responses: usize) -> Result<(), ControllerError> {
        self.board().begin_with(setup, responses)
    }

    fn room_for_responses(&self) -> usize {
        self.board().room_for_responses()
    }

    fn predict_of(
        &mut self,
        candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, ControllerError> {
        self.board().predict_of(candidate, response)
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.board().choose(acquisition)
    }

    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError> {
        self.board().load_model(model, version)
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        self.board().measure(candidate, response)
    }

    fn measure_all(
        &mut self,
        candidate: Candidate,
        responses: &[f32],
    ) -> Result<(), ControllerError> {
        self.board().measure_all(candidate, responses)
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        self.board().reduce_with(scalarizer, origin)
    }

    fn reduce_with_all(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        self.board().reduce_with_all(reductions)
    }

    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError> {
        self.board().measure_spectrum_all(candidate, spectrum)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        self.board().exclude(rows, columns)
    }

    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError> {
        self.board().propose(expose)
    }

    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError> {
        self.board().look_at_surrogate(look)
    }

    fn keep_scores(&mut self, keep: bool) {
        self.board().keep_scores(keep);
    }

    fn take_scores(&mut self) -> Option<Vec<f32>> {
        self.board().take_scores()
    }

    fn structure(&self) -> Option<(usize, Vec<f32>)> {
        self.board().structure()
    }

    fn recall_structure(&mut self, known: usize, distances: &[f32]) {
        self.board().recall_structure(known, distances);
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        self.board().end()
    }

    fn link(&mut self) -> Option<LinkReport> {
        self.board().link()
    }
}
