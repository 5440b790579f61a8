//! A program of somebody else's that chooses points: it is asked and told over pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Candidates, Pixel};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::campaign::CampaignConfig;
use crate::data::Map;
use crate::data::files::plain;
use crate::experiment::{Oracle, Point};

/// How often somebody may say that it is enough.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a program may take to end once it is told that it is over.
const PARTING: Duration = Duration::from_secs(5);
/// Longest answer, in bytes: a pixel takes thirty.
const LONGEST: u64 = 4096;
/// Empty lines in a row that are passed over.
const EMPTY: usize = 100;

/// A program that runs and is asked and told, one JSON object a line:
///
/// | to it | from it | what |
/// |---|---|---|
/// | `{"begin": {"image": [[…]], "seed": 1, "steps": 300, "window": 16, "edges": "reflect"}}` | | the image, row by row; `null` where it has no number. The program may measure `steps` points |
/// | `{"tell": {"row": 3, "column": 7, "value": 0.41}}` | | what was measured there: of each point to begin with, then of each that it chose; `null` for a measurement that failed |
/// | `{"ask": {}}` | `{"row": 12, "column": 9}` | where it wants to measure next |
/// | `{"end": {}}` | | it is over |
///
/// What it writes to its standard error is shown. Each answer has so long as the study's patience. A line more
/// than was asked for is an error: it was chosen before what is measured was told. When the conversation is
/// over, the program ends with whatever it began.
pub struct Program {
    child: Child,
    to: Option<Sender<String>>,
    from: Receiver<Result<Line, String>>,
    patience: Duration,
    /// It was ended, with whatever it began.
    ended: bool,
}

/// A line of the program.
struct Line {
    text: String,
    /// What came with it already.
    more: Option<String>,
}

/// An answer of the program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    row: usize,
    column: usize,
}

/// Why there is no order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoOrder {
    /// Somebody said that it is enough.
    Interrupted,
    /// The program let the time for an answer go by, with this step.
    Silent(usize),
    /// The program failed, or said what cannot be.
    Failed(String),
}

impl From<String> for NoOrder {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl Program {
    /// How long a program may take for an answer unless somebody says otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(600);

    /// Starts a program by the command line of a shell; it has so long for each answer.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(command: &str, patience: Duration) -> Result<Self, String> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut shell = Command::new(shell);
        shell
            .args([flag, command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // An interrupt at the terminal is for the study, which ends the program and whatever that began.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell
            .spawn()
            .map_err(|error| format!("`{command}` cannot be started: {error}"))?;
        // Beside it: a program that does not read must not keep anybody from saying that it is enough.
        let (to, messages) = channel::<String>();
        let input = child.stdin.take();
        std::thread::spawn(move || {
            let Some(mut input) = input else { return };
            for message in messages {
                let written = input.write_all(message.as_bytes());
                if written.and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        // One answer at a time is waited for.
        let (lines, from) = sync_channel(1);
        let output = child.stdout.take();
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            let mut output = BufReader::new(output);
            let mut empty = 0;
            loop {
                let text = |line: &[u8]| String::from_utf8_lossy(line).trim().to_owned();
                let mut line = Vec::new();
                let mut limited = std::io::Read::take(&mut output, LONGEST);
                let read = match limited.read_until(b'\n', &mut line) {
                    Ok(0) => return,
                    Ok(_) => {
                        let more = output.buffer().trim_ascii().split(|&byte| byte == b'\n');
                        let mut more = more.map(text).filter(|more| !more.is_empty());
                        Ok(Line {
                            more: more.next(),
                            text: text(&line),
                        })
                    }
                    Err(error) => Err(error.to_string()),
                };
                if read.as_ref().is_ok_and(|read| read.text.is_empty()) && empty < EMPTY {
                    empty += 1;
                    continue;
                }
                empty = 0;
                let failed = read.is_err();
                if lines.send(read).is_err() || failed {
                    return;
                }
            }
        });
        Ok(Self {
            to: Some(to),
            child,
            from,
            patience,
            ended: false,
        })
    }

    /// Says something; whether it is read shows in the answers.
    fn say(&self, message: &Value) {
        if let Some(to) = &self.to {
            let _ = to.send(format!("{message}\n"));
        }
    }

    fn answer(
        &mut self,
        step: usize,
        is_enough: &mut dyn FnMut() -> bool,
    ) -> Result<Line, NoOrder> {
        let asked = Instant::now();
        // What it began may hold its output open when it has ended.
        let mut ended = None;
        loop {
            let left = self.patience.saturating_sub(asked.elapsed());
            match self.from.recv_timeout(GLANCE.min(left)) {
                Ok(line) => return Ok(line?),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = ended.or_else(|| self.status_within(GLANCE));
                    return Err(gone(status).into());
                }
                Err(RecvTimeoutError::Timeout) if is_enough() => return Err(NoOrder::Interrupted),
                Err(RecvTimeoutError::Timeout) if ended.is_some() => {
                    return Err(gone(ended).into());
                }
                Err(RecvTimeoutError::Timeout) if asked.elapsed() >= self.patience => {
                    return Err(NoOrder::Silent(step));
                }
                Err(RecvTimeoutError::Timeout) => ended = self.status_within(Duration::ZERO),
            }
        }
    }

    /// How the program ended, where it does so soon.
    fn status_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if begun.elapsed() < time => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    fn tell(
        &self,
        candidate: Candidate,
        candidates: Candidates,
        experiment: &mut dyn Oracle,
    ) -> Result<(), String> {
        let pixel = candidates.pixel(candidate).map_err(|e| e.to_string())?;
        let Pixel { row, column } = pixel;
        let value = experiment.measure(Point { candidate, pixel }).ok();
        self.say(&json!({ "tell": { "row": row, "column": column, "value": value } }));
        Ok(())
    }

    /// The order in which the program measures after `seeds`.
    pub(super) fn order(
        &mut self,
        config: &CampaignConfig,
        seeds: &[Candidate],
        candidates: Candidates,
        experiment: &mut dyn Oracle,
        is_enough: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Candidate>, NoOrder> {
        let order = self.ordered(config, seeds, candidates, experiment, is_enough);
        if order.is_err() {
            self.kill();
        }
        match order {
            // It may have been interrupted as well.
            Err(NoOrder::Failed(_) | NoOrder::Silent(_)) if is_enough() => {
                Err(NoOrder::Interrupted)
            }
            order => order,
        }
    }

    fn ordered(
        &mut self,
        config: &CampaignConfig,
        seeds: &[Candidate],
        candidates: Candidates,
        experiment: &mut dyn Oracle,
        is_enough: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Candidate>, NoOrder> {
        self.say(&json!({ "begin": {
            "image": rows(experiment.image()),
            "seed": config.seed,
            "steps": config.steps,
            "window": config.window,
            "edges": config.edges.name(),
        } }));
        for &seed in seeds {
            self.tell(seed, candidates, experiment)?;
        }
        let mut order = Vec::with_capacity(config.steps);
        for step in 1..=config.steps {
            if let Ok(Ok(line)) = self.from.try_recv() {
                return Err(unasked(step - 1, &line.text).into());
            }
            self.say(&json!({ "ask": {} }));
            let Line { text: line, more } = self.answer(step, is_enough)?;
            let chosen = chosen(&line, candidates, experiment.truth());
            let candidate = chosen.map_err(|why| format!("step {step}: {why}"))?;
            if seeds.contains(&candidate) || order.contains(&candidate) {
                let why = format!(
                    "step {step}: it answered `{}`; expected a pixel that is not measured yet",
                    shortened(&line)
                );
                return Err(NoOrder::Failed(why));
            }
            if let Some(more) = more {
                return Err(unasked(step, &more).into());
            }
            order.push(candidate);
            self.tell(candidate, candidates, experiment)?;
        }
        self.say(&json!({ "end": {} }));
        self.part(config.steps)?;
        Ok(order)
    }

    /// Waits until the program has ended, for so long as it may take, and ends it. One that wrote a line too
    /// many on the way, however late each of them came, has one left.
    fn part(&mut self, steps: usize) -> Result<(), String> {
        // Behind the last message its input ends.
        self.to = None;
        let told = Instant::now();
        let mut ended = false;
        while told.elapsed() < PARTING {
            match self.from.recv_timeout(GLANCE) {
                Ok(Ok(line)) => return Err(unasked(steps, &line.text)),
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                    self.status_within(PARTING.saturating_sub(told.elapsed()));
                    break;
                }
                // What it began may hold its output open, and say nothing.
                Err(RecvTimeoutError::Timeout) if ended => break,
                Err(RecvTimeoutError::Timeout) => {
                    ended = self.status_within(Duration::ZERO).is_some();
                }
            }
        }
        self.kill();
        Ok(())
    }

    /// Ends the program and what it began.
    fn kill(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.to = None;
        #[cfg(unix)]
        {
            let line = format!("kill -s KILL -- -{}", self.child.id());
            let mut shell = Command::new("sh");
            let _ = shell.args(["-c", &line]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What to say of a program that answers no more.
fn gone(status: Option<ExitStatus>) -> String {
    match status {
        Some(status) => format!("it ended without an answer ({status})"),
        None => "it closed its standard output without an answer".to_owned(),
    }
}

/// What to say of a line that was not asked for, behind so many answers.
fn unasked(answers: usize, line: &str) -> String {
    let line = shortened(line);
    let accepted = r#"expected one line as {"row": 12, "column": 9} for each `ask`"#;
    match answers {
        0 => format!("step 1: it answered `{line}` before it was asked; {accepted}"),
        step => {
            format!(
                "step {step}: it answered twice, the second time `{line}`, before it was asked again; {accepted}"
            )
        }
    }
}

fn rows(image: &Map) -> Vec<&[f64]> {
    image.values.chunks(image.width().max(1)).collect()
}

fn shortened(line: &str) -> String {
    plain(&crate::units::shortened(line))
}

/// The candidate of an answer.
fn chosen(line: &str, candidates: Candidates, truth: Option<&Map>) -> Result<Candidate, String> {
    let accepted = r#"expected a line as {"row": 12, "column": 9}"#;
    let said = || format!("it answered `{}`", shortened(line));
    let answer: Answer =
        serde_json::from_str(line).map_err(|_| format!("{}; {accepted}", said()))?;
    let Answer { row, column } = answer;
    let (height, width) = (candidates.height(), candidates.width());
    let inside = row < height && column < width;
    let candidate = candidates.at(Pixel { row, column }).filter(|_| inside);
    let known = inside && truth.is_none_or(|truth| truth.is_known(row, column));
    candidate.filter(|_| known).ok_or_else(|| {
        format!(
            "{}; expected a pixel of the {height} x {width} around which a window of {} fits, and that \
             has data",
            said(),
            candidates.window()
        )
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
