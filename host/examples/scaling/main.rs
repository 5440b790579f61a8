//! How the parts of a campaign's step grow with the number of candidates and of measured points:
//! `scaling OUT` measures them on a built-in specimen, writes the picture `scaling.png` into the
//! folder OUT and prints the tables.
//!
//! Every cost is a ratio, with a decision among 2401 candidates at 310 points as one, all from
//! one run: seconds would be those of one computer.

#[allow(dead_code, reason = "benchmarks and examples each take their part")]
#[path = "../../benches/host/scene.rs"]
mod scene;
mod step;

use std::error::Error;
use std::path::Path;

use beacon_host::internal::figures::{Growth, GrowthFigure, GrowthPanel, PowerLaw};
use beacon_host::internal::plot::save;

use step::{PARTS, measure};

/// Square roots of the numbers of candidates.
const ROOTS: [usize; 7] = [32, 49, 100, 178, 316, 562, 1000];
const POINTS: [usize; 6] = [10, 30, 100, 310, 560, 1000];
/// Where the unit is measured, and both series meet.
const ROOT: usize = 49;
const MEASURED: usize = 310;

/// Costs of the parts at one size, the size first.
type Row = (f64, [f64; PARTS.len()]);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, out] = &arguments[..] else {
        return Err("expected a folder: scaling OUT".into());
    };
    // The first is slow: nothing is warm yet.
    measure(ROOT, MEASURED)?;
    let shared = measure(ROOT, MEASURED)?;
    let [unit, ..] = shared;
    let row = |size: usize, root: usize, points: usize| -> Result<Row, Box<dyn Error>> {
        let costs = if (root, points) == (ROOT, MEASURED) {
            shared
        } else {
            measure(root, points)?
        };
        Ok((size as f64, costs.map(|cost| cost / unit)))
    };
    let by_candidates = ROOTS.map(|root| row(root * root, root, MEASURED));
    let by_candidates = by_candidates.into_iter().collect::<Result<Vec<Row>, _>>()?;
    let by_points = POINTS.map(|points| row(points, ROOT, points));
    let by_points = by_points.into_iter().collect::<Result<Vec<Row>, _>>()?;
    print(&format!("candidates, at {MEASURED} points"), &by_candidates);
    print(
        &format!("points, at {} candidates", ROOT * ROOT),
        &by_points,
    );

    let columns = [columns(&by_candidates), columns(&by_points)];
    let figure = GrowthFigure {
        unit: "decisions among 2401 at 310",
        panels: vec![
            panel("candidates", &columns[0]),
            panel("measured points", &columns[1]),
        ],
    };
    save(&figure, &Path::new(out).join("scaling.png"))?;
    Ok(())
}

fn panel<'a>(size: &'a str, columns: &'a [Vec<(f64, f64)>; PARTS.len()]) -> GrowthPanel<'a> {
    let costs = PARTS.iter().zip(columns);
    GrowthPanel {
        size,
        costs: costs
            .map(|(label, points)| Growth { label, points })
            .collect(),
    }
}

/// Size and cost of each part.
fn columns(rows: &[Row]) -> [Vec<(f64, f64)>; PARTS.len()] {
    std::array::from_fn(|part| {
        rows.iter()
            .map(|(size, costs)| (*size, costs[part]))
            .collect()
    })
}

/// A table in Markdown, closed by the exponents over all sizes and over the largest.
fn print(sizes: &str, rows: &[Row]) {
    println!("| {sizes} | {} |", PARTS.join(" | "));
    println!("|{}", "---|".repeat(1 + PARTS.len()));
    for (size, costs) in rows {
        let costs = costs.map(|cost| format!("{cost:.2}")).join(" | ");
        println!("| {size} | {costs} |");
    }
    let columns = columns(rows);
    let growths = panel(sizes, &columns).costs;
    let line = |which: &str, points: fn(&Growth<'_>) -> Option<PowerLaw>| {
        let laws = growths.iter().map(points);
        let exponents =
            laws.map(|law| law.map_or(String::new(), |law| format!("{:.2}", law.exponent)));
        println!(
            "| {which} | {} |",
            exponents.collect::<Vec<_>>().join(" | ")
        );
    };
    line("exponent", |growth| PowerLaw::fit(growth.points));
    line("of the largest three", |growth| {
        PowerLaw::fit(growth.largest())
    });
    println!();
}
