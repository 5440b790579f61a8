//! What a board is told at length: image, model, how to reduce spectra.

use std::ops::ControlFlow;

use beacon_kernel::link::message::{
    Activation, Campaign, ModelHeader, Reduction, Refusal, Several, Standardisation,
};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Failure};
use beacon_kernel::{Edges, Network};

use super::super::serial::{Port, PortError};
use super::super::watch::{Course, OnHandOver};
use super::super::{ControllerError, Setup};

pub(super) type LinkFailure = Failure<PortError>;

/// A model as it was handed over last, to restore a board that was reset.
pub(super) struct Loaded {
    pub(super) network: Network,
    pub(super) weights: Vec<f32>,
    pub(super) header: ModelHeader,
    /// Statistics of the further responses.
    pub(super) others: Vec<Standardisation>,
    /// Points measured when it was handed over.
    pub(super) at: usize,
}

impl Loaded {
    pub(super) fn sender(&self) -> Result<Sender<'_>, Refusal> {
        let architecture = self.network.architecture();
        let payload = Payload::Weights {
            architecture: architecture.into(),
            window: self.network.window() as u16,
        };
        Sender::new(payload, Encoding::of_weights(architecture), &self.weights)
    }
}

/// Hands something large over. What is broken off goes on where it was when it is sent again.
fn send(
    client: &mut Client<Port>,
    sender: &Sender<'_>,
    activation: Activation,
    what: &'static str,
    watch: &mut OnHandOver,
) -> Result<(), ControllerError> {
    let mut course = Course::new(what);
    let sent = client.deliver_watched(sender, activation, |upload| {
        let (done, of) = upload.progress();
        watch(&course.at(done.into(), of.into()))
    })?;
    match sent {
        ControlFlow::Continue(_) => Ok(()),
        ControlFlow::Break(()) => Err(ControllerError::BrokenOff),
    }
}

pub(super) fn send_image(
    client: &mut Client<Port>,
    (campaign, edges, responses): (Campaign, Edges, usize),
    image: &[f32],
    watch: &mut OnHandOver,
) -> Result<(), ControllerError> {
    let payload = Payload::Image {
        height: campaign.height,
        width: campaign.width,
    };
    let sender = Sender::new(payload, Encoding::F32, image).map_err(Failure::Refused)?;
    // The board was asked for its room, which is less than this.
    client.announce_vectors(campaign, edges.into(), responses as u8)?;
    let what = "handing the image over";
    send(client, &sender, Activation::Image, what, watch)
}

pub(super) fn send_model(
    client: &mut Client<Port>,
    model: &Loaded,
    watch: &mut OnHandOver,
) -> Result<(), ControllerError> {
    let sender = model.sender().map_err(Failure::Refused)?;
    let header = model.header;
    let activation = match Several::new(&model.others) {
        Some(others) => Activation::ModelOfVectors { header, others },
        None => Activation::Model(header),
    };
    send(client, &sender, activation, "handing the model over", watch)
}

pub(super) fn send_reduction(
    client: &mut Client<Port>,
    reductions: &[(Scalarizer, f64)],
) -> Result<(), LinkFailure> {
    let [(scalarizer, origin)] = *reductions else {
        let all: Vec<Reduction> = reductions
            .iter()
            .map(|&(scalarizer, origin)| Reduction { scalarizer, origin })
            .collect();
        // None are no news.
        return Several::new(&all).map_or(Ok(()), |all| client.reduce_with(all));
    };
    // First what an older firmware refuses, so that it is not left half told.
    client.set_origin(origin)?;
    client.scalarize(scalarizer)
}

/// Recognises a campaign: the same seed, image and number of responses give the same number.
pub(super) fn campaign_id(setup: &Setup<'_>, responses: usize) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |word: u64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    mix(setup.seed);
    if setup.revision > 0 {
        mix(u64::from(setup.revision));
    }
    mix(setup.candidates.window() as u64);
    // Boards tell campaigns apart by their number alone.
    if setup.candidates.edges() == Edges::Reflect {
        mix(u64::MAX);
    }
    if responses > 1 {
        mix(u64::MAX - responses as u64);
    }
    for pixel in setup.pixels {
        mix(u64::from(pixel.to_bits()));
    }
    (hash ^ (hash >> 32)) as u32
}
