//! What a board is told at length: image, model, how to reduce spectra.

use std::ops::ControlFlow;

use beacon_kernel::link::message::{Activation, Campaign, ModelHeader, Refusal};
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
    (campaign, edges): (Campaign, Edges),
    image: &[f32],
    watch: &mut OnHandOver,
) -> Result<(), ControllerError> {
    let payload = Payload::Image {
        height: campaign.height,
        width: campaign.width,
    };
    let sender = Sender::new(payload, Encoding::F32, image).map_err(Failure::Refused)?;
    client.announce(campaign, edges.into())?;
    let what = "handing the image over";
    send(client, &sender, Activation::Image, what, watch)
}

pub(super) fn send_model(
    client: &mut Client<Port>,
    model: &Loaded,
    watch: &mut OnHandOver,
) -> Result<(), ControllerError> {
    let sender = model.sender().map_err(Failure::Refused)?;
    let activation = Activation::Model(model.header);
    send(client, &sender, activation, "handing the model over", watch)
}

pub(super) fn send_reduction(
    client: &mut Client<Port>,
    (scalarizer, origin): (Scalarizer, f64),
) -> Result<(), LinkFailure> {
    // First what an older firmware refuses, so that it is not left half told.
    client.set_origin(origin)?;
    client.scalarize(scalarizer)
}

/// Recognises a campaign: the same seed and image give the same number.
pub(super) fn campaign_id(setup: &Setup<'_>) -> u32 {
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
    for pixel in setup.pixels {
        mix(u64::from(pixel.to_bits()));
    }
    (hash ^ (hash >> 32)) as u32
}
