//! What a campaign does, in a few lines of the terminal that are kept up to date.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ctl::{before, dose, drift, duration, figures};
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
            let mut first = None;
            while !flag.load(Ordering::Relaxed) {
                // It answers from the overview on until it ends.
                if let Ok(status) = status(&folder) {
                    let since = *first.get_or_insert((status.points, status.elapsed_seconds));
                    lines.set_message(described(&status, since, now_ms()));
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

/// The lines of a status; `since` are the points and seconds when it was looked at first.
fn described(status: &Status, since: (usize, f64), now_ms: u64) -> String {
    let age = status.last_event_ms.map_or_else(String::new, |at| {
        let seconds = 1e-3 * now_ms.saturating_sub(at) as f64;
        format!(", last event {} ago", duration(seconds))
    });
    let last = match (status.last, status.response) {
        (Some((row, column)), Some(response)) => {
            format!(
                ", the last at row {row}, column {column}: {}{}",
                figures(response),
                before(status.expected)
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
    let measured = status.points.saturating_sub(since.0);
    let left = if measured > 0 {
        let each = (status.elapsed_seconds - since.1) / measured as f64;
        let left = status.budget.saturating_sub(status.points) as f64 * each;
        format!(", about {} left", duration(left))
    } else {
        String::new()
    };
    let moved = drift(status).map_or_else(String::new, |moved| format!("; drift {moved}"));
    format!(
        "{}{age}\npoint {} of {}{last}{waits}\ndose {}{moved}; {}{left}",
        status.state,
        status.points,
        status.budget,
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
            last: Some((12, 40)),
            response: Some(2310.0),
            expected: Some((2200.0, 41.5)),
            dose_electrons: 2.6e8,
            drift: (0.5, -1.0),
            elapsed_seconds: 90.0,
            last_event_ms: Some(9_500),
            ..Status::default()
        };
        assert_eq!(
            described(&status, (10, 70.0), 10_000),
            "measuring, last event 0.5 s ago\n\
             point 30 of 110, the last at row 12, column 40: 2310, predicted 2200 ± 41.50\n\
             dose 2.6e8 e⁻; drift 0.50 px down, -1.00 px to the right; 1 min 30 s, about 1 min 20 s left"
        );
    }
}
