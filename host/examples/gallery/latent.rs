//! A stand-in for the latent plane of the autoencoder: mean and contrast of each patch.

use crate::Outcome;
use crate::read::{coords, indices, npy, order};
use beacon_host::internal::figures::{LatentFigure, Manifold};
use beacon_host::internal::plot::{FigureStyle, save_all};
use std::path::Path;

const WINDOW: usize = 16;
const NODES: usize = 12;

/// Draws the plane with a published run, with and without what it decodes to.
pub(crate) fn draw(folder: &Path, out: &Path) -> Outcome {
    let image: Vec<f64> = npy(&folder.join("image.npy"))?;
    let patches: Vec<Vec<f64>> = coords(&folder.join("coords.npy"))?
        .into_iter()
        .map(|(row, column)| {
            let corner = (row - WINDOW / 2, column - WINDOW / 2);
            let at = |i: usize| image[(corner.0 + i / WINDOW) * 50 + corner.1 + i % WINDOW];
            (0..WINDOW * WINDOW).map(at).collect()
        })
        .collect();
    let latent: Vec<(f64, f64)> = patches
        .iter()
        .map(|patch| {
            let mean = patch.iter().sum::<f64>() / patch.len() as f64;
            let square = patch.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let contrast = (square / patch.len() as f64).sqrt();
            (6.0 * mean - 3.0, 20.0 * contrast - 2.0)
        })
        .collect();
    let node = |i: usize| -2.0 + 4.0 * i as f64 / (NODES - 1) as f64;
    let nodes: Vec<f64> = (0..NODES).map(node).collect();
    let mut decoded = Vec::new();
    for y in &nodes {
        for x in &nodes {
            let distance = |i: &usize| (latent[*i].0 - x).hypot(latent[*i].1 - y);
            let nearest = (0..patches.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let patch = &patches[nearest.ok_or("no patches")?];
            decoded.extend(patch.iter().map(|v| *v as f32));
        }
    }
    let manifold = Manifold {
        x: &nodes,
        y: &nodes,
        window: WINDOW,
        patches: &decoded,
    };
    let seeds = indices(&folder.join("seeds.npy"))?;
    let order = order(&folder.join("published_beacon.csv"))?;
    let figure = LatentFigure {
        strategy: "BEACON",
        candidates: &latent,
        seeds: &seeds,
        order: &order,
        manifold: Some(manifold),
    };
    save_all(out, "latent", &figure, FigureStyle::default())?;
    let alone = LatentFigure {
        order: &[],
        manifold: None,
        ..figure
    };
    save_all(out, "latent_alone", &alone, FigureStyle::default())?;
    Ok(())
}
