//! Dwell counter, the bus that both converters share, and the way of a sample back.

use std::collections::VecDeque;

use crate::CYCLES_PER_COUNT;

/// A request to change blanking together with a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlankRequest {
    pub(crate) blank: bool,
    pub(crate) pending: bool,
}

/// A point to go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) x: u16,
    pub(crate) y: u16,
    /// Counts less one.
    pub(crate) dwell: u16,
    pub(crate) blank: BlankRequest,
}

/// Samples between the bus and the averager. Of a sample only matters whether it is the last of
/// its point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Skid {
    /// The oldest lowest.
    waiting: u8,
    count: u32,
    front: Option<bool>,
}

impl Skid {
    const ROOM: u32 = 7;

    fn ready(&self) -> bool {
        self.count + u32::from(self.front.is_some()) <= 1
    }

    fn tick(&mut self, written: Option<bool>, taken: bool) {
        let writes = written.filter(|_| self.count < Self::ROOM);
        let moves = self.count > 0 && (self.front.is_none() || taken);
        if moves {
            self.front = Some(self.waiting & 1 == 1);
            self.waiting >>= 1;
            self.count -= 1;
        } else if taken {
            self.front = None;
        }
        if let Some(last) = writes {
            self.waiting |= u8::from(last) << self.count;
            self.count += 1;
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Averager {
    #[default]
    Collects,
    /// A point's average waits to be taken.
    Offers,
}

/// Everything between a point and its sample, but for the dwell counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    /// Within a count; the converters' clock rises at 0.
    phase: u64,
    generating: bool,
    point: Point,
    /// Samples that the converter still works on: whether each is wanted, and the last of its
    /// point. The newest lowest.
    wanted: u8,
    last: u8,
    skid: Skid,
    averager: Averager,
    /// Of the points that have ended and whose averages were not taken, the oldest first.
    samples: VecDeque<u16>,
    /// Codes on their way to the converters, and at them.
    next: (u16, u16),
    latched: (u16, u16),
    codes: (u16, u16),
}

/// What a cycle of the pipeline did.
#[derive(Clone, Copy, Default)]
pub(crate) struct Done {
    /// Blanking changes with the point.
    pub(crate) blank: BlankRequest,
    /// The converters' clock rises at the end of the cycle.
    pub(crate) clock: bool,
}

impl Pipeline {
    /// When the sample of the converter is read and the next point handed over.
    const READ: u64 = 1;
    /// From power-up to the first rise of the converters' clock, in cycles.
    const START: u64 = 3;

    pub(crate) fn new() -> Self {
        Self {
            phase: Self::START,
            ..Self::default()
        }
    }

    /// Whether it takes a point in this cycle.
    pub(crate) fn takes_point(&self) -> bool {
        !self.generating
    }

    /// Whether a point's sample is offered in this cycle.
    pub(crate) fn offers_sample(&self) -> bool {
        self.averager == Averager::Offers
    }

    /// The sample that is offered.
    pub(crate) fn sample(&self) -> u16 {
        self.samples.front().copied().unwrap_or(0)
    }

    /// Converter codes (x, y).
    pub(crate) fn codes(&self) -> (u16, u16) {
        self.codes
    }

    /// Counts after which something other than the dwell counter changes, if this state lasts.
    pub(crate) fn counts_left(&self, dwelt: u16) -> u64 {
        u64::from(self.point.dwell.wrapping_sub(dwelt))
    }

    /// One cycle. `dwelt` is the dwell counter, `see` what the detector sees of converter codes.
    pub(crate) fn tick(
        &mut self,
        point: Option<Point>,
        taken: bool,
        dwelt: &mut u16,
        see: impl FnOnce((u16, u16)) -> u16,
    ) -> Done {
        let mut done = Done::default();
        let front = self.skid.front;
        let collects = self.averager == Averager::Collects;
        let mut written = None;
        let mut ends = false;
        if self.phase == Self::READ {
            let ready = self.skid.ready();
            if self.wanted & 0x80 != 0 {
                written = Some(self.last & 0x80 != 0);
            }
            let goes = self.generating && ready;
            if goes {
                ends = *dwelt == self.point.dwell;
                if !ends {
                    *dwelt = dwelt.wrapping_add(1);
                }
                self.next = (self.point.x, self.point.y);
                done.blank = self.point.blank;
            }
            self.wanted = self.wanted << 1 | u8::from(goes);
            self.last = self.last << 1 | u8::from(ends);
        }
        self.skid.tick(written, collects);
        self.averager = match (self.averager, front) {
            (Averager::Collects, Some(true)) => Averager::Offers,
            (Averager::Offers, _) if taken => {
                self.samples.pop_front();
                Averager::Collects
            }
            (same, _) => same,
        };
        if let (false, Some(point)) = (self.generating, point) {
            self.point = point;
            *dwelt = 0;
            self.generating = true;
        } else if ends {
            self.generating = false;
            self.samples.push_back(see((self.point.x, self.point.y)));
        }
        self.phase = (self.phase + 1) % CYCLES_PER_COUNT;
        // The latches take the codes before the clock rises.
        match self.phase {
            3 => self.latched.0 = self.next.0,
            5 => self.latched.1 = self.next.1,
            0 => {
                self.codes = self.latched;
                done.clock = true;
            }
            _ => {}
        }
        done
    }
}
