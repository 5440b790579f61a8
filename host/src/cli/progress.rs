//! Progress of campaigns: a bar on a terminal, plain lines otherwise.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::block::Block;
use super::{Failure, OrFail as _};
use crate::campaign::{Ended, Observer, Series};
use crate::controller::{OnHandOver, end_emulators};
use crate::microscope::{Interrupt, Urgency};
use crate::study::{Cell, CellResult, Watch};

/// Steps between two plain lines.
const EVERY: usize = 25;

/// Time between two plain lines of a hand-over; one that takes less has none.
const LINES: Duration = Duration::from_secs(10);

/// Where the progress of several campaigns is shown together.
pub(super) struct Display {
    bars: Option<MultiProgress>,
    quiet: bool,
    asked: Interrupt,
    interrupted: Arc<AtomicBool>,
    /// Whether what ran is over: an interrupt ends nothing but the program.
    over: Arc<AtomicBool>,
}

impl Display {
    /// A display on standard error; `quiet` keeps it to terminals. From here on the first
    /// interrupt ends campaigns after their step, the second the program.
    pub(super) fn new(quiet: bool) -> Result<Self, Failure> {
        Self::asking(quiet, &Interrupt::default(), |urgency, _| {
            if urgency != Urgency::Finish {
                exit();
            }
        })
    }

    /// The display of a campaign on an instrument, with spectra of `dwell`. From here on the
    /// first interrupt ends it after the spectrum under way, the second aborts that spectrum, and
    /// the third ends the program.
    pub(super) fn live(
        quiet: bool,
        dwell: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        Self::asking(quiet, interrupt, move |urgency, say| match urgency {
            Urgency::Finish => say(&format!(
                "the spectrum under way ends first, which may take {} s and its dead time; \
                 interrupt again to blank the beam at once",
                dwell.as_secs_f64()
            )),
            Urgency::Abort => say(
                "the spectrum under way is aborted and the journal finished; interrupt again to \
                 leave at once",
            ),
            Urgency::Exit => exit(),
        })
    }

    /// A display whose interrupts ask more and more urgently; `answer` is told how urgent it is,
    /// and how to say something about it.
    fn asking(
        quiet: bool,
        interrupt: &Interrupt,
        answer: impl Fn(Urgency, &dyn Fn(&str)) + Send + 'static,
    ) -> Result<Self, Failure> {
        let terminal = std::io::stderr().is_terminal();
        let bars = terminal.then(MultiProgress::new);
        let (asked, above) = (interrupt.clone(), bars.clone());
        let over = Arc::<AtomicBool>::default();
        let is_over = Arc::clone(&over);
        on_interrupt(move || {
            let say = |what: &str| {
                // Nobody may be there any more to hear it, which must not keep the beam on.
                let _ = match &above {
                    Some(bars) => bars.println(what),
                    None => writeln!(std::io::stderr(), "{what}"),
                };
            };
            let urgency = asked.ask();
            if !is_over.load(Ordering::Relaxed) {
                answer(urgency, &say);
            }
        })
        .or_running()?;
        Ok(Self {
            bars,
            quiet,
            asked: interrupt.clone(),
            interrupted: interrupt.finish(),
            over,
        })
    }

    /// What ran is over: the next interrupt asks for the end of the program alone.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// How the user asks to stop, more and more urgently.
    pub(super) fn asked(&self) -> Interrupt {
        self.asked.clone()
    }

    /// What becomes true when the user asks to stop.
    pub(super) fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Whether the user asked to stop.
    pub(super) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// A bar of `steps` steps, where there is a terminal.
    fn bar(&self, template: &str, steps: usize, message: &str) -> Option<ProgressBar> {
        self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = bars.add(ProgressBar::new(steps as u64).with_style(style));
            bar.set_message(message.to_owned());
            // Drawn before the first step, which has to wait for the first training.
            bar.tick();
            bar
        })
    }

    /// Lines about the campaign in a folder, where there is a terminal.
    pub(super) fn block(&self, folder: &Path) -> Option<Block> {
        self.bars.as_ref().map(|bars| Block::new(bars, folder))
    }

    /// The progress of `cells` cells of a study together, with campaigns of `steps` steps.
    pub(super) fn study(&self, cells: usize, steps: usize) -> StudyProgress {
        let template = "[{wide_bar}] {msg}, {eta} left";
        StudyProgress {
            bar: self.bar(template, cells * steps, &format!("0/{cells} campaigns")),
            cells,
            finished: AtomicUsize::new(0),
            quiet: self.quiet,
            interrupted: Arc::clone(&self.interrupted),
        }
    }

    /// The progress of one campaign of `steps` steps.
    pub(super) fn campaign(&self, name: &str, steps: usize) -> CampaignProgress {
        self.counted(name, steps, Count::Steps)
    }

    /// The progress of a campaign on an instrument, where a budget counts every point.
    pub(super) fn points(&self, name: &str, budget: usize) -> CampaignProgress {
        self.counted(name, budget, Count::Points { seeds: 0 })
    }

    fn counted(&self, name: &str, of: usize, count: Count) -> CampaignProgress {
        let template = match count {
            Count::Steps => "{prefix} [{wide_bar}] step {pos}/{len} {msg}",
            Count::Points { .. } => "{prefix} [{wide_bar}] point {pos} of {len}{msg}",
        };
        let bar = self.bar(template, of, "training");
        if let Some(bar) = &bar {
            bar.set_prefix(name.to_owned());
        }
        CampaignProgress {
            name: name.to_owned(),
            bar,
            quiet: self.quiet,
            interrupted: Arc::clone(&self.interrupted),
            first: None,
            count,
        }
    }
}

/// Calls `handler` whenever the user interrupts the program or the system asks it to end. A terminal
/// that closes does so as well, unless whoever started the program had it outlive that, as `nohup`
/// does.
#[cfg(unix)]
pub(super) fn on_interrupt(mut handler: impl FnMut() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut numbers = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        numbers.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(numbers)?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(|_| handler()))?;
    Ok(())
}

/// The same where there is nothing but Ctrl-C.
#[cfg(not(unix))]
pub(super) fn on_interrupt(handler: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(handler)
}

/// Whether the program was started with a signal ignored, as far as the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Ends the program at once, and what it started.
fn exit() -> ! {
    end_emulators();
    std::process::exit(super::INTERRUPTED.into())
}

/// What the progress of a campaign counts.
#[derive(Clone, Copy)]
enum Count {
    /// Decisions.
    Steps,
    /// Points, those to start from among them.
    Points {
        /// Those to start from.
        seeds: usize,
    },
}

/// The progress of one campaign.
pub(super) struct CampaignProgress {
    name: String,
    bar: Option<ProgressBar>,
    quiet: bool,
    interrupted: Arc<AtomicBool>,
    /// The first step that was seen, and when: what came before it, seeds among it, is none.
    first: Option<(usize, Instant)>,
    count: Count,
}

impl CampaignProgress {
    /// Says a line at once, above the bar where there is one.
    pub(super) fn log(&self) -> Box<dyn FnMut(&str)> {
        let (bar, name) = (self.bar.clone(), self.name.clone());
        Box::new(move |what| match &bar {
            Some(bar) => bar.println(format!("{name}: {what}")),
            None => super::log(&format!("{name}: {what}")),
        })
    }
}

impl CampaignProgress {
    /// Shows hand-overs that take long, and breaks them off when the user asks to stop.
    pub(super) fn watch(&self) -> OnHandOver {
        let (bar, name, quiet) = (self.bar.clone(), self.name.clone(), self.quiet);
        let interrupted = Arc::clone(&self.interrupted);
        let mut said: Option<Instant> = None;
        Box::new(move |handover| {
            if !handover.is_long() {
                return ControlFlow::Continue(());
            }
            match &bar {
                Some(bar) => bar.set_message(handover.to_string()),
                None if !quiet
                    && handover.left > Some(LINES)
                    && said.is_none_or(|said| said.elapsed() > LINES) =>
                {
                    super::log(&format!("{name}: {handover}"));
                    said = Some(Instant::now());
                }
                None => {}
            }
            if interrupted.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    }
}

impl Observer for CampaignProgress {
    fn seeded(&mut self, seeds: usize) {
        if let Count::Points { seeds: known } = &mut self.count {
            *known = seeds;
        }
    }

    fn step(&mut self, step: usize, of: usize, series: &Series) -> ControlFlow<Ended> {
        let coverage = series.coverage().unwrap_or(f64::NAN);
        let (first, since) = *self.first.get_or_insert_with(|| (step, Instant::now()));
        let each = match step.saturating_sub(first) {
            0 => String::new(),
            steps => {
                let each = 1e3 * since.elapsed().as_secs_f64() / steps as f64;
                format!(", {each:.0} ms/step")
            }
        };
        let figures = format!("coverage {coverage:.3}{each}");
        // Points and budget as everywhere else, with those to start from said apart.
        let (seeds, started) = match self.count {
            Count::Steps => (0, String::new()),
            Count::Points { seeds } => (seeds, format!(", {seeds} to start from, ")),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{started}{figures}"));
                // A person may have set another budget.
                bar.set_length((seeds + of) as u64);
                bar.set_position((seeds + step) as u64);
                if step == of {
                    bar.finish();
                }
            }
            None if !self.quiet && (step == 1 || step.is_multiple_of(EVERY) || step == of) => {
                let where_it_is = match self.count {
                    Count::Steps => format!("step {step}/{of}, "),
                    Count::Points { .. } => {
                        format!("point {} of {}{started}", seeds + step, seeds + of)
                    }
                };
                super::log(&format!("{}: {where_it_is}{figures}", self.name));
            }
            None => {}
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return ControlFlow::Break(Ended::Interrupted);
        }
        ControlFlow::Continue(())
    }
}

/// The progress of a study: one bar for all its campaigns, or a line for each finished one.
pub(super) struct StudyProgress {
    bar: Option<ProgressBar>,
    cells: usize,
    finished: AtomicUsize,
    quiet: bool,
    interrupted: Arc<AtomicBool>,
}

impl StudyProgress {
    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for StudyProgress {
    fn step(&self, _: &Cell, step: usize) -> ControlFlow<()> {
        if let Some(bar) = self.bar.as_ref().filter(|_| step > 0) {
            bar.inc(1);
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finished(&self, cell: &Cell, result: &CellResult) {
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        let campaigns = format!("{finished}/{} campaigns", self.cells);
        match &self.bar {
            Some(bar) => bar.set_message(campaigns),
            None if !self.quiet => {
                let coverage = result.campaign.series.target_coverage.last();
                let coverage = coverage.copied().unwrap_or(f64::NAN);
                let seconds = result.seconds;
                super::log(&format!(
                    "{campaigns}: {cell}, coverage {coverage:.3}, {seconds:.1} s"
                ));
            }
            None => {}
        }
    }
}
