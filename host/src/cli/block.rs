//! What a campaign does, in a few lines of the terminal that are kept up to date.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ctl::{age, before, dose, drift, duration, figures, further, left, points, worst_pixel};
use crate::control::{Status, status};
use crate::journal::now_ms;

/// How often the lines are brought up to date, in steps that the end of a campaign waits for.
const STEPS: u32 = 10;
const STEP: Duration = Duration::from_millis(50);

/// The lines, until this is dropped.
pub(super) struct Block {
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Block {
    /// Shows the campaign in a folder above or below other bars.
    pub(super) fn new(bars: &MultiProgress, folder: &Path) -> Self {
        let style = ProgressStyle::with_template("{msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let lines = bars.add(ProgressBar::new_spinner().with_style(style));
        let closing = Arc::new(AtomicBool::new(false));
        let (flag, folder) = (Arc::clone(&closing), folder.to_owned());
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                // It answers from the overview on until it ends.
                if let Ok(status) = status(&folder) {
                    lines.set_message(described(&status, now_ms()));
                }
                for _ in 0..STEPS {
                    if !flag.load(Ordering::Relaxed) {
                        std::thread::sleep(STEP);
                    }
                }
            }
            lines.finish_and_clear();
        });
        Self {
            closing,
            thread: Some(thread),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The lines of a status.
fn described(status: &Status, now_ms: u64) -> String {
    let age = age(status, now_ms).map(|age| format!(", last event {age} ago"));
    let age = age.unwrap_or_default();
    let last = match (status.last, status.response) {
        (Some((row, column)), Some(response)) => {
            // Of several numbers it has to be said which is which.
            let target = match status.further.len() {
                0 => String::new(),
                _ => format!("{} ", status.target),
            };
            format!(
                ", the last at row {row}, column {column}: {target}{}{}{}",
                figures(response),
                before(status.expected),
                further(status)
            )
        }
        _ => String::new(),
    };
    let waits = match (status.proposal, status.predicted) {
        (Some((row, column)), predicted) => {
            let predicted = before(predicted);
            format!("\nrow {row}, column {column} waits for accept or reject{predicted}")
        }
        _ => String::new(),
    };
    let left = left(status).map_or_else(String::new, |left| format!(", left: {left}"));
    let moved = drift(status).map_or_else(String::new, |moved| format!("; drift {moved}"));
    let worst = worst_pixel(status).map_or_else(String::new, |worst| format!("; a pixel {worst}"));
    let coverage = status.coverage.map(figures);
    let coverage = coverage.map_or_else(String::new, |coverage| format!("coverage {coverage}; "));
    format!(
        "{}{age}\npoint {}{last}{waits}\n{coverage}dose {}{worst}{moved}; {}{left}",
        status.state,
        points(status),
        dose(status),
        duration(status.elapsed_seconds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_say_where_a_campaign_is() {
        let status = Status {
            state: "measuring".to_owned(),
            points: 30,
            budget: 110,
            seeds: 10,
            coverage: Some(0.25),
            last: Some((12, 40)),
            response: Some(2310.0),
            expected: Some((2200.0, 41.5)),
            dose_electrons: 2.6e8,
            drift: (0.5, -1.0),
            elapsed_seconds: 90.0,
            left_seconds: Some(80.0),
            last_event_ms: Some(9_500),
            ..Status::default()
        };
        assert_eq!(
            described(&status, 10_000),
            "measuring, last event 0.5 s ago\n\
             point 30 of 110, 10 to start from, the last at row 12, column 40: 2310, predicted 2200 ± 41.50\n\
             coverage 0.2500; dose 2.6e8 e⁻; drift 0.50 px down, -1.00 px to the right; 1 min 30 s, left: \
             about 1 min 20 s"
        );
        let several = Status {
            target: "line:Au-Ma".to_owned(),
            further: vec![
                ("line:Pd-La".to_owned(), Some(31.5)),
                ("sum".to_owned(), None),
            ],
            expected: None,
            ..status
        };
        let said = described(&several, 10_000);
        let last = "the last at row 12, column 40: line:Au-Ma 2310; line:Pd-La 31.50\n";
        assert!(said.contains(last), "{said}");
    }
}
