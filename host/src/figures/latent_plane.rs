//! What a learnt latent space puts into figures.

use super::latent::LatentFigure;
use super::manifold::Manifold;
use crate::spaces::LatentSpace;

/// Decoded patches along each axis: as many as can be made out side by side.
const SIDE: usize = 12;

/// A latent space in the numbers that [`LatentFigure`] is drawn from.
#[derive(Clone, Debug)]
pub struct LatentPlane {
    candidates: Vec<(f64, f64)>,
    x: Vec<f64>,
    y: Vec<f64>,
    window: usize,
    patches: Vec<f32>,
}

impl LatentPlane {
    /// The places of all candidates, and what the plane between them decodes to.
    pub fn new(space: &LatentSpace) -> Self {
        let manifold = space.manifold(SIDE);
        let wide = |axis: &[f32]| axis.iter().map(|&v| f64::from(v)).collect();
        let patches: Vec<f32> = manifold.patches.concat().concat();
        let means = space.means().iter();
        Self {
            candidates: means.map(|&[x, y]| (f64::from(x), f64::from(y))).collect(),
            x: wide(&manifold.first),
            y: wide(&manifold.second),
            window: (patches.len() / (SIDE * SIDE)).isqrt(),
            patches,
        }
    }

    /// A campaign in the plane, by candidate numbers.
    pub fn figure<'a>(
        &'a self,
        strategy: &'a str,
        seeds: &'a [usize],
        order: &'a [usize],
    ) -> LatentFigure<'a> {
        LatentFigure {
            strategy,
            candidates: &self.candidates,
            seeds,
            order,
            manifold: Some(Manifold {
                x: &self.x,
                y: &self.y,
                window: self.window,
                patches: &self.patches,
            }),
        }
    }
}
