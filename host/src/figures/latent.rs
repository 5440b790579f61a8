//! The latent plane of the autoencoder: Figure 4 of the paper.

use super::density::draw_density;
use super::manifold::Manifold;
use super::trajectory::{draw_seed, draw_step, step_colour};
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, TITLE, even, fitted, text_width};
use crate::plot::colour_bar::{self, ColourBar};
use crate::plot::palette::INK;
use crate::plot::plane::{FOOT, Plane, Scale};
use crate::plot::stroke::rounded;
use crate::plot::{Figure, FigureError};

/// Where the candidates lie in the latent plane, in grey, with a campaign over them coloured by
/// step; beside it what the plane decodes to.
#[derive(Clone, Copy, Debug)]
pub struct LatentFigure<'a> {
    /// Name of the strategy, as it is to be read.
    pub strategy: &'a str,
    /// Latent coordinates of every candidate.
    pub candidates: &'a [(f64, f64)],
    /// Candidate numbers of the seeds.
    pub seeds: &'a [usize],
    /// Candidate numbers of the steps, first to last.
    pub order: &'a [usize],
    /// The decoded plane, drawn at the right where there is one.
    pub manifold: Option<Manifold<'a>>,
}

const SIDE: i32 = 1100;
const TOP: i32 = 96;
const GAP: i32 = 30;
const RADIUS: i32 = 9;

impl LatentFigure<'_> {
    fn plane(&self) -> Plane {
        let x = Scale::around(self.candidates.iter().map(|(x, _)| *x));
        let y = Scale::around(self.candidates.iter().map(|(_, y)| *y));
        Plane {
            left: Plane::room(&y),
            top: TOP,
            width: SIDE,
            height: SIDE,
            x,
            y,
        }
    }

    /// Left edge of the manifold.
    fn manifold_left(&self, plane: &Plane, manifold: &Manifold<'_>) -> i32 {
        let bar = if self.order.len() > 1 {
            GAP + colour_bar::WIDTH
        } else {
            40
        };
        plane.right() + bar + manifold.room()
    }

    fn draw_campaign(&self, canvas: &Canvas<'_>, plane: &Plane) -> DrawResult {
        let at = |candidate: &usize| {
            let (x, y) = self.candidates[*candidate];
            let (x, y) = plane.at(x, y);
            (x.is_finite() && y.is_finite()).then(|| rounded((x, y)))
        };
        for centre in self.seeds.iter().filter_map(at) {
            draw_seed(canvas, centre, RADIUS)?;
        }
        for (i, candidate) in self.order.iter().enumerate() {
            if let Some(centre) = at(candidate) {
                draw_step(canvas, centre, RADIUS, step_colour(i, self.order.len()))?;
            }
        }
        Ok(())
    }
}

impl Figure for LatentFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let plane = self.plane();
        let right = match &self.manifold {
            Some(manifold) => self.manifold_left(&plane, manifold) + SIDE + 40,
            None if self.order.len() > 1 => plane.right() + GAP + colour_bar::WIDTH,
            None => plane.right() + 40,
        };
        even(right, plane.bottom() + FOOT)
    }

    fn check(&self) -> Result<(), FigureError> {
        for (what, numbers) in [("seed", self.seeds), ("step", self.order)] {
            if let Some(i) = numbers.iter().position(|n| *n >= self.candidates.len()) {
                return Err(FigureError::Candidate {
                    what,
                    index: i + 1,
                    candidate: numbers[i],
                    candidates: self.candidates.len(),
                });
            }
        }
        let Some(manifold) = &self.manifold else {
            return Ok(());
        };
        let expected = manifold.x.len() * manifold.y.len() * manifold.window * manifold.window;
        if manifold.patches.len() != expected {
            return Err(FigureError::Size {
                what: "decoded manifold".to_owned(),
                expected,
                found: manifold.patches.len(),
            });
        }
        Ok(())
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        let Some(manifold) = self.manifold else {
            return Vec::new();
        };
        let plane = Self {
            manifold: None,
            ..*self
        };
        vec![Box::new(plane), Box::new(Decoded(manifold))]
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let plane = self.plane();
        // The root shows where few candidates lie, which is where the rare ones are.
        draw_density(canvas, &plane, self.candidates, f64::sqrt)?;
        let [x, y] = ["latent dimension 1", "latent dimension 2"];
        plane.draw_axes(canvas, (x, ""), (y, ""))?;
        let label = match self.seeds.len() {
            1 => "1 seed".to_owned(),
            seeds => format!("{seeds} seeds"),
        };
        let width = text_width(&label, TEXT) * 11 / 10;
        let y = TOP - 44;
        let title = fitted(self.strategy, TITLE, SIDE - width - 160);
        let panels = 1 + usize::from(self.manifold.is_some());
        let letter = canvas.letter(0, panels, (plane.left, y))?;
        canvas.text(&title, (plane.left + letter, y), Hang::Left, TITLE, INK)?;
        if !self.seeds.is_empty() {
            canvas.text(&label, (plane.right(), y), Hang::Right, TEXT, INK)?;
            draw_seed(canvas, (plane.right() - width - RADIUS - 16, y), RADIUS)?;
        }
        self.draw_campaign(canvas, &plane)?;
        if self.order.len() > 1 {
            let bar = ColourBar::steps(self.order.len());
            bar.draw(canvas, (plane.right() + GAP, TOP), SIDE)?;
        }
        match &self.manifold {
            Some(manifold) => {
                manifold.draw(canvas, (self.manifold_left(&plane, manifold), TOP), SIDE)
            }
            None => Ok(()),
        }
    }
}

/// The decoded patches alone.
struct Decoded<'a>(Manifold<'a>);

impl Figure for Decoded<'_> {
    fn size(&self) -> (u32, u32) {
        even(self.0.room() + SIDE + 40, TOP + SIDE + FOOT)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        self.0.draw(canvas, (self.0.room(), TOP), SIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::draw_svg;

    const CANDIDATES: [(f64, f64); 3] = [(-1.0, 0.5), (0.25, f64::NAN), (2.0, -1.5)];

    fn figure() -> LatentFigure<'static> {
        LatentFigure {
            strategy: "beacon",
            candidates: &CANDIDATES,
            seeds: &[0],
            order: &[2, 1],
            manifold: None,
        }
    }

    #[test]
    fn candidates_that_do_not_exist_are_named() {
        let wrong = LatentFigure {
            order: &[2, 3],
            ..figure()
        };
        assert_eq!(
            draw_svg(&wrong).unwrap_err().to_string(),
            "step 2 is candidate 3, expected one below 3"
        );
    }

    #[test]
    fn a_manifold_needs_a_patch_for_every_point_of_its_grid() {
        let wrong = LatentFigure {
            manifold: Some(Manifold {
                x: &[0.0, 1.0],
                y: &[0.0],
                window: 2,
                patches: &[0.0; 7],
            }),
            ..figure()
        };
        assert_eq!(
            draw_svg(&wrong).unwrap_err().to_string(),
            "the decoded manifold has 7 values, expected 8"
        );
    }

    /// The third candidate is the rightmost and lowest, the first the highest with a place.
    #[test]
    fn the_plane_spans_the_candidates_that_have_a_place() {
        let plane = figure().plane();
        let (x, y) = plane.at(2.0, -1.5);
        assert!((x - f64::from(plane.right())).abs() < 60.0 && x < f64::from(plane.right()));
        assert!((y - f64::from(plane.bottom())).abs() < 60.0 && y < f64::from(plane.bottom()));
        assert_eq!(draw_svg(&figure()).unwrap().matches("<circle").count(), 7);
    }
}
