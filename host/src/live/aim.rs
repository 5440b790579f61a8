//! Where the beam has to go for a pixel of the first overview, the sample having drifted.

use beacon_kernel::Pixel;
use beacon_kernel::link::message::Field;

use super::config::{Frame, LiveConfig};
use crate::microscope::Position;

/// The frame in the deflection range of a controller: what was asked for, or the whole range,
/// with room around it where drift is corrected.
pub(super) fn frame(config: &LiveConfig) -> Frame {
    let room = if config.drift_every.is_some() {
        Frame::WITH_ROOM
    } else {
        Frame::FULL
    };
    config.frame.unwrap_or(room)
}

/// How far the sample has moved, and what follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    frame: Frame,
    /// Rows and columns of the overview.
    size: (usize, usize),
    /// Pixels down and to the right that the sample has moved since the first overview.
    pub(super) shift: (f64, f64),
}

impl Aim {
    pub(super) fn new(frame: Frame, size: (usize, usize)) -> Self {
        Self {
            frame,
            size,
            shift: (0.0, 0.0),
        }
    }

    /// Where in the frame a pixel of the first overview is now; `None` when it has left the frame.
    pub(super) fn position(&self, pixel: Pixel) -> Option<Position> {
        let (row, column) = (pixel.row as f64, pixel.column as f64);
        let (down, right) = self.shift;
        let position = Position::of_pixel(row + down, column + right, self.size.0, self.size.1);
        position.is_inside().then_some(position)
    }

    /// Where the first overview's frame lies now in the deflection range; `None` when it has left
    /// the range.
    pub(super) fn field(&self) -> Option<Field> {
        let Frame {
            left,
            top,
            right,
            bottom,
        } = self.frame;
        let across = self.shift.1 / self.size.1 as f64 * (right - left);
        let down = self.shift.0 / self.size.0 as f64 * (bottom - top);
        let edge = |fraction: f64| {
            let edge = (fraction * 65_536.0).round();
            (0.0..=65_536.0).contains(&edge).then_some(edge as u32)
        };
        Some(Field {
            left: edge(left + across)?,
            top: edge(top + down)?,
            right: edge(right + across)?,
            bottom: edge(bottom + down)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_and_the_instrument_are_aimed_alike() {
        let mut aim = Aim::new(Frame::WITH_ROOM, (50, 40));
        for shift in [(0.0, 0.0), (2.25, -3.5), (-5.0, 4.9)] {
            aim.shift = shift;
            let pixel = Pixel {
                row: 20,
                column: 17,
            };
            let position = aim.position(pixel).unwrap();
            let (row, column) = position.pixel(50, 40);
            assert!((row - 20.0 - shift.0).abs() < 1e-9 && (column - 17.0 - shift.1).abs() < 1e-9);
            let (x, y) = aim.field().unwrap().position(pixel, 50, 40).unwrap();
            // The frame is three quarters of the range, after an eighth of it.
            let expected = |fraction: f64| (0.125 + 0.75 * fraction) * 65_536.0;
            assert!((f64::from(x) - expected(position.x)).abs() < 2.0);
            assert!((f64::from(y) - expected(position.y)).abs() < 2.0);
        }
    }

    #[test]
    fn what_has_left_the_frame_or_the_range_has_no_place() {
        let mut aim = Aim::new(Frame::FULL, (50, 40));
        let pixel = Pixel { row: 2, column: 39 };
        assert!(aim.field() == Some(Field::FULL) && aim.position(pixel).is_some());
        aim.shift = (0.0, 0.6);
        assert!(aim.position(pixel).is_none() && aim.field().is_none());
        aim.shift = (-2.6, 0.0);
        assert!(aim.position(pixel).is_none());
        aim = Aim::new(Frame::WITH_ROOM, (50, 40));
        aim.shift = (8.0, -6.0);
        assert!(aim.field().is_some());
        aim.shift = (8.5, 0.0);
        assert!(aim.field().is_none());
    }
}
