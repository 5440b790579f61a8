//! Whole decisions: the controller of the deployed image, spoken to by the host's own client.

use beacon_kernel::link::message::{
    self, Activation, DoseLimits, Followed, Health, ModelHeader, Next, Refusal, Request, Several,
};
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{
    Board, Client, Controller, Exposure, Failure, Limits, Memory, Timing, Transport, frame,
};
use beacon_kernel::{
    Acquisition, Candidate, Capacity, Hyperparameters, MOST_RESPONSES, Network, Standardisation,
    Strategy,
};

use crate::scene::{Scene, Trained};
use crate::{Lent, STRUCTURES, Shape, Table, macs, table, workload};

/// Answers that may wait for the client: one that says busy, and the one that matters.
const ANSWERS: usize = 2 * frame::MAX_FRAME;
/// What the host calls its campaigns here.
const ID: u32 = 1;
/// As in the deployed image; the dose of these campaigns is far below.
const LIMITS: Limits = Limits {
    dose: DoseLimits {
        pixel_us: 60_000_000,
        total_us: 86_400_000_000,
    },
    work_ms: 1_000,
};

/// A board whose beam command ends the count.
struct CountingBoard {
    table: Table,
    /// What was counted from the last byte to the last beam command, if the counter holds it.
    decided: Option<u32>,
    answers: heapless::Deque<u8, ANSWERS>,
}

impl Board for CountingBoard {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn build(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn clock_hz(&self) -> u32 {
        0
    }

    fn expose(&mut self, _: Exposure) {
        self.decided = self.table.read();
    }

    /// No exposure lasts until its response is there.
    fn exposing(&mut self) -> bool {
        false
    }

    fn blank(&mut self) {}

    fn send(&mut self, frame: &[u8]) {
        for byte in frame {
            self.answers.push_back(*byte).expect("room for the answers");
        }
    }

    fn health(&mut self) -> Health {
        Health::default()
    }

    fn last_panic(&self) -> &[u8] {
        &[]
    }

    fn clear_panic(&mut self) {}
}

/// A serial line without length, with the controller and its board at the other end.
struct InMemory {
    controller: Controller<'static>,
    board: CountingBoard,
    now_ms: u64,
    /// The longest slice of work, and what was counted from the last one to an answer that waited for it.
    slice: u32,
    answered: Option<u32>,
}

impl InMemory {
    /// A turn of the main loop while no byte waits.
    fn turn(&mut self) -> bool {
        self.board.table.restart();
        let more = self.controller.idle();
        let count = self.board.table.read().expect("a slice is short");
        self.slice = self.slice.max(count);
        self.board.table.restart();
        self.controller.poll(self.now_ms, &mut self.board);
        self.answered = self.board.table.read();
        more
    }
}

impl Transport for InMemory {
    type Error = core::convert::Infallible;

    fn send(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            self.board.table.restart();
            if self.controller.receive(*byte) {
                self.controller.poll(self.now_ms, &mut self.board);
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], _: u32) -> Result<usize, Self::Error> {
        if self.board.answers.is_empty() {
            // An answer that never comes must run into the client's patience.
            self.now_ms += 1;
            self.turn();
        }
        let mut count = 0;
        for (slot, byte) in buffer
            .iter_mut()
            .zip(core::iter::from_fn(|| self.board.answers.pop_front()))
        {
            *slot = byte;
            count += 1;
        }
        Ok(count)
    }

    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }
}

/// A controller in the middle of a campaign, and the host that drives it.
pub struct LinkedCampaign {
    client: Client<InMemory>,
    capacity: Capacity,
    network: Network,
    image: &'static [f32],
    weights: &'static [f32],
    /// The fixed filters, and their weights.
    filters: (Network, &'static [f32]),
    models: u32,
    /// Lengthscales that the latents span.
    span: f32,
    /// What takes the place of the workload, with a model that was trained there.
    scene: Option<(&'static Scene, Trained)>,
    /// Those of the last model.
    hyperparameters: Hyperparameters,
    /// Responses of a place.
    responses: usize,
}

impl LinkedCampaign {
    /// A connected host, and a controller with room for its image.
    pub fn new(lent: Lent, memory: Memory<'static>, table: Table) -> Self {
        let capacity = lent.capacity;
        let network = Network::for_window(capacity.window).expect("a window of a network");
        let (explorer, image, weights) = lent.explorer();
        workload::image(capacity.image_width, image);
        let (weights, filters) = weights.split_at_mut(network.weight_count());
        workload::weights(network, weights);
        let controller = Controller::new(explorer, memory, LIMITS).expect("enough memory");
        let board = CountingBoard {
            table,
            decided: None,
            answers: heapless::Deque::new(),
        };
        let line = InMemory {
            controller,
            board,
            now_ms: 0,
            slice: 0,
            answered: None,
        };
        let mut client = Client::new(line, Timing::default(), 1);
        client.connect().expect("hello");
        Self {
            client,
            capacity,
            network,
            image,
            weights,
            filters: workload::filters(capacity.window, filters),
            models: 0,
            span: workload::SPAN,
            scene: None,
            hyperparameters: workload::UNIT,
            responses: 1,
        }
    }

    /// From the next decision on a place has so many responses.
    pub fn with_responses(&mut self, responses: usize) {
        self.responses = responses;
    }

    /// From the next decision on the model is that of the fixed filters.
    pub fn with_filters(&mut self) {
        (self.network, self.weights) = self.filters;
    }

    /// From the next decision on the latent plane is as wide as it can be.
    pub fn with_a_wide_plane(&mut self) {
        self.span = workload::WIDE;
    }

    /// From the next decision on the image, the responses and the model of the filters are those of a scene, as
    /// they were with so many points.
    pub(crate) fn with_scene(&mut self, scene: &'static Scene, points: usize) {
        let trained = scene.model(points);
        (self.image, self.weights) = (scene.image(), trained.weights);
        self.scene = Some((scene, trained));
    }

    /// Prints the row of a decision with so many points measured, from the last byte of the last
    /// one's measurement to the beam command that follows from it.
    ///
    /// As in a campaign, the host sent new weights one measurement before, the controller made a
    /// decision with them then, and while the beam dwelt there it worked ahead.
    pub fn decision(
        &mut self,
        kernel: &str,
        strategy: Strategy,
        measurements: usize,
        macs: fn(Shape) -> u64,
    ) {
        self.decide(kernel, strategy, measurements, macs, true);
    }

    /// The same where the response is there as soon as the beam is, so that nothing was worked ahead.
    pub fn decision_without_dwell(
        &mut self,
        kernel: &str,
        strategy: Strategy,
        measurements: usize,
        macs: fn(Shape) -> u64,
    ) {
        self.decide(kernel, strategy, measurements, macs, false);
    }

    fn decide(
        &mut self,
        kernel: &str,
        strategy: Strategy,
        measurements: usize,
        macs: fn(Shape) -> u64,
        dwell: bool,
    ) {
        let shape = Shape::of(self.capacity, measurements);
        self.begin(strategy);
        self.send_model(workload::UNIT);
        let explorer = self.client.transport_mut().controller.explorer();
        let latents = explorer.latents().unwrap_or_default();
        let hyperparameters = match &self.scene {
            Some((_, trained)) => trained.hyperparameters,
            None => workload::hyperparameters(latents, self.span),
        };
        for n in 0..measurements - 1 {
            if n == STRUCTURES {
                self.client.propose(true).expect("a proposal");
            }
            let candidate = match self.scene {
                Some(_) => Scene::candidate(n),
                None => workload::candidate(n, shape.candidates.count()),
            };
            self.measure(candidate, Next::Nothing);
        }
        let line = self.client.transport_mut();
        line.controller.explorer_mut().skip_distances();
        self.send_model(hyperparameters);
        let proposed = self.client.propose(true).expect("a proposal");
        if dwell {
            self.dwell();
        }
        self.measure(Candidate(proposed.proposal.candidate), Next::Expose);
        let count = self.client.transport_mut().board.decided.take();
        table::print(kernel, shape, macs, count.expect("a beam command"));
    }

    /// Prints the row of the longest piece of work that the last decision could have had to wait
    /// for, because the controller was ahead with it when the last byte came.
    pub fn slice(&mut self, kernel: &str, measurements: usize) {
        let shape = Shape::of(self.capacity, measurements);
        let slice = self.client.transport_mut().slice;
        table::print(kernel, shape, macs::slice, slice);
    }

    /// Hands new weights over after the last decision, and prints the row of what cannot be interrupted: from the
    /// end of their evaluation, which is done in slices, to the answer.
    pub fn commit(&mut self, kernel: &str, measurements: usize) {
        let shape = Shape::of(self.capacity, measurements);
        let line = self.client.transport_mut();
        (line.slice, line.answered) = (0, None);
        self.send_model(self.hyperparameters);
        let count = self.client.transport_mut().answered.take();
        table::print(kernel, shape, macs::refactor, count.expect("an answer"));
    }

    /// Prints the row of the longest piece of that evaluation.
    pub fn evaluation_slice(&mut self, kernel: &str, measurements: usize) {
        let shape = Shape::of(self.capacity, measurements);
        let slice = self.client.transport_mut().slice;
        table::print(kernel, shape, macs::row_of_features, slice);
    }

    /// What the controller does while it waits for a response.
    fn dwell(&mut self) {
        let line = self.client.transport_mut();
        line.slice = 0;
        while line.turn() {}
    }

    /// Ends the campaign before, if there was one, and begins another with the same image.
    fn begin(&mut self, strategy: Strategy) {
        let end = Request::End { campaign: ID };
        match self.client.request(&end, &[]) {
            Ok(_) | Err(Failure::Refused(Refusal::NoCampaign)) => {}
            Err(failure) => panic!("no end: {failure}"),
        }
        let side = self.capacity.image_width as u16;
        let campaign = message::Campaign {
            id: ID,
            seed: 1,
            height: side,
            width: side,
            window: self.capacity.window as u16,
        };
        let payload = Payload::Image {
            height: side,
            width: side,
        };
        let image = Sender::new(payload, Encoding::F32, self.image).expect("an image");
        let (edges, responses) = (message::Edges::Inside, self.responses as u8);
        let announced = self.client.announce_vectors(campaign, edges, responses);
        announced.expect("a campaign");
        let sent = self.client.deliver(&image, Activation::Image);
        sent.expect("an image");
        let acquisition = Acquisition::new(strategy);
        self.client.choose(acquisition.into()).expect("a strategy");
    }

    fn send_model(&mut self, hyperparameters: Hyperparameters) {
        self.models += 1;
        self.hyperparameters = hyperparameters;
        let architecture = self.network.architecture();
        let payload = Payload::Weights {
            architecture: architecture.into(),
            window: self.network.window() as u16,
        };
        let encoding = Encoding::of_weights(architecture);
        let weights = Sender::new(payload, encoding, self.weights).expect("weights");
        let header = ModelHeader {
            version: self.models,
            hyperparameters: hyperparameters.into(),
            standardisation: match &self.scene {
                Some((_, trained)) => trained.standardisation.into(),
                None => Standardisation::IDENTITY.into(),
            },
        };
        let others = [Standardisation::IDENTITY.into(); MOST_RESPONSES];
        let others = others.get(1..self.responses).unwrap_or_default();
        let activation = match Several::new(others) {
            Some(others) => Activation::ModelOfVectors { header, others },
            None => Activation::Model(header),
        };
        let sent = self.client.deliver(&weights, activation);
        sent.expect("a model");
    }

    fn measure(&mut self, candidate: Candidate, next: Next) {
        // The further ones are those of other places.
        let responses: [f32; MOST_RESPONSES] = core::array::from_fn(|r| {
            let count = self.capacity.candidates as u32;
            let other = (candidate.0 + 997 * r as u32) % count;
            match &self.scene {
                Some((scene, _)) => scene.response(Candidate(other)),
                None => workload::response(Candidate(other)),
            }
        });
        let responses = responses.get(..self.responses).unwrap_or_default();
        let board = &mut self.client.transport_mut().board;
        board.decided = None;
        let measured = self
            .client
            .measure_all(candidate.0, responses, next)
            .expect("a measurement");
        if let Followed::Refused(refusal) = measured.next {
            panic!("no decision followed: {refusal}");
        }
    }
}
