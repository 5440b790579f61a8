//! What the pins exposed, where and how long.

use crate::generator::Pins;

/// The beam's time on the specimen at one place, until it is on at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Converter code to the right.
    pub x: u16,
    /// Converter code downwards.
    pub y: u16,
    /// How long the beam was on, in clock cycles, pauses left out.
    pub on: u64,
    /// The longest that it was on without a pause, in clock cycles.
    pub longest: u64,
    /// When it went on first, and off last, in clock cycles.
    pub first: u64,
    /// See [`Stay::first`].
    pub last: u64,
}

/// Follows the pins.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pins: Pins,
    since: Option<u64>,
    stays: Vec<Stay>,
    moved: usize,
}

impl Record {
    /// Takes the pins as they are from a cycle on.
    pub fn follow(&mut self, now: u64, pins: Pins) {
        let before = std::mem::replace(&mut self.pins, pins);
        if before == pins {
            return;
        }
        let moves = (before.x, before.y) != (pins.x, pins.y);
        if before.beam_on() && (moves || !pins.beam_on()) {
            self.end(now);
        }
        if moves && before.beam_on() && pins.beam_on() {
            self.moved += 1;
        }
        if pins.beam_on() && (moves || !before.beam_on()) {
            self.since = Some(now);
            let here = |stay: &Stay| (stay.x, stay.y) == (pins.x, pins.y);
            if !self.stays.last().is_some_and(here) {
                self.stays.push(Stay {
                    x: pins.x,
                    y: pins.y,
                    on: 0,
                    longest: 0,
                    first: now,
                    last: now,
                });
            }
        }
    }

    fn end(&mut self, now: u64) {
        if let (Some(since), Some(stay)) = (self.since.take(), self.stays.last_mut()) {
            stay.on += now - since;
            stay.longest = stay.longest.max(now - since);
            stay.last = now;
        }
    }

    /// Every stay in order, the one that lasts as far as it had come at a cycle.
    pub fn stays(&self, now: u64) -> Vec<Stay> {
        let mut so_far = self.clone();
        so_far.end(now);
        so_far.stays
    }

    /// Whether the beam is on.
    pub fn beam_on(&self) -> bool {
        self.pins.beam_on()
    }

    /// How often the beam moved while it was on.
    pub fn moved(&self) -> usize {
        self.moved
    }

    /// Forgets the stays that have ended.
    pub fn clear(&mut self) {
        self.stays.clear();
        self.moved = 0;
        // One that lasts begins anew.
        let pins = std::mem::take(&mut self.pins);
        let now = self.since.take().unwrap_or_default();
        self.follow(now, pins);
    }
}
