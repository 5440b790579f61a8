//! Work that takes long, and whoever watches it.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::controller::{Controller, Course};
use crate::train::Pace;

/// How often somebody is told how far it is.
const LOOK: Duration = Duration::from_millis(50);

/// Does work on a thread of its own while `meanwhile` has the controller. Then whoever watches the controller
/// is told how far the work is, and may break it off. A thread of a pool does both in turn, and nobody breaks
/// the work off: were it to wait, the pool's other threads might be waiting for it.
pub(crate) fn watched<M, R: Send>(
    controller: &mut dyn Controller,
    what: &'static str,
    meanwhile: impl FnOnce(&mut dyn Controller) -> M,
    work: impl FnOnce(&Pace) -> R + Send,
) -> (M, R) {
    let pace = &Pace::default();
    let mut course = Course::new(what);
    let mut attend = |controller: &mut dyn Controller| {
        let (steps, of) = pace.steps();
        let at = course.at(steps as u64, of as u64);
        if controller.attend(&at).is_break() {
            pace.break_off();
        }
    };
    attend(controller);
    if rayon::current_thread_index().is_some() {
        return (meanwhile(controller), work(pace));
    }
    let (over, is_over) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let working = scope.spawn(move || {
            let result = work(pace);
            drop(over);
            result
        });
        let done = meanwhile(controller);
        while is_over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            attend(controller);
        }
        let result = working.join();
        (done, result.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
