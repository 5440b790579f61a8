//! How somebody at the keyboard ends what an instrument does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a campaign and its instrument are asked by somebody who wants them to end; clones share
/// it. Asked once, the campaign ends after the exposure under way, whose dose is spent. Asked
/// again, the instrument gives that exposure up and blanks.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    finish: Arc<AtomicBool>,
    abort: Arc<AtomicBool>,
}

/// How urgent it has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Asked for the first time: the exposure under way ends first.
    Finish,
    /// Asked again: the beam is blanked at once.
    Abort,
    /// Asked more often than that: nothing is waited for.
    Exit,
}

impl Interrupt {
    /// Asks once more, and tells how urgent that makes it.
    pub fn ask(&self) -> Urgency {
        if !self.finish.swap(true, Ordering::Relaxed) {
            Urgency::Finish
        } else if !self.abort.swap(true, Ordering::Relaxed) {
            Urgency::Abort
        } else {
            Urgency::Exit
        }
    }

    /// Has the exposure under way given up, and the beam blanked at once.
    pub fn abort(&self) {
        self.abort.store(true, Ordering::Relaxed);
    }

    /// What becomes true when a campaign is to end after the exposure under way.
    pub fn finish(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.finish)
    }

    /// Whether an exposure under way is to be given up.
    pub fn is_abort(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_it_is_asked_is_more_urgent() {
        let interrupt = Interrupt::default();
        let instrument = interrupt.clone();
        assert_eq!(interrupt.ask(), Urgency::Finish);
        assert!(interrupt.finish().load(Ordering::Relaxed) && !instrument.is_abort());
        assert_eq!(interrupt.ask(), Urgency::Abort);
        assert!(instrument.is_abort());
        assert_eq!(interrupt.ask(), Urgency::Exit);
        assert_eq!(interrupt.ask(), Urgency::Exit);
    }
}
