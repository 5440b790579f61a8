//! What in the data spoils a campaign that nothing else would tell of.

use beacon_kernel::{Candidates, Edges};

use crate::campaign::{CampaignConfig, State};
use crate::data::Map;

/// A pixel farther outside the middle 99.8 % of an image than so many times their range is no structure.
const FAR: f64 = 50.0;
/// So many equal responses are no chance.
const EQUAL: usize = 10;

/// What a person should know of an image before anything is measured.
pub(super) fn on_image(image: &Map, config: &CampaignConfig) -> Vec<String> {
    let mut notes: Vec<String> = far_pixels(image).into_iter().collect();
    let (height, width) = (image.height(), image.width());
    if config.edges == Edges::Reflect && config.window > height.min(width) {
        let window = config.window;
        notes.push(format!(
            "the window of {window} pixels is larger than the image of {height} x {width}: most of every \
             window is reflection"
        ));
    }
    notes
}

/// Lines at the edge of a map that are too few to be told from chance.
#[cfg(any(test, feature = "cli"))]
const FEW_LINES: usize = 2;
/// Share of the pixels elsewhere that may have the value that a border is filled with.
#[cfg(any(test, feature = "cli"))]
const RARE: f64 = 0.01;

/// Tells of edges of a map that software filled in, as an alignment leaves them: whole rows and columns of
/// one value, which is hardly anywhere else.
#[cfg(any(test, feature = "cli"))]
pub(crate) fn filled_edges(map: &Map, what: &str) -> Option<String> {
    let (height, width) = (map.height(), map.width());
    if height == 0 || width == 0 {
        return None;
    }
    let row = |row: usize| (0..width).map(move |column| map.at(row, column));
    let column = |column: usize| (0..height).map(move |row| map.at(row, column));
    let corners = [(0, 0), (height - 1, width - 1)].map(|(y, x)| map.at(y, x));
    let value = corners.into_iter().find(|value| {
        let is = |other: f64| other.to_bits() == value.to_bits();
        let rows = row(0).all(is) || row(height - 1).all(is);
        value.is_finite() && (rows || column(0).all(is) || column(width - 1).all(is))
    })?;
    let is = |other: f64| other.to_bits() == value.to_bits();
    let top = (0..height).take_while(|&at| row(at).all(is)).count();
    let bottom = (top..height)
        .rev()
        .take_while(|&at| row(at).all(is))
        .count();
    if top + bottom == height {
        return None;
    }
    let left = (0..width).take_while(|&at| column(at).all(is)).count();
    let right = (left..width)
        .rev()
        .take_while(|&at| column(at).all(is))
        .count();
    // Beside what was filled in, measured numbers differ along a line; those of drawn patterns do not.
    let plain_row = |at: usize| row(at).all(|x| x.to_bits() == map.at(at, left).to_bits());
    let plain_column = |at: usize| column(at).all(|x| x.to_bits() == map.at(top, at).to_bits());
    let drawn = (top > 0 && plain_row(top))
        || (bottom > 0 && plain_row(height - bottom - 1))
        || (left > 0 && plain_column(left))
        || (right > 0 && plain_column(width - right - 1));
    let within = (top..height - bottom).flat_map(|y| (left..width - right).map(move |x| (y, x)));
    let elsewhere = within.filter(|&(y, x)| is(map.at(y, x))).count() as f64;
    let inside = (height - top - bottom) * (width - left - right);
    let lines = top + bottom + left + right;
    if drawn || lines < FEW_LINES || elsewhere > RARE * inside as f64 {
        return None;
    }
    let named = |count: usize, side: &str, line: &str| match count {
        0 => None,
        1 => Some(format!("the {side} {line}")),
        _ => Some(format!("the {side} {count} {line}s")),
    };
    let sides = [
        named(top, "upper", "row"),
        named(bottom, "lower", "row"),
        named(left, "left", "column"),
        named(right, "right", "column"),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    let sides = sides.join(", ");
    Some(format!(
        "{sides} of the {what} are {value} throughout, and hardly a pixel is elsewhere: where software filled \
         them in, nothing is to be learned; a mask leaves them out (--mask FILE), and so does --edges inside for half a \
         window at every edge"
    ))
}

fn far_pixels(image: &Map) -> Option<String> {
    let known = || image.values.iter().copied().filter(|x| x.is_finite());
    let mut sorted: Vec<f64> = known().collect();
    sorted.sort_by(f64::total_cmp);
    let tail = sorted.len().div_ceil(1000);
    let low = *sorted.get(tail)?;
    let high = *sorted.get(sorted.len().checked_sub(1 + tail)?)?;
    let reach = FAR * (high - low);
    let beyond = |x: f64| (x - high).max(low - x);
    if reach <= 0.0 {
        return None;
    }
    let pixels = image.values.iter().copied().enumerate();
    let far = pixels.filter(|(_, x)| x.is_finite() && beyond(*x) > reach);
    let far: Vec<_> = far.collect();
    let &(index, value) = far
        .iter()
        .max_by(|a, b| beyond(a.1).total_cmp(&beyond(b.1)))?;
    let (row, column) = (index / image.width(), index % image.width());
    let count = far.len();
    let pixels = if count == 1 { "pixel" } else { "pixels" };
    Some(format!(
        "the image has {count} {pixels} far beyond the others, row {row} column {column} is {value}; \
         features are spoilt by it: clip it"
    ))
}

/// What a person should know of the responses that were measured.
pub(super) fn on_responses(state: &State) -> Vec<String> {
    let responses: Vec<f64> = state.usable().map(|(_, response)| response).collect();
    if let [first, _, ..] = responses[..]
        && same(&responses).is_some()
    {
        let count = responses.len();
        return vec![format!(
            "all {count} responses are {first}: nothing to learn"
        )];
    }
    border(state).into_iter().collect()
}

/// Tells of a border that an instrument or its software filled in: one value there, which is nowhere
/// else.
fn border(state: &State) -> Option<String> {
    let all = state
        .candidates()
        .filter(|all| all.edges() == Edges::Reflect)?;
    let (height, width, window) = (all.height(), all.width(), all.window());
    let inside = Candidates::with_edges(height, width, window, Edges::Inside).ok()?;
    let (mut border, mut rest) = (Vec::new(), Vec::new());
    for (point, response) in state.usable() {
        let within = inside.at(point.pixel).is_some();
        let part = if within { &mut rest } else { &mut border };
        part.push(response);
    }
    let value = same(&border).filter(|_| border.len() >= EQUAL)?;
    let elsewhere = rest.iter().any(|x| x.to_bits() == value.to_bits());
    (!elsewhere).then(|| {
        let count = border.len();
        format!(
            "all {count} responses at the border of half a window are {value}, and no other is: \
             `--edges inside` leaves it out"
        )
    })
}

/// The value that all of these have.
fn same(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    let alike = |x: &f64| x.to_bits() == first.to_bits();
    values.iter().all(alike).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::state::tests::measured;

    fn image(side: usize) -> Map {
        let values = (0..side * side).map(|n| ((n * 37) % 101) as f64);
        Map::uncalibrated(side, side, values.collect(), "image")
    }

    #[test]
    fn pixels_far_beyond_all_others_are_named_and_bright_ones_are_not() {
        let config = CampaignConfig::default();
        let mut image = image(30);
        image.values[65] = 1000.0;
        assert_eq!(on_image(&image, &config), Vec::<String>::new());
        image.values[65] = -1e6;
        let said = on_image(&image, &config).concat();
        assert!(
            said.contains("1 pixel far beyond the others, row 2 column 5 is -1000000"),
            "{said}"
        );
    }

    #[test]
    fn equal_responses_are_nothing_to_learn_from_and_one_other_is_enough() {
        let points = |last: f64| -> Vec<((usize, usize), f64)> {
            let place = |n: usize| ((n % 8, (3 * n) % 8), if n < 5 { 7.5 } else { last });
            (0..6).map(place).collect()
        };
        assert_eq!(
            on_responses(&measured(&points(7.5))),
            ["all 6 responses are 7.5: nothing to learn"]
        );
        assert_eq!(on_responses(&measured(&points(7.0))), Vec::<String>::new());
        assert_eq!(
            on_responses(&measured(&points(7.5)[..1])),
            Vec::<String>::new()
        );
    }

    /// With windows of 4, a pixel is of the border where its row or column is 0, 1 or 7.
    #[test]
    fn a_border_that_was_filled_in_is_told_from_one_that_was_measured() {
        let border = (0..8)
            .map(|column| (0, column))
            .chain([(1, 3), (7, 3), (4, 7)]);
        let filled: Vec<_> = border.map(|pixel| (pixel, 0.0)).collect();
        let inside = [((4, 4), 2.0), ((3, 5), 1.0)];
        let whole = [&filled[..], &inside].concat();
        assert_eq!(
            on_responses(&measured(&whole)),
            [
                "all 11 responses at the border of half a window are 0, and no other is: `--edges inside` \
              leaves it out"
            ]
        );
        // Fewer may be chance; what is met elsewhere as well is no filling; and one that differs is none.
        let few = [&filled[..9], &inside].concat();
        let elsewhere = [&whole[..], &[((5, 3), 0.0)]].concat();
        let differs = [&whole[..], &[((6, 0), 1.5)]].concat();
        for points in [few, elsewhere, differs] {
            assert_eq!(on_responses(&measured(&points)), Vec::<String>::new());
        }
    }

    #[test]
    fn edges_that_software_filled_in_are_named_and_single_lines_are_not() {
        let filled = |top: usize, right: usize, value: f64| {
            let mut map = image(30);
            for row in 0..30 {
                for column in 0..30 {
                    if row < top || column >= 30 - right {
                        map.values[30 * row + column] = value;
                    }
                }
            }
            filled_edges(&map, "response")
        };
        let said = filled(3, 1, -1.0).unwrap();
        let begin = "the upper 3 rows, the right column of the response are -1 throughout";
        assert!(said.starts_with(begin) && said.contains("--mask"), "{said}");
        assert!(
            filled(0, 4, 0.5)
                .unwrap()
                .starts_with("the right 4 columns")
        );
        for (top, right, value) in [
            (0, 0, 0.0),
            (1, 0, -1.0),
            (30, 0, 2.0),
            (0, 30, 2.0),
            (3, 0, f64::NAN),
        ] {
            assert_eq!(filled(top, right, value), None, "{top}, {right}");
        }
        // Stripes are drawn.
        let stripes = (0..900).map(|n| f64::from(n / 150)).collect();
        assert_eq!(
            filled_edges(&Map::uncalibrated(30, 30, stripes, "image"), "image"),
            None
        );
        // Where many pixels elsewhere have it, a few rows of it are no filling.
        let mut coarse = image(30);
        coarse
            .values
            .iter_mut()
            .for_each(|value| *value = (*value / 50.0).floor());
        coarse.values[..90].fill(0.0);
        assert_eq!(filled_edges(&coarse, "image"), None);
    }

    #[test]
    fn a_window_larger_than_the_image_is_mostly_reflection() {
        let config = CampaignConfig::default();
        assert_eq!(on_image(&image(16), &config), Vec::<String>::new());
        let said = on_image(&image(15), &config).concat();
        assert!(
            said.contains("window of 16 pixels is larger than the image of 15 x 15"),
            "{said}"
        );
    }
}
