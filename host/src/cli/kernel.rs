//! Runs a campaign with the kernel where the user wants it.

use std::time::Instant;

use beacon_kernel::link::message::{DoseLimits, Settings};
use beacon_kernel::link::{Client, Timing};
use beacon_kernel::{Candidates, Capacity, Edges, MOST_RESPONSES};

use super::progress::CampaignProgress;
use super::{Failure, OrFail as _, log};
use crate::campaign::{Campaign, CampaignError, Outcome};
use crate::controller::{
    BeamPort as _, Controller, ControllerChoice, ControllerError, Emulator, InProcess, Linked,
    Memory, Port, Recovery, firmware_image,
};
use crate::experiment::Oracle;
use crate::units::read::whole_microseconds;

/// What the beam of a board is told; the kernel in this process has none.
#[derive(Clone, Copy, Debug, clap::Args, serde::Serialize)]
pub(super) struct BeamArgs {
    /// How long the beam stays on a pixel, in µs or as in 2ms.
    #[arg(long, value_name = "TIME", value_parser = whole_microseconds::<u32>, default_value_t = Settings::DEFAULT.dwell_us, help_heading = "Beam of a controller")]
    dwell_us: u32,
    /// How long it settles there first, blanked, in µs or as in 2ms.
    #[arg(long, value_name = "TIME", value_parser = whole_microseconds::<u32>, default_value_t = Settings::DEFAULT.settle_us, help_heading = "Beam of a controller")]
    settle_us: u32,
    /// Most exposure of one pixel, in µs of beam or as in 2s.
    #[arg(long, value_name = "TIME", value_parser = whole_microseconds::<u32>, default_value_t = Settings::DEFAULT.dose.pixel_us, help_heading = "Beam of a controller")]
    pixel_dose_us: u32,
    /// Most exposure of a campaign, in µs of beam or as in 2h30m; the campaign ends there.
    #[arg(long, value_name = "TIME", value_parser = whole_microseconds::<u64>, default_value_t = Settings::DEFAULT.dose.total_us, help_heading = "Beam of a controller")]
    total_dose_us: u64,
    /// Silence after which the controller blanks the beam by itself, in ms.
    #[arg(long, value_name = "MS", default_value_t = Settings::DEFAULT.link_timeout_ms, help_heading = "Beam of a controller")]
    link_timeout_ms: u32,
}

impl Default for BeamArgs {
    fn default() -> Self {
        let settings = Settings::DEFAULT;
        Self {
            dwell_us: settings.dwell_us,
            settle_us: settings.settle_us,
            pixel_dose_us: settings.dose.pixel_us,
            total_dose_us: settings.dose.total_us,
            link_timeout_ms: settings.link_timeout_ms,
        }
    }
}

impl BeamArgs {
    fn settings(self) -> Settings {
        Settings {
            dwell_us: self.dwell_us,
            settle_us: self.settle_us,
            dose: DoseLimits {
                pixel_us: self.pixel_dose_us,
                total_us: self.total_dose_us,
            },
            link_timeout_ms: self.link_timeout_ms,
            ..Settings::DEFAULT
        }
    }
}

/// Runs a checked campaign, with the kernel in this process or on a board.
pub(super) fn run(
    campaign: Campaign,
    choice: &ControllerChoice,
    beam: BeamArgs,
    experiment: &mut dyn Oracle,
    progress: &mut CampaignProgress,
) -> Result<Outcome, Failure> {
    let candidates = campaign.candidates();
    let mut memory = memory_for(candidates, campaign.measurements())?;
    let needed = (campaign.capacity(), candidates.edges());
    let mut kernel = Kernel::new(ControllerLine::open(choice)?, &mut memory, needed)?;
    if let Kernel::Linked(controller) = &mut kernel {
        controller.configure(beam.settings()).or_input()?;
    }
    let controller = kernel.controller();
    controller.set_watch(progress.watch());
    match campaign.run(experiment, controller, progress) {
        // Nothing was measured yet.
        Err(CampaignError::Controller(ControllerError::BrokenOff)) => Err(Failure::Interrupted),
        outcome => outcome.or_running(),
    }
}

/// A kernel in this process or on a board.
#[expect(clippy::large_enum_variant, reason = "there is one for each campaign")]
pub(super) enum Kernel<'m> {
    /// In this process.
    InProcess(InProcess<'m>),
    /// On a board.
    Linked(Box<Connected<'m>>),
}

impl<'m> Kernel<'m> {
    /// The kernel at the other end of a line, or without one that in this process. A board that has
    /// not what is needed is refused.
    pub(super) fn new(
        line: Option<ControllerLine>,
        memory: &'m mut Memory,
        needed: Needed,
    ) -> Result<Self, Failure> {
        let in_process = InProcess::new(memory).or_running()?;
        let Some(line) = line else {
            return Ok(Self::InProcess(in_process));
        };
        let mut controller = line.connect(in_process)?;
        admit(&mut controller, needed)?;
        Ok(Self::Linked(Box::new(controller)))
    }

    /// The kernel as a campaign takes it.
    pub(super) fn controller(&mut self) -> &mut dyn Controller {
        match self {
            Self::InProcess(kernel) => kernel,
            Self::Linked(connected) => &mut ***connected,
        }
    }
}

/// What a live campaign needs, and memory for it with room for a budget that is raised on the way.
pub(super) fn roomy_memory_for(
    candidates: Candidates,
    budget: usize,
    targets: usize,
) -> Result<(Memory, Needed), Failure> {
    let needed = Capacity::for_candidates(candidates, budget).with_responses(targets);
    let needed = (needed, candidates.edges());
    let roomy = memory_for(candidates, (2 * budget).min(candidates.count().max(budget)));
    // Where there is no memory for more, there is some for this.
    let memory = roomy.or_else(|_| memory_for(candidates, budget))?;
    Ok((memory, needed))
}

/// Memory for a campaign over these candidates, and for as many targets as there may be. One that this
/// machine has not is refused before anything is exposed.
pub(super) fn memory_for(candidates: Candidates, points: usize) -> Result<Memory, Failure> {
    Memory::fitting_vectors(candidates, points, MOST_RESPONSES).map_err(Failure::Input)
}

/// What a campaign needs of a board: room, and what becomes of windows that reach beyond the image.
pub(super) type Needed = (Capacity, Edges);

/// Refuses a campaign that is more than the board can do, before anything is measured.
pub(super) fn admit(controller: &mut Linked<'_>, (needed, edges): Needed) -> Result<(), Failure> {
    controller.check_edges(edges).or_input()?;
    let responses = controller.check_responses(needed.responses);
    responses.map_err(|error| {
        let found = needed.responses;
        Failure::Input(format!(
            "{found} targets: {error}; expected fewer, or --controller in-process"
        ))
    })?;
    let offered: Capacity = controller.identity().capacity.into();
    for (what, needed, offered) in [
        (
            "image pixels, with those that windows reach beyond the border",
            needed.image_pixels,
            offered.image_pixels,
        ),
        (
            "pixels in a row, with those that windows reach beyond the border",
            needed.image_width,
            offered.image_width,
        ),
        ("candidates", needed.candidates, offered.candidates),
        ("pixels of a window's side", needed.window, offered.window),
    ] {
        if needed > offered {
            return Err(Failure::Input(format!(
                "the campaign has {needed} {what} and the controller room for {offered}; choose a \
                 smaller one, or --controller in-process"
            )));
        }
    }
    if needed.measurements > offered.measurements {
        log(&format!(
            "the controller has room for {} of {} points: from then on it drops those that lie nearest to \
             others, and goes on",
            offered.measurements, needed.measurements
        ));
    }
    Ok(())
}

/// An open line to a controller, with the emulator behind it if there is one.
pub(super) struct ControllerLine {
    port: Port,
    /// What it is to run at, in bits a second.
    baud: u32,
    /// Kept for as long as the line: it ends with it.
    emulator: Option<Emulator>,
}

/// A connected controller that keeps its emulator alive.
pub(super) struct Connected<'m> {
    linked: Linked<'m>,
    emulator: Option<Emulator>,
}

impl<'m> Connected<'m> {
    /// The controller, and the emulator that has to be kept as long.
    pub(super) fn into_parts(self) -> (Linked<'m>, Option<Emulator>) {
        (self.linked, self.emulator)
    }
}

impl<'m> std::ops::Deref for Connected<'m> {
    type Target = Linked<'m>;

    fn deref(&self) -> &Linked<'m> {
        &self.linked
    }
}

impl std::ops::DerefMut for Connected<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.linked
    }
}

impl ControllerLine {
    /// Opens the line of a choice; `None` for a kernel in this process.
    pub(super) fn open(choice: &ControllerChoice) -> Result<Option<Self>, Failure> {
        match choice {
            ControllerChoice::InProcess => Ok(None),
            ControllerChoice::Emulated => {
                let firmware = firmware_image().or_input()?;
                let emulator = Emulator::start(&firmware).or_input()?;
                let port = Port::open(emulator.port(), ControllerChoice::BAUD).or_input()?;
                Ok(Some(Self {
                    port,
                    baud: ControllerChoice::BAUD,
                    emulator: Some(emulator),
                }))
            }
            ControllerChoice::Serial { port, baud } => {
                // The board begins at its own rate.
                let port = Port::open(port, ControllerChoice::BAUD).or_input()?;
                let port = port.wanting(*baud);
                Ok(Some(Self {
                    port,
                    baud: *baud,
                    emulator: None,
                }))
            }
        }
    }

    /// Says hello.
    pub(super) fn connect(self, mirror: InProcess<'_>) -> Result<Connected<'_>, Failure> {
        // Two processes must not call themselves the same: the clock and the process number
        // differ between any two that could meet on one port.
        let clock = Instant::now();
        let nonce = std::process::id() ^ (std::ptr::from_ref(&clock) as usize as u32);
        let client = Client::new(self.port, Timing::default(), nonce);
        let mut linked = Linked::connect(client, Recovery::default(), mirror).or_input()?;
        let (found, wanted) = (linked.baud(), self.baud);
        if found != wanted {
            log(&format!(
                "the line to the controller stays at {found} baud: nothing arrived at {wanted}"
            ));
        }
        Ok(Connected {
            linked,
            emulator: self.emulator,
        })
    }
}
