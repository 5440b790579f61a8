//! Where the beam has to go for a pixel of the first overview, the sample having drifted.

use beacon_kernel::Pixel;
use beacon_kernel::link::message::Field;

use super::DeflectionFrame;
use crate::microscope::Position;

/// Where in the frame a pixel of the first overview is now, when the sample has moved by `shift`
/// pixels down and to the right in an image of `size` rows and columns; `None` when it has left
/// the frame.
pub(crate) fn corrected(
    pixel: Pixel,
    (down, right): (f64, f64),
    (height, width): (usize, usize),
) -> Option<Position> {
    let (row, column) = (pixel.row as f64 + down, pixel.column as f64 + right);
    let position = Position::of_pixel(row, column, height, width);
    position.is_inside().then_some(position)
}

/// Where the first overview's frame lies now in the deflection range; `None` when it has left the
/// range.
pub(crate) fn field(
    frame: DeflectionFrame,
    shift: (f64, f64),
    (height, width): (usize, usize),
) -> Option<Field> {
    let DeflectionFrame {
        left,
        top,
        right,
        bottom,
    } = frame;
    let across = shift.1 / width as f64 * (right - left);
    let down = shift.0 / height as f64 * (bottom - top);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_and_the_instrument_go_to_the_same_place() {
        for shift in [(0.0, 0.0), (2.25, -3.5), (-5.0, 4.9)] {
            let pixel = Pixel {
                row: 20,
                column: 17,
            };
            let position = corrected(pixel, shift, (50, 40)).unwrap();
            let (row, column) = position.pixel(50, 40);
            assert!((row - 20.0 - shift.0).abs() < 1e-9 && (column - 17.0 - shift.1).abs() < 1e-9);
            let field = field(DeflectionFrame::WITH_ROOM, shift, (50, 40)).unwrap();
            let (x, y) = field.position(pixel, 50, 40).unwrap();
            // The frame is three quarters of the range, after an eighth of it.
            let expected = |fraction: f64| (0.125 + 0.75 * fraction) * 65_536.0;
            assert!((f64::from(x) - expected(position.x)).abs() < 2.0);
            assert!((f64::from(y) - expected(position.y)).abs() < 2.0);
        }
    }

    #[test]
    fn what_has_left_the_frame_or_the_range_has_no_place() {
        let full = |shift| field(DeflectionFrame::FULL, shift, (50, 40));
        let pixel = Pixel { row: 2, column: 39 };
        let place = |shift| corrected(pixel, shift, (50, 40));
        assert!(full((0.0, 0.0)) == Some(Field::FULL) && place((0.0, 0.0)).is_some());
        assert!(place((0.0, 0.6)).is_none() && full((0.0, 0.6)).is_none());
        assert!(place((-2.6, 0.0)).is_none());
        let with_room = |shift| field(DeflectionFrame::WITH_ROOM, shift, (50, 40));
        assert!(with_room((8.0, -6.0)).is_some());
        assert!(with_room((8.5, 0.0)).is_none());
    }
}
