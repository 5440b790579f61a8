//! What a campaign needs of its kernel, and whether it is there.

use beacon_kernel::Candidates;

use crate::campaign::LiveConfig;
use crate::cli::{Failure, OrFail as _, kernel};
use crate::controller::{Controller, ControllerChoice};
use crate::live::Session;

/// Refuses lines to a detector that a kernel in this process has not.
pub(super) fn check_lines(config: &LiveConfig) -> Result<(), Failure> {
    if config.controller == ControllerChoice::InProcess
        && (config.ready_timeout.is_some() || config.gate)
    {
        return Err(Failure::Input(
            "the kernel in this process has no lines to a detector; expected --ready-timeout and \
             --gate beside --controller serial:PORT"
                .to_owned(),
        ));
    }
    Ok(())
}

/// What a campaign needs of its kernel.
pub(super) struct Needs {
    controller: ControllerChoice,
    budget: usize,
    /// Where the size of the image is known before the first overview.
    candidates: Option<Candidates>,
    /// How many responses are sought together.
    targets: usize,
}

impl Needs {
    pub(super) fn of(config: &LiveConfig, size: Option<(usize, usize)>) -> Self {
        let budget = config.budget;
        let candidates =
            size.and_then(|(height, width)| config.campaign.candidates(height, width).ok());
        Self {
            controller: config.controller.clone(),
            budget,
            targets: config.target.len().max(1),
            // A budget that is too large is refused with the settings, in better words.
            candidates: candidates.filter(|candidates| budget <= candidates.count()),
        }
    }
}

/// Begins or resumes a session and runs it, with the kernel in this process or at the end of a line. Line
/// and memory come first where the size of the image is known: without them nothing is exposed.
pub(super) fn with_kernel<'a>(
    needs: &Needs,
    start: impl FnOnce() -> Result<Session<'a>, Failure>,
    go: impl FnOnce(Session<'a>, &mut dyn Controller) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let line = kernel::ControllerLine::open(&needs.controller)?;
    let Some(candidates) = needs.candidates else {
        let session = start()?;
        let candidates = session.candidates().or_input()?;
        let (mut memory, needed) =
            kernel::roomy_memory_for(candidates, needs.budget, needs.targets)?;
        let mut kernel = kernel::Kernel::new(line, &mut memory, needed)?;
        return go(session, kernel.controller());
    };
    let (mut memory, needed) = kernel::roomy_memory_for(candidates, needs.budget, needs.targets)?;
    let mut kernel = kernel::Kernel::new(line, &mut memory, needed)?;
    go(start()?, kernel.controller())
}
