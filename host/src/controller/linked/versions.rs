//! What the firmware of an older protocol version lacks, said before anything is sent.

use beacon_kernel::link::message::{Identity, Payload, Refusal, Signals};
use beacon_kernel::link::{Client, Failure, PROTOCOL_CURRENT};
use beacon_kernel::{Edges, Network};

use super::super::serial::Port;
use super::super::{ControllerError, no_room_for};
use super::{Linked, rate};

/// The first version with campaigns of [`Edges::Reflect`].
const REFLECTION: u8 = 2;
/// The first version with exposures of no campaign, and the beam moved without one.
const BENCH: u8 = 2;
/// The first version with lines to a detector.
const SIGNALS: u8 = 2;
/// The first version with several responses of a place.
const VECTORS: u8 = 2;
/// The first version with overviews and readings of a board's own.
const SCANNER: u8 = 2;

impl Linked<'_> {
    /// Whether the board can run a campaign with these edges.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`].
    pub fn check_edges(&self, edges: Edges) -> Result<(), ControllerError> {
        match edges {
            Edges::Inside => Ok(()),
            Edges::Reflect => self.speaks(
                REFLECTION,
                "candidates whose windows reach beyond the image",
                "leave them out with `--edges inside`",
            ),
        }
    }

    /// Whether the board can run a campaign of so many responses of a place.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`], and the kernel's [`Capacity`](beacon_kernel::Error::Capacity).
    pub fn check_responses(&self, responses: usize) -> Result<(), ControllerError> {
        if responses > 1 {
            let (lacks, instead) = ("several responses of a place", "choose one");
            self.speaks(VECTORS, lacks, instead)?;
        }
        if responses > self.most_responses {
            return Err(no_room_for(responses, self.most_responses));
        }
        Ok(())
    }

    /// Whether the board has this network.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`].
    pub(super) fn check_network(&self, network: Network) -> Result<(), ControllerError> {
        let weights = Payload::Weights {
            architecture: network.architecture().into(),
            window: network.window() as u16,
        };
        self.speaks(
            weights.since(),
            "models of filters",
            "choose `--surrogate cnn`",
        )
    }

    /// Whether the board moves and exposes without a campaign.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`].
    pub fn check_bench(&self) -> Result<(), ControllerError> {
        self.speaks(
            BENCH,
            "beam on the bench, without a campaign",
            "try it out with `beacon controller selftest`",
        )
    }

    /// Whether the board takes overviews and reads a detector; one of the right version may still have
    /// none.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`].
    pub fn check_scanner(&self) -> Result<(), ControllerError> {
        self.speaks(
            SCANNER,
            "overviews of its own",
            "choose another `--microscope`",
        )
    }

    /// Whether the board has the lines to a detector; one of the right version may still refuse them.
    ///
    /// # Errors
    /// [`ControllerError::TooOld`].
    pub(super) fn check_signals(&self, signals: Signals) -> Result<(), ControllerError> {
        if signals == Signals::default() {
            return Ok(());
        }
        self.speaks(
            SIGNALS,
            "ready input and gate output",
            "leave `--ready-timeout` and `--gate` out",
        )
    }

    fn speaks(
        &self,
        since: u8,
        lacks: &'static str,
        instead: &'static str,
    ) -> Result<(), ControllerError> {
        speaks(self.identity(), since, lacks, instead)
    }
}

/// Responses of a place that a board has room for, which its identity does not tell.
///
/// # Errors
/// When it does not answer.
pub(super) fn most_responses(client: &mut Client<Port>) -> Result<usize, ControllerError> {
    match client.vectors() {
        Ok(vectors) => Ok(vectors.most.into()),
        Err(Failure::Missing { .. }) => Ok(1),
        // One of the same protocol, built before it had this request: it does not count what it cannot
        // read, so that the next request would be out of sequence.
        Err(Failure::Refused(Refusal::Undecodable)) => {
            rate::greet(client)?;
            Ok(1)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a board speaks a protocol version.
///
/// # Errors
/// [`ControllerError::TooOld`].
pub(super) fn speaks(
    identity: &Identity,
    since: u8,
    lacks: &'static str,
    instead: &'static str,
) -> Result<(), ControllerError> {
    let version = identity.protocol_current.min(PROTOCOL_CURRENT);
    if version >= since {
        return Ok(());
    }
    Err(ControllerError::TooOld {
        version,
        since,
        lacks,
        instead,
    })
}
