//! Spectra and hysteresis loops of real data.

use crate::Outcome;
use beacon_host::data::Spectra;
use beacon_host::data::files::{Dataset, read};
use beacon_host::internal::figures::{Arrangement, Marker, SpectraFigure, Spectrum, line_markers};
use beacon_host::internal::plot::{FigureStyle, save_all};
use std::path::Path;

/// Draws EDS spectra with the lines of their elements, and loops of piezoresponse.
pub(crate) fn draw(data: &Path, out: &Path) -> Outcome {
    let eds = spectra(&data.join("eds/haadf_eds_64_spectra.hspy"))?;
    let beps = spectra(&data.join("beps/BEPS_PTO_50x50.h5"))?;
    let markers = line_markers(["Cu", "O", "Pd", "Ti"]);
    let points = [(5, 6), (20, 31), (33, 40), (47, 12), (60, 60), (31, 31)];
    for count in [1, 3, 6] {
        let name = format!("eds_{count}");
        let range = Some((0.0, 10.0));
        write(
            out,
            &name,
            &eds,
            &points[..count],
            &markers,
            range,
            Arrangement::Stacked,
        )?;
    }
    write(
        out,
        "eds_overlaid",
        &eds,
        &points[..3],
        &markers,
        None,
        Arrangement::Overlaid,
    )?;
    let points = [(3, 4), (20, 31), (33, 40)];
    write(out, "loops", &beps, &points, &[], None, Arrangement::Loops)
}

fn spectra(file: &Path) -> Outcome<Spectra> {
    match read(&file.display().to_string())? {
        Dataset::Spectra(spectra) => Ok(spectra),
        Dataset::Map(_) => Err(format!("{}: expected spectra", file.display()).into()),
    }
}

fn write(
    out: &Path,
    name: &str,
    spectra: &Spectra,
    points: &[(usize, usize)],
    markers: &[Marker],
    range: Option<(f64, f64)>,
    arrangement: Arrangement,
) -> Outcome {
    let values: Vec<(String, Vec<f64>)> = points
        .iter()
        .enumerate()
        .map(|(i, &(row, column))| {
            let label = format!("step {}: row {row}, column {column}", 7 * i + 1);
            // Summed over a neighbourhood: a single pixel holds hardly any counts.
            let mut sum = vec![0.0; spectra.coordinates.len()];
            for r in row.saturating_sub(3)..(row + 3).min(spectra.height()) {
                for c in column.saturating_sub(3)..(column + 3).min(spectra.width()) {
                    for (sum, value) in sum.iter_mut().zip(spectra.at(r, c)) {
                        *sum += value;
                    }
                }
            }
            (label, sum)
        })
        .collect();
    let shown: Vec<Spectrum<'_>> = values
        .iter()
        .map(|(label, values)| Spectrum { label, values })
        .collect();
    let figure = SpectraFigure {
        axis: &spectra.channels.name,
        axis_units: &spectra.channels.units,
        coordinates: &spectra.coordinates,
        quantity: &spectra.quantity,
        units: &spectra.units,
        spectra: &shown,
        markers,
        shades: &[],
        range,
        arrangement,
        narrow: false,
    };
    save_all(out, name, &figure, FigureStyle::default())?;
    Ok(())
}
