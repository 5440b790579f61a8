//! What takes a controller long, in pieces, and who watches it.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Who is asked before every piece of a hand-over whether to go on. A break ends it there with
/// [`ControllerError::BrokenOff`](super::ControllerError::BrokenOff); a board keeps what it has, and
/// the same hand-over goes on there, be it of another process.
pub type OnHandOver = Box<dyn FnMut(&HandOver) -> ControlFlow<()>>;

/// Nobody, who lets everything go on.
pub(super) fn nobody() -> OnHandOver {
    Box::new(|_| ControlFlow::Continue(()))
}

/// How far a hand-over to a controller has come, or the search for one that was lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandOver {
    /// What is done.
    pub what: &'static str,
    /// The part that is done, 0 to 1.
    pub share: f64,
    /// What is left at the pace so far; `None` before the first piece.
    pub left: Option<Duration>,
}

impl HandOver {
    /// What ends sooner than this is not worth breaking off.
    const LONG: Duration = Duration::from_secs(1);

    /// Whether what is left takes so long that a person should not have to wait for it.
    pub fn is_long(&self) -> bool {
        self.left.is_some_and(|left| left > Self::LONG)
    }

    /// The search for a controller since an instant, which is given up when patience ends.
    pub(super) fn search(since: Instant, patience: Duration) -> Self {
        let left = patience.saturating_sub(since.elapsed());
        Self {
            what: "looking for the controller",
            share: 1.0 - left.as_secs_f64() / patience.as_secs_f64().max(f64::MIN_POSITIVE),
            left: Some(left),
        }
    }
}

impl fmt::Display for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.0} %", self.what, 100.0 * self.share)?;
        match self.left {
            Some(left) => write!(f, ", {:.0} s left", left.as_secs_f64().ceil()),
            None => Ok(()),
        }
    }
}

/// The pace of a hand-over.
pub(crate) struct Course {
    what: &'static str,
    begun: Instant,
    /// What was done when it began: one that is taken up begins in the middle.
    from: Option<u64>,
}

impl Course {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            begun: Instant::now(),
            from: None,
        }
    }

    /// Where it is with so many of all pieces or bytes done.
    pub(crate) fn at(&mut self, done: u64, of: u64) -> HandOver {
        let from = *self.from.get_or_insert(done);
        let here = done.saturating_sub(from);
        let left = of.saturating_sub(done) as f64;
        let left = (here > 0).then(|| self.begun.elapsed().mul_f64(left / here as f64));
        HandOver {
            what: self.what,
            share: done as f64 / of.max(1) as f64,
            left,
        }
    }
}
