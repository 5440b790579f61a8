//! What a board acquires by itself: overviews, and what its detector gave in an exposure.

use serde::{Deserialize, Serialize};

use super::{Field, Spot};
use crate::Pixel;

/// An overview: exposures of every pixel of a field, row by row, with the beam blanked in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raster {
    /// Rows; at least 1.
    pub rows: u16,
    /// Columns; at least 1.
    pub columns: u16,
    /// How often the whole field is scanned, from 1: a pixel's value is the mean.
    pub frames: u16,
    /// How long the beam stays on a pixel each time, in µs.
    pub dwell_us: u32,
    /// How long the blanked beam settles there before, in µs.
    pub settle_us: u32,
    /// Where the pixels lie.
    pub field: Field,
}

impl Raster {
    /// Pixels of a frame.
    pub fn pixels(&self) -> u32 {
        u32::from(self.rows) * u32::from(self.columns)
    }

    /// How long the beam is on each pixel, in µs.
    pub fn pixel_us(&self) -> u64 {
        u64::from(self.dwell_us) * u64::from(self.frames)
    }

    /// How long the beam is on in all, in µs.
    pub fn total_us(&self) -> u64 {
        self.pixel_us().saturating_mul(self.pixels().into())
    }

    /// The centre of a pixel, counted row by row from 0; `None` outside the raster, or when the
    /// field encloses nothing.
    pub fn spot(&self, pixel: u32) -> Option<Spot> {
        let columns = u32::from(self.columns);
        let pixel = Pixel {
            row: pixel.checked_div(columns)? as usize,
            column: pixel.checked_rem(columns)? as usize,
        };
        let (x, y) = self
            .field
            .position(pixel, self.rows.into(), self.columns.into())?;
        Some(Spot { x, y })
    }
}

/// What a detector gave over the dwell of an exposure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Of a detector behind a converter the mean of its samples, in steps of the converter; of a
    /// counting one the pulses.
    pub value: f32,
    /// A sample was at an end of the converter's range: the mean is not the detector's.
    pub saturated: bool,
    /// There were more pulses than the counter holds.
    pub overflowed: bool,
}

impl Reading {
    /// The value, where it is the detector's.
    pub fn usable(self) -> Option<f32> {
        (!self.saturated && !self.overflowed && self.value.is_finite()).then_some(self.value)
    }
}
