//! Dashes: what tells lines apart when colour does not.

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stroke {
    /// An unbroken line.
    #[default]
    Solid,
    /// Dashes, for what is compared against, such as published runs or a baseline.
    Dashed,
    /// Dashes three times as long as their gaps.
    LongDashed,
    /// Dots.
    Dotted,
    /// A dash and a dot in turn.
    DashDot,
    /// A dash and two dots in turn.
    DashDotDot,
}

impl Stroke {
    /// Lengths of ink and gap in turn, in canvas units; empty for an unbroken line.
    pub(crate) fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[22.0, 13.2],
            Self::LongDashed => &[42.0, 14.0],
            Self::Dotted => &[7.0, 11.0],
            Self::DashDot => &[34.0, 12.0, 7.0, 12.0],
            Self::DashDotDot => &[34.0, 11.0, 7.0, 11.0, 7.0, 11.0],
        }
    }

    /// The inked stretches of a path, each as its corners in whole canvas units.
    pub(crate) fn cut(self, points: &[(f64, f64)]) -> Vec<Vec<(i32, i32)>> {
        let pattern = self.pattern();
        if pattern.is_empty() {
            return vec![points.iter().copied().map(rounded).collect()];
        }
        let mut result = Vec::new();
        let mut dash: Vec<(i32, i32)> = points.first().map(|p| rounded(*p)).into_iter().collect();
        let (mut turn, mut left) = (0, pattern[0]);
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            let mut done = 0.0;
            while length - done > left {
                done += left;
                let corner = rounded((
                    x0 + (x1 - x0) * done / length,
                    y0 + (y1 - y0) * done / length,
                ));
                if turn % 2 == 0 {
                    dash.push(corner);
                    result.push(std::mem::take(&mut dash));
                } else {
                    dash = vec![corner];
                }
                turn = (turn + 1) % pattern.len();
                left = pattern[turn];
            }
            left -= length - done;
            if turn % 2 == 0 {
                dash.push(rounded((x1, y1)));
            }
        }
        result.extend((dash.len() > 1).then_some(dash));
        result
    }
}

pub(crate) fn rounded((x, y): (f64, f64)) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_and_gaps_alternate_along_the_path() {
        let dashes = Stroke::Dashed.cut(&[(0.0, 0.0), (30.0, 0.0), (60.0, 0.0)]);
        assert_eq!(dashes[0], [(0, 0), (22, 0)]);
        assert_eq!(dashes[1][0], (35, 0));
        assert_eq!(dashes[1].last(), Some(&(57, 0)));
        assert_eq!(dashes.len(), 2);
    }

    #[test]
    fn a_solid_line_stays_whole() {
        let line = Stroke::Solid.cut(&[(0.0, 0.0), (99.6, 1.0)]);
        assert_eq!(line, [[(0, 0), (100, 1)]]);
    }

    #[test]
    fn patterns_end_with_a_gap() {
        for stroke in [
            Stroke::Dashed,
            Stroke::LongDashed,
            Stroke::Dotted,
            Stroke::DashDot,
            Stroke::DashDotDot,
        ] {
            assert!(stroke.pattern().len().is_multiple_of(2), "{stroke:?}");
        }
    }
}
