//! Numbers beside dots that neither overlap each other nor leave the image.

use super::image_frame::ImageFrame;

/// A number to be placed: the dot it belongs to, and its own width and height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) dot: (i32, i32),
    pub(crate) size: (i32, i32),
}

/// Most dots that a number may cover; where all places are worse, the number is left out.
const MOST_COVERED: usize = 2;

/// Centres for the numbers, in order of importance; `None` where there is no room.
///
/// Each takes the place around its dot, of eight, that covers the fewest `dots`, the upper
/// right first. Numbers placed before are never overlapped, nor are numbered dots.
pub(crate) fn place(
    wanted: &[Label],
    dots: &[(i32, i32)],
    radius: i32,
    frame: &ImageFrame,
) -> Vec<Option<(i32, i32)>> {
    let mut taken: Vec<Bounds> = Vec::new();
    wanted
        .iter()
        .map(|label| {
            let best = around(label, radius)
                .filter(|centre| {
                    let bounds = Bounds::new(*centre, label.size);
                    let hides =
                        |other: &Label| other.dot != label.dot && bounds.touches(other.dot, radius);
                    bounds.inside(frame)
                        && !taken.iter().any(|other| other.overlaps(&bounds))
                        && !wanted.iter().any(hides)
                })
                .map(|centre| {
                    let bounds = Bounds::new(centre, label.size);
                    (
                        dots.iter()
                            .filter(|dot| bounds.touches(**dot, radius))
                            .count(),
                        centre,
                    )
                })
                .min_by_key(|(covered, _)| *covered)
                .filter(|(covered, _)| *covered <= MOST_COVERED)
                .map(|(_, centre)| centre);
            taken.extend(best.map(|centre| Bounds::new(centre, label.size)));
            best
        })
        .collect()
}

fn around(label: &Label, radius: i32) -> impl Iterator<Item = (i32, i32)> {
    let (x, y) = label.dot;
    let (dx, dy) = (radius + label.size.0 / 2 + 3, radius + label.size.1 / 2 + 1);
    // At the corners the box may come closer: its own corner is far from the dot.
    let (cx, cy) = (dx - radius / 2, dy - radius / 2);
    [
        (cx, -cy),
        (dx, 0),
        (-cx, -cy),
        (cx, cy),
        (-dx, 0),
        (0, -dy),
        (-cx, cy),
        (0, dy),
    ]
    .into_iter()
    .map(move |(ox, oy)| (x + ox, y + oy))
}

struct Bounds {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Bounds {
    fn new((x, y): (i32, i32), (width, height): (i32, i32)) -> Self {
        Self {
            left: x - width / 2,
            top: y - height / 2,
            right: x + width / 2,
            bottom: y + height / 2,
        }
    }

    fn inside(&self, frame: &ImageFrame) -> bool {
        self.left >= frame.left
            && self.top >= frame.top
            && self.right <= frame.right()
            && self.bottom <= frame.bottom()
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn touches(&self, (x, y): (i32, i32), radius: i32) -> bool {
        let (nearest_x, nearest_y) = (
            x.clamp(self.left, self.right),
            y.clamp(self.top, self.bottom),
        );
        let (dx, dy) = (x - nearest_x, y - nearest_y);
        dx * dx + dy * dy < radius * radius
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: ImageFrame = ImageFrame {
        left: 0,
        top: 0,
        width: 400,
        height: 400,
        rows: 10,
        columns: 10,
    };

    #[test]
    fn a_lone_number_sits_at_the_upper_right() {
        let wanted = Label {
            dot: (200, 200),
            size: (40, 20),
        };
        let centre = place(&[wanted], &[wanted.dot], 10, &FRAME)[0].unwrap();
        assert!(centre.0 > 200 && centre.1 < 200);
    }

    #[test]
    fn numbers_never_overlap_nor_leave_the_image() {
        let dots: Vec<(i32, i32)> = (0..200)
            .map(|i| ((i * 73) % 400, (i * i * 31) % 400))
            .collect();
        let wanted: Vec<Label> = dots
            .iter()
            .map(|&dot| Label {
                dot,
                size: (44, 24),
            })
            .collect();
        let placed: Vec<Bounds> = place(&wanted, &dots, 8, &FRAME)
            .into_iter()
            .flatten()
            .map(|centre| Bounds::new(centre, (44, 24)))
            .collect();
        assert!(placed.len() > 10);
        for (i, one) in placed.iter().enumerate() {
            assert!(one.inside(&FRAME));
            assert!(placed[..i].iter().all(|other| !one.overlaps(other)));
        }
    }
}
