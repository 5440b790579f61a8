//! Runs a campaign with the kernel where the user wants it.

use std::path::Path;
use std::time::Instant;

use beacon_kernel::Capacity;
use beacon_kernel::link::{Client, Timing};

use super::Failure;
use super::progress::Progress;
use crate::campaign::{Campaign, Outcome};
use crate::controller::{
    ControllerChoice, Emulator, InProcess, Linked, Memory, Port, Recovery, firmware_image,
};
use crate::microscope::Microscope;

/// Runs a checked campaign on a microscope, with the kernel in this process or on a board.
pub(super) fn run(
    campaign: Campaign,
    choice: &ControllerChoice,
    microscope: &mut dyn Microscope,
    mut progress: Progress,
) -> Result<Outcome, Failure> {
    let candidates = campaign.candidates();
    let capacity = Capacity::for_campaign(
        candidates.height(),
        candidates.width(),
        candidates.window(),
        campaign.measurements(),
    );
    let mut memory = Memory::new(capacity);
    let in_process = InProcess::new(&mut memory).map_err(|e| Failure::running(&e))?;
    let outcome = match Line::open(choice, None)? {
        None => {
            let mut controller = in_process;
            campaign.run(microscope, &mut controller, &mut progress)
        }
        Some(line) => {
            let mut controller = line.connect(in_process)?;
            admit(&controller, capacity)?;
            campaign.run(microscope, &mut *controller, &mut progress)
        }
    };
    outcome.map_err(|e| Failure::running(&e))
}

/// Refuses a campaign that is larger than the board, before anything is measured.
pub(super) fn admit(controller: &Linked<'_>, needed: Capacity) -> Result<(), Failure> {
    let offered: Capacity = controller.identity().capacity.into();
    for (what, needed, offered) in [
        ("image pixels", needed.image_pixels, offered.image_pixels),
        ("pixels in a row", needed.image_width, offered.image_width),
        ("candidates", needed.candidates, offered.candidates),
        (
            "measurements, seeds included",
            needed.measurements,
            offered.measurements,
        ),
        ("pixels of a window's side", needed.window, offered.window),
    ] {
        if needed > offered {
            return Err(Failure::Input(format!(
                "the campaign has {needed} {what} and the controller room for {offered}; choose a \
                 smaller one, or --controller in-process"
            )));
        }
    }
    Ok(())
}

/// An open line to a controller, with the emulator behind it if there is one.
pub(super) struct Line {
    port: Port,
    /// Kept for as long as the line: it ends with it.
    emulator: Option<Emulator>,
}

/// A connected controller that keeps its emulator alive.
pub(super) struct Connected<'m> {
    linked: Linked<'m>,
    _emulator: Option<Emulator>,
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

impl Line {
    /// Opens the line of a choice; `None` for a kernel in this process. The emulated board
    /// logs its beam commands to `beam_log`.
    pub(super) fn open(
        choice: &ControllerChoice,
        beam_log: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        match choice {
            ControllerChoice::InProcess => Ok(None),
            ControllerChoice::Emulated => {
                let firmware = firmware_image().map_err(|e| Failure::input(&e))?;
                let emulator =
                    Emulator::start(&firmware, beam_log).map_err(|e| Failure::input(&e))?;
                let port = Port::open(emulator.port(), ControllerChoice::BAUD)
                    .map_err(|e| Failure::input(&e))?;
                Ok(Some(Self {
                    port,
                    emulator: Some(emulator),
                }))
            }
            ControllerChoice::Serial { port, baud } => {
                let port = Port::open(port, *baud).map_err(|e| Failure::input(&e))?;
                Ok(Some(Self {
                    port,
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
        let linked =
            Linked::connect(client, Recovery::default(), mirror).map_err(|e| Failure::input(&e))?;
        Ok(Connected {
            linked,
            _emulator: self.emulator,
        })
    }
}
