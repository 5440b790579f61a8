//! What a person is told of a campaign when it has ended.

use std::fmt::Write as _;
use std::path::Path;

use super::super::replay::describe;
use crate::campaign::{Ended, Outcome, pixel_area};
use crate::experiment::Experiment as _;
use crate::live::{LiveSummary, Session};
use crate::units::{ElectronsPerSquareAngstrom, Seconds};

/// A campaign in a few lines.
pub(super) fn report(
    outcome: &Outcome,
    summary: &LiveSummary,
    session: &Session<'_>,
    folder: &Path,
) -> String {
    let mut text = describe(outcome);
    let dose = summary.dose_electrons;
    let image = session.image();
    let area = pixel_area(&image.rows, &image.columns);
    let pixels = image.values.len() as f64;
    if dose > 0.0 {
        let density = area.map(|area| {
            let most = session.state().ledger().on_worst_pixel();
            let most = most.map_or(0.0, ElectronsPerSquareAngstrom::get);
            let mean = dose / (area.get() * pixels);
            format!(", {mean:.3e} e/Å² on average and {most:.3e} on the pixel that took most")
        });
        let density = density.unwrap_or_default();
        // A string takes any text.
        let _ = writeln!(text, "  dose {dose:.4e} electrons{density}");
    }
    if let Some(line) = summary.dead_time.line() {
        let _ = writeln!(text, "  {line}");
    }
    let (down, right) = summary.drift;
    if (down, right) != (0.0, 0.0) {
        let _ = writeln!(
            text,
            "  the sample drifted {down:.2} px down and {right:.2} px to the right"
        );
    }
    text + &format!("results in {}\n", folder.display())
}

/// Where the beam is.
pub(super) fn beam(session: &Session<'_>) -> &'static str {
    if session.is_blanked() {
        "the beam is blanked"
    } else {
        "the beam COULD NOT BE BLANKED: look after it"
    }
}

/// Where the beam is, and how a campaign goes on that ended so.
pub(super) fn hint(session: &Session<'_>, ended: Option<&Ended>, folder: &Path) -> String {
    let beam = beam(session);
    let state = session.state();
    if matches!(ended, Some(Ended::Exhausted)) {
        return format!("{beam} and the journal complete: there is nothing left to go on with");
    }
    let elapsed = Seconds::from(session.elapsed());
    let option = ended.and_then(|ended| state.option_to_go_on(ended, elapsed));
    let option = option.map_or_else(String::new, |option| format!(" {option}"));
    format!(
        "{beam} and the journal complete: go on with `beacon resume {}{option}`",
        folder.display()
    )
}
