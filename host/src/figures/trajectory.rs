//! Where a campaign measured, and in which order.

use super::marked::Marked;
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, TITLE, even, text_width};
use crate::plot::colour_bar::ColourBar;
use crate::plot::image_frame::ImageFrame;
use crate::plot::image_panel::{ImagePanel, panel_height, robust_range, side_by_side};
use crate::plot::labels::{Label, place};
use crate::plot::palette::{ColourMap, INK};
use crate::plot::{Figure, FigureError};
use plotters::style::{Color, RGBColor, WHITE};

/// The measurements of one campaign, in order; pixels as `(row, column)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trajectory<'a> {
    /// Name of the strategy, as it is to be read.
    pub strategy: &'a str,
    /// Measured before the strategy had a say.
    pub seeds: &'a [(usize, usize)],
    /// Measured by decision, first to last.
    pub steps: &'a [(usize, usize)],
    /// Where it could not measure, and what people did.
    pub marked: Marked<'a>,
}

impl Trajectory<'_> {
    /// Refuses pixels outside the image.
    pub(super) fn check(&self, map: &Map) -> Result<(), FigureError> {
        for (what, pixels) in [
            ("seed", self.seeds),
            ("step", self.steps),
            ("discarded point", self.marked.discarded),
            ("point of a person", self.marked.by_people),
        ] {
            let outside =
                |&(row, column): &(usize, usize)| row >= map.height() || column >= map.width();
            if let Some(i) = pixels.iter().position(outside) {
                return Err(FigureError::Outside {
                    what,
                    index: i + 1,
                    row: pixels[i].0,
                    column: pixels[i].1,
                    height: map.height(),
                    width: map.width(),
                });
            }
        }
        Ok(())
    }
}

/// The image in grey under the trajectory: seeds as white circles, steps as dots coloured
/// and numbered by step; a short trajectory is linked by a line.
#[derive(Clone, Copy, Debug)]
pub struct TrajectoryFigure<'a> {
    /// What the decisions were made on.
    pub image: &'a Map,
    /// What was measured.
    pub trajectory: Trajectory<'a>,
}

const SIDE: i32 = 1800;
/// Above this many steps a line is a tangle.
const MOST_LINKED: usize = 30;
/// About as many numbers as can be found again.
const MOST_NUMBERED: usize = 30;

impl Figure for TrajectoryFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let (_, width) = side_by_side(self.image, SIDE, &[true]);
        let key = self.trajectory.marked.key_height(width);
        even(width, panel_height(self.image, SIDE) + key)
    }

    fn check(&self) -> Result<(), FigureError> {
        self.trajectory.check(self.image)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let panel = ImagePanel {
            map: self.image,
            colours: ColourMap::DimGrey,
            range: robust_range(self.image),
            title: self.trajectory.strategy,
            colour_bar: false,
            row_axis: true,
            place: (0, 1),
        };
        let frame = panel.draw(canvas, (0, 0), SIDE)?;
        let radius = ((frame.cell() * 0.38).round() as i32).clamp(9, 20);
        draw_seed_key(canvas, &self.trajectory, &frame, radius)?;
        let count = self.trajectory.steps.len();
        draw_steps(canvas, &self.trajectory, &frame, radius, count)?;
        let at = |pixels: &[(usize, usize)]| -> Vec<(i32, i32)> {
            pixels
                .iter()
                .map(|&(row, column)| frame.centre(row, column))
                .collect()
        };
        let (seeds, steps) = (at(self.trajectory.seeds), at(self.trajectory.steps));
        number(canvas, &steps, &seeds, radius, &frame)?;
        let (_, width) = side_by_side(self.image, SIDE, &[true]);
        let corner = (frame.left, panel_height(self.image, SIDE));
        (self.trajectory.marked).draw_key(canvas, corner, width)?;
        if steps.len() > 1 {
            let bar = ColourBar::steps(steps.len());
            bar.draw(canvas, (frame.right() + 30, frame.top), frame.height)?;
        }
        Ok(())
    }
}

/// Says above the right end of an image what the white circles are.
pub(super) fn draw_seed_key(
    canvas: &Canvas<'_>,
    trajectory: &Trajectory<'_>,
    frame: &ImageFrame,
    radius: i32,
) -> DrawResult {
    let label = match trajectory.seeds.len() {
        0 => return Ok(()),
        1 => "1 seed".to_owned(),
        seeds => format!("{seeds} seeds"),
    };
    let (x, y) = (frame.right(), frame.top - 40);
    let width = text_width(&label, TEXT) * 11 / 10;
    let taken = text_width(trajectory.strategy, TITLE) * 11 / 10 + 40 + canvas.letter_room(2);
    if width + 2 * radius + taken > frame.width {
        return Ok(());
    }
    canvas.text(&label, (x, y), Hang::Right, TEXT, INK)?;
    draw_seed(canvas, (x - width - radius - 16, y), radius)
}

/// Seeds in white, then the steps in order, coloured from the first to step `of`; a short
/// trajectory is linked by a line.
pub(super) fn draw_steps(
    canvas: &Canvas<'_>,
    trajectory: &Trajectory<'_>,
    frame: &ImageFrame,
    radius: i32,
    of: usize,
) -> DrawResult {
    let at = |&(row, column): &(usize, usize)| frame.centre(row, column);
    trajectory.marked.draw_under(canvas, frame)?;
    if trajectory.steps.len() <= MOST_LINKED {
        for pair in trajectory.steps.windows(2) {
            canvas.line(at(&pair[0]), at(&pair[1]), WHITE.mix(0.75), 3)?;
        }
    }
    for seed in trajectory.seeds {
        draw_seed(canvas, at(seed), radius)?;
    }
    for (i, step) in trajectory.steps.iter().enumerate() {
        draw_step(canvas, at(step), radius, step_colour(i, of))?;
    }
    trajectory.marked.draw_over(canvas, frame, radius)
}

/// Colour of a step counted from 0, of so many.
pub(super) fn step_colour(step: usize, of: usize) -> RGBColor {
    ColourMap::Viridis.colour(step as f64 / of.saturating_sub(1).max(1) as f64)
}

pub(super) fn draw_step(
    canvas: &Canvas<'_>,
    centre: (i32, i32),
    radius: i32,
    colour: RGBColor,
) -> DrawResult {
    // White between dark and the colour: one of them shows on any grey, and the darkest colours on a
    // dark image.
    canvas.dot(centre, radius + 6, INK)?;
    canvas.dot(centre, radius + 4, RGBColor(255, 255, 255))?;
    canvas.dot(centre, radius, colour)
}

pub(super) fn draw_seed(canvas: &Canvas<'_>, centre: (i32, i32), radius: i32) -> DrawResult {
    canvas.dot(centre, radius + 6, INK)?;
    canvas.dot(centre, radius + 1, RGBColor(255, 255, 255))
}

/// Numbers the first and the last step and round ones between, on small dark plates.
fn number(
    canvas: &Canvas<'_>,
    steps: &[(i32, i32)],
    seeds: &[(i32, i32)],
    radius: i32,
    frame: &ImageFrame,
) -> DrawResult {
    let chosen = numbered(steps.len());
    let wanted: Vec<Label> = chosen
        .iter()
        .map(|step| Label {
            dot: steps[step - 1],
            size: (text_width(&step.to_string(), SMALL) + 12, 36),
        })
        .collect();
    let dots: Vec<(i32, i32)> = steps.iter().chain(seeds).copied().collect();
    for ((step, label), centre) in chosen
        .iter()
        .zip(&wanted)
        .zip(place(&wanted, &dots, radius, frame))
    {
        let Some(centre) = centre else { continue };
        let (width, height) = label.size;
        canvas.fill_rectangle(
            (centre.0 - width / 2, centre.1 - height / 2),
            (centre.0 + width / 2, centre.1 + height / 2),
            RGBColor(255, 255, 255),
        )?;
        canvas.text(&step.to_string(), centre, Hang::Centre, SMALL, INK)?;
        // Drawn again, so that no plate hides the dot a number belongs to.
        canvas.dot(label.dot, radius + 5, RGBColor(255, 255, 255))?;
        canvas.dot(label.dot, radius, step_colour(step - 1, steps.len()))?;
    }
    Ok(())
}

/// Steps to number, counted from 1, the most important first.
fn numbered(steps: usize) -> Vec<usize> {
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500]
        .into_iter()
        .find(|every| steps / every <= MOST_NUMBERED && (*every >= 10 || steps <= MOST_NUMBERED))
        .unwrap_or(1000);
    let mut chosen: Vec<usize> = [1, steps]
        .into_iter()
        .filter(|step| *step <= steps)
        .collect();
    chosen.extend((1..=steps / every).map(|i| i * every));
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|step| *step > 0 && seen.insert(*step));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_numbered_at_round_steps() {
        assert_eq!(numbered(0), Vec::<usize>::new());
        assert_eq!(numbered(1), [1]);
        assert_eq!(numbered(3), [1, 3, 2]);
        assert_eq!(&numbered(300)[..4], [1, 300, 10, 20]);
        assert_eq!(&numbered(555)[..4], [1, 555, 20, 40]);
        assert_eq!(numbered(35), [1, 35, 10, 20, 30]);
    }

    #[test]
    fn pixels_outside_the_image_are_named() {
        let image = Map::uncalibrated(4, 5, vec![0.0; 20], "HAADF");
        let trajectory = Trajectory {
            strategy: "ei",
            seeds: &[(3, 4)],
            steps: &[(1, 1), (4, 0)],
            ..Trajectory::default()
        };
        assert_eq!(
            trajectory.check(&image).unwrap_err().to_string(),
            "step 2 lies at row 4, column 0, outside the image of 4 rows and 5 columns"
        );
    }
}
