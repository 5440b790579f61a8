//! Waiting for the campaign's thread without the interpreter lock, with an eye on signals.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::failure::Failure;

/// How long a wait lasts before signals are looked for.
const GLANCE: Duration = Duration::from_millis(50);

pub(crate) type Answer<T> = Result<T, Failure>;
/// Where an answer comes. Threads share it by turns.
pub(crate) type Awaited<T> = Mutex<Receiver<Answer<T>>>;

/// Waits for an answer without the interpreter lock; `KeyboardInterrupt` and its like come through.
pub(crate) fn wait<T: Send>(py: Python<'_>, answer: &Awaited<T>) -> PyResult<T> {
    loop {
        let received = py.detach(|| match answer.lock() {
            Ok(answer) => answer.recv_timeout(GLANCE),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        });
        match received {
            Ok(answer) => return Ok(answer?),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                let why = "the campaign's thread has ended by a fault of the program";
                return Err(Failure::Running(why.to_owned()).into());
            }
        }
    }
}

/// What is kept, of which nothing is left.
pub(crate) fn taken<T: Default>(kept: &Mutex<T>) -> T {
    kept.lock()
        .map(|mut kept| std::mem::take(&mut *kept))
        .unwrap_or_default()
}

/// Keeps something.
pub(crate) fn put<T>(kept: &Mutex<T>, what: T) {
    if let Ok(mut kept) = kept.lock() {
        *kept = what;
    }
}

/// Whether an exception is no error of what was called.
pub(crate) fn is_interrupt(py: Python<'_>, error: &PyErr) -> bool {
    !error.is_instance_of::<pyo3::exceptions::PyException>(py)
}
