//! Progress of campaigns: a bar on a terminal, plain lines otherwise.

use std::io::IsTerminal as _;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::campaign::{Observer, Series};

/// Steps between two plain lines.
const EVERY: usize = 25;

/// Where the progress of several campaigns is shown together.
pub(super) struct Display {
    bars: Option<MultiProgress>,
    quiet: bool,
}

impl Display {
    /// A display on standard error; `quiet` keeps it to terminals.
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bars: terminal.then(MultiProgress::new),
            quiet,
        }
    }

    /// The progress of one campaign of `steps` steps.
    pub(super) fn campaign(&self, name: &str, steps: usize) -> Progress {
        let bar = self.bars.as_ref().map(|bars| {
            let template = "{prefix:>12} [{bar:36}] step {pos}/{len}  {msg}";
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars.add(ProgressBar::new(steps as u64).with_style(style));
            bar.set_prefix(name.to_owned());
            bar.set_message("training on the seeds");
            bar
        });
        Progress {
            name: name.to_owned(),
            bar,
            quiet: self.quiet,
        }
    }
}

/// The progress of one campaign.
pub(super) struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Observer for Progress {
    fn step(&mut self, step: usize, of: usize, series: &Series) {
        let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
        let figures = format!(
            "target coverage {:.3}, {:.0} ms per step",
            last(&series.target_coverage),
            1e3 * recent_mean(&series.seconds)
        );
        match &self.bar {
            Some(bar) => {
                bar.set_message(figures);
                bar.set_position(step as u64);
                if step == of {
                    bar.finish();
                }
            }
            None if !self.quiet && (step.is_multiple_of(EVERY) || step == of) => {
                eprintln!("{}: step {step}/{of}, {figures}", self.name);
            }
            None => {}
        }
    }
}

/// Mean of the latest values: a single step jumps about too much to be read.
fn recent_mean(values: &[f64]) -> f64 {
    let recent = &values[values.len().saturating_sub(10)..];
    recent.iter().sum::<f64>() / recent.len().max(1) as f64
}
