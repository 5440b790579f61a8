//! Pairs of responses, and of components, of a specimen in which no single one shows what is rare.

use crate::Outcome;
use beacon_host::components::Basis;
use beacon_host::data::{Axis, Spectra};
use beacon_host::internal::figures::{PairedResponse, PairsFigure};
use beacon_host::internal::plot::save;
use beacon_host::internal::specimen::SpecimenChoice;
use beacon_host::scalarizer::Scalarizer;
use std::path::Path;

/// Points measured, of which the first are seeds.
const POINTS: usize = 90;
const SEEDS: usize = 10;

/// Draws two, three and four responses, and three components.
pub(crate) fn draw(out: &Path) -> Outcome {
    let choice: SpecimenChoice = "nanoparticles:1:joint".parse()?;
    let specimen = choice.config().make()?;
    let (height, width) = (specimen.image().height(), specimen.image().width());
    let values = (0..height * width).flat_map(|i| {
        let spectrum = specimen.spectrum(i / width, i % width);
        spectrum.into_iter().map(|counts| counts as f32)
    });
    let spectra = Spectra::new(
        Axis::pixels("y", height),
        Axis::pixels("x", width),
        specimen.channels().clone(),
        specimen.coordinates().to_vec(),
        values.collect(),
    );
    let mut responses = Vec::new();
    for text in ["line:Pd-La", "line:Au-Ma", "line:Cu-Ka", "sum"] {
        let scalarizer: Scalarizer = text.parse()?;
        let truth = specimen.truth(&scalarizer, 1.0)?.values;
        responses.push((
            text.to_owned(),
            "counts",
            truth,
            scalarizer.map(&spectra)?.values,
        ));
    }
    let basis = Basis::of_all("spectrum:3".parse()?, &spectra)?;
    let mut components = Vec::new();
    for map in basis.maps(&spectra)? {
        components.push((map.quantity, "√counts", map.values.clone(), map.values));
    }
    for (name, shown) in [
        ("pairs-2.png", &responses[..2]),
        ("pairs-3.png", &responses[..3]),
        ("pairs-4.png", &responses[..]),
        ("pairs-components.png", &components[..]),
    ] {
        // One after the other, all over the frame.
        let points: Vec<usize> = (0..POINTS)
            .map(|n| (n * 1567 + 40) % (height * width))
            .collect();
        let measured: Vec<Vec<f64>> = shown
            .iter()
            .map(|(_, _, _, values)| points.iter().map(|&point| values[point]).collect())
            .collect();
        let paired: Vec<PairedResponse<'_>> = shown
            .iter()
            .zip(&measured)
            .map(|((quantity, units, truth, _), measured)| PairedResponse {
                quantity,
                units,
                candidates: truth,
                seeds: &measured[..SEEDS],
                steps: &measured[SEEDS..],
            })
            .collect();
        let figure = PairsFigure {
            strategy: "spread evenly",
            responses: &paired,
        };
        save(&figure, &out.join(name))?;
    }
    Ok(())
}
