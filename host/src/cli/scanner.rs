//! A board that is controller and instrument at once: `--microscope controller:WHERE`.

use beacon_generator::Detector;

use super::kernel::{self, ControllerLine};
use super::{Failure, OrFail as _};
use crate::campaign::LiveConfig;
use crate::controller::{ControllerChoice, Emulator, InProcess, Memory, SharedBoard};
use crate::microscope::{MicroscopeChoice, ScannerMicroscope};
use crate::specimen::{Specimen, SpecimenChoice, SpecimenKind};

/// A connected board, with the emulator behind it if there is one.
pub(super) struct Scanner<'m> {
    pub(super) board: SharedBoard<'m>,
    /// Kept for as long as the board: it ends with it.
    _emulator: Option<Emulator>,
}

/// Makes the board of the instrument the controller.
///
/// # Errors
/// When another controller is asked for.
pub(super) fn settle(config: &mut LiveConfig) -> Result<(), Failure> {
    let MicroscopeChoice::Controller(board) = &config.microscope else {
        return Ok(());
    };
    match &config.controller {
        ControllerChoice::InProcess => config.controller = board.clone(),
        controller if controller == board => {}
        other => {
            return Err(Failure::Input(format!(
                "--controller is {other}; expected none beside `--microscope {}`: the board moves \
                 the beam as well",
                config.microscope
            )));
        }
    }
    Ok(())
}

/// Connects to the board of a campaign whose instrument it is; `None` where it is another one.
/// `memory` is made for its mirror.
///
/// # Errors
/// When the board is not there, or has not what the campaign needs.
pub(super) fn connect<'m>(
    config: &LiveConfig,
    memory: &'m mut Option<Memory>,
) -> Result<Option<Scanner<'m>>, Failure> {
    let MicroscopeChoice::Controller(choice) = &config.microscope else {
        return Ok(None);
    };
    let scan = config.instrument.scan;
    let campaign = &config.campaign;
    let candidates = campaign.candidates(scan.rows.into(), scan.columns.into());
    let candidates = candidates.or_input()?;
    // A budget that is too large is refused later, in better words.
    let budget = config.budget.min(candidates.count());
    let targets = config.target.len().max(1);
    let (made, needed) = kernel::roomy_memory_for(candidates, budget, targets)?;
    let mirror = InProcess::new(memory.insert(made)).or_running()?;
    let Some(line) = ControllerLine::open(choice)? else {
        return Ok(None);
    };
    let (mut linked, emulator) = line.connect(mirror)?.into_parts();
    kernel::admit(&mut linked, needed)?;
    linked.check_scanner().or_input()?;
    if let Some(emulator) = &emulator {
        let choice = SpecimenChoice {
            kind: SpecimenKind::default(),
            seed: SpecimenChoice::SEED,
            joint: false,
        };
        let specimen = choice.config().make().or_input()?;
        emulator.generator().set_detector(detector(&*specimen));
    }
    Ok(Some(Scanner {
        board: SharedBoard::new(linked),
        _emulator: emulator,
    }))
}

impl<'m> Scanner<'m> {
    /// The instrument.
    pub(super) fn microscope(&self, config: &LiveConfig) -> ScannerMicroscope<'m> {
        let width = config.instrument.scan.field_width;
        ScannerMicroscope::new(self.board.clone(), config.raster(), width)
    }
}

/// A detector that sees the image of a specimen, spread over most of the converter's range.
fn detector(specimen: &dyn Specimen) -> Detector {
    let (height, width) = (specimen.image().height(), specimen.image().width());
    let values = specimen.expected_image().to_vec();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = 0.9 * f64::from(Detector::LARGEST) / (most - least).max(f64::MIN_POSITIVE);
    let codes = usize::from(Detector::LARGEST) + 1;
    Detector::new(move |x, y| {
        let (row, column) = (
            usize::from(y) * height / codes,
            usize::from(x) * width / codes,
        );
        let value = values.get(row * width + column).copied().unwrap_or(least);
        ((value - least) * scale) as u16
    })
}
