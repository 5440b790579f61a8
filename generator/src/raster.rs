//! The scanner of rectangles, which only commands that nobody sent on purpose reach.

use crate::parser::Command;

/// Bits after the point of a position.
const FRACTION: u32 = 8;
/// Positions: 14 bits before the point.
const POSITION: u32 = (1 << (14 + FRACTION)) - 1;
const COUNT: u16 = (1 << 14) - 1;

/// A rectangle of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Region {
    x: Axis,
    y: Axis,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Axis {
    start: u16,
    count: u16,
    step: u16,
}

impl Region {
    pub(crate) fn new(command: &Command) -> Self {
        let axis = |first| Axis {
            start: command.word(first) & COUNT,
            count: command.word(first + 1) & COUNT,
            step: command.word(first + 2),
        };
        Self {
            x: axis(0),
            y: axis(3),
        }
    }
}

/// What the executor asks of the scanner in a cycle.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    /// A region, or the last one again.
    pub(crate) region: Option<Region>,
    /// A point's dwell.
    pub(crate) point: bool,
    pub(crate) abort: bool,
    /// Whether the scanner's points go to the pipeline.
    pub(crate) connected: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raster {
    scanning: bool,
    region: Region,
    x: u32,
    y: u32,
    columns: u16,
    rows: u16,
}

impl Raster {
    /// Whether it takes a region in this cycle.
    pub(crate) fn takes_region(&self) -> bool {
        !self.scanning
    }

    /// Whether it takes a dwell in this cycle, given whether the pipeline takes a point.
    pub(crate) fn takes_point(&self, pipeline: bool) -> bool {
        self.scanning && pipeline
    }

    /// Converter codes (x, y) of the next point.
    pub(crate) fn position(&self) -> (u16, u16) {
        ((self.x >> FRACTION) as u16, (self.y >> FRACTION) as u16)
    }

    /// One cycle.
    pub(crate) fn tick(&mut self, asked: Asked, pipeline: bool) {
        if !self.scanning {
            if let Some(region) = asked.region {
                self.region = region;
                self.x = u32::from(region.x.start) << FRACTION;
                self.y = u32::from(region.y.start) << FRACTION;
                self.columns = region.x.count.wrapping_sub(1) & COUNT;
                self.rows = region.y.count.wrapping_sub(1) & COUNT;
                self.scanning = true;
            }
            return;
        }
        if !(pipeline && asked.connected) {
            return;
        }
        if asked.abort {
            self.scanning = false;
        }
        if asked.point {
            if self.columns == 0 {
                if self.rows == 0 {
                    self.scanning = false;
                } else {
                    self.y = (self.y + u32::from(self.region.y.step)) & POSITION;
                    self.rows -= 1;
                }
                self.x = u32::from(self.region.x.start) << FRACTION;
                self.columns = self.region.x.count.wrapping_sub(1) & COUNT;
            } else {
                self.x = (self.x + u32::from(self.region.x.step)) & POSITION;
                self.columns -= 1;
            }
        }
    }
}
