//! Settings of the beam: field, dwell, dose limits, link time-out.

use serde::{Deserialize, Serialize};

use crate::Pixel;

/// Where the image's frame lies in the deflection range, in 1/65536 of it, origin top left.
/// Left and top belong to the frame, right and bottom do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Left edge.
    pub left: u32,
    /// Top edge.
    pub top: u32,
    /// Right edge; at most 65536.
    pub right: u32,
    /// Bottom edge; at most 65536.
    pub bottom: u32,
}

impl Field {
    /// The whole deflection range.
    pub const FULL: Self = Self {
        left: 0,
        top: 0,
        right: 1 << 16,
        bottom: 1 << 16,
    };

    /// Whether it encloses something and lies inside the range.
    pub fn is_valid(&self) -> bool {
        self.left < self.right
            && self.top < self.bottom
            && self.right <= 1 << 16
            && self.bottom <= 1 << 16
    }

    /// The centre of a pixel of an image of `height` × `width`, as (x, y) in 1/65536 of the
    /// range; `None` outside the image.
    pub fn position(&self, pixel: Pixel, height: usize, width: usize) -> Option<(u16, u16)> {
        let along = |start: u32, end: u32, index: usize, count: usize| {
            if index >= count || !self.is_valid() {
                return None;
            }
            let span = u64::from(end - start);
            let offset = (span * (2 * index as u64 + 1)).checked_div(2 * count as u64)?;
            // Below `end` because the index is below the count: the cast cannot lose anything.
            Some((u64::from(start) + offset) as u16)
        };
        Some((
            along(self.left, self.right, pixel.column, width)?,
            along(self.top, self.bottom, pixel.row, height)?,
        ))
    }
}

/// The largest doses, as time of exposure; time times current is charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoseLimits {
    /// Per pixel and campaign, in µs.
    pub pixel_us: u32,
    /// Per campaign, in µs.
    pub total_us: u64,
}

/// Beam, dose limits and link time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long the beam stays on a pixel, in µs.
    pub dwell_us: u32,
    /// How long the blanked beam settles after it moved there, in µs.
    pub settle_us: u32,
    /// The dose limits.
    pub dose: DoseLimits,
    /// Silence after which the beam is blanked, in ms.
    pub link_timeout_ms: u32,
    /// Where the image lies.
    pub field: Field,
}

impl Settings {
    /// Until a host says otherwise: 1 ms on a pixel after 10 µs, 1 s per pixel and an hour in
    /// all, blanked after 5 s of silence.
    pub const DEFAULT: Self = Self {
        dwell_us: 1_000,
        settle_us: 10,
        dose: DoseLimits {
            pixel_us: 1_000_000,
            total_us: 3_600_000_000,
        },
        link_timeout_ms: 5_000,
        field: Field::FULL,
    };
    /// Longest dwell and settle, in µs: a minute.
    pub const LONGEST_US: u32 = 60_000_000;
    /// Accepted link time-outs, in ms: a tenth of a second to ten minutes.
    pub const TIMEOUTS_MS: core::ops::RangeInclusive<u32> = 100..=600_000;
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
