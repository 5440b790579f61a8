//! `beacon look`: what files hold, and how they would be read.

use std::fmt::Write as _;

use beacon_kernel::Edges;
use clap::Args;

use super::data::DataArgs;
use super::replay::parse_scalarizer;
use super::{Failure, OrFail as _, input, print};
use crate::campaign::{CampaignConfig, edges_parser};
use crate::data::files::{self, Dataset, Signal, Wanted, plain};
use crate::data::{Axis, Map};
use crate::experiment::{Experiment as _, Replay};
use crate::plot::number::significant;
use crate::scalarizer::Scalarizer;

/// Arguments of `beacon look`.
#[derive(Clone, Debug, Args)]
pub(super) struct LookArgs {
    /// Files, or `FILE#path/inside`. Of two, the first is taken for the image and the second for the
    /// response, where they cover the same pixels.
    #[arg(value_name = "FILE", required = true)]
    response: Vec<String>,
    /// How a spectrum becomes a number, as in `beacon replay`; the sum over all channels where
    /// nothing is said.
    #[arg(long, value_name = "HOW", value_parser = parse_scalarizer)]
    scalarizer: Option<Scalarizer>,
    /// Side of the square window around each candidate, in pixels.
    #[arg(long, value_name = "PIXELS")]
    window: Option<usize>,
    /// Which pixels are candidates.
    #[arg(long, value_name = "WHICH", value_parser = edges_parser())]
    edges: Option<Edges>,
    #[command(flatten)]
    data: DataArgs,
}

/// Signals of a file that are shown.
const SHOWN: usize = 12;

/// Runs the command.
pub(super) fn run(args: &LookArgs) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for file in &args.response {
        match files::first(file, SHOWN) {
            Err(error) => failures.push(error.to_string()),
            Ok(found) => {
                print(&format!("{file}\n"))?;
                let several = found.shown.len() > 1;
                let is_empty = found.shown.is_empty();
                for (location, signal) in found.shown {
                    if several {
                        print(&format!("  {}\n", plain(&location)))?;
                    }
                    let signal = signal.map_err(|error| error.to_string());
                    let told = signal
                        .and_then(|signal| look(signal, &args.data, args.scalarizer.as_ref()));
                    match told {
                        Ok(told) => print(&told)?,
                        Err(told) if several => print(&format!("  {told}\n"))?,
                        Err(told) => failures.push(told),
                    }
                }
                if found.more > 0 {
                    print(&format!("  and {} more\n", found.more))?;
                }
                if let Some(cut) = found.cut {
                    print(&format!("  {cut}\n"))?;
                }
                if is_empty {
                    print("  nothing that is read as a map or as spectra\n")?;
                    // Why, as a campaign on it would say.
                    if let Err(reason) = files::open(file, Wanted::Any) {
                        failures.push(reason.to_string());
                    }
                }
            }
        }
    }
    if let [image, response] = args.response.as_slice()
        && failures.is_empty()
    {
        let told = together(image, response, args);
        let told = told.unwrap_or_else(|failure| format!("  no campaign: {}\n", failure.text()));
        print(&format!("together\n{told}"))?;
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(failures.join("; ")))
    }
}

/// One signal: how it is read, its values, and a picture.
fn look(signal: Signal, how: &DataArgs, scalarizer: Option<&Scalarizer>) -> Result<String, String> {
    let mut text = format!("  {}\n", describe(&signal));
    for (axis, coordinates) in signal.axes_with_values() {
        // A string takes any text.
        let _ = writeln!(text, "    {}", describe_axis(axis, coordinates));
    }
    for told in signal.warnings() {
        let _ = writeln!(text, "    warning: {told}");
    }
    let recorded = signal.conditions().to_string();
    if !recorded.is_empty() {
        let _ = writeln!(text, "    recorded with {recorded}");
    }
    let data = how.values(signal).map_err(Failure::text)?;
    let reduced;
    let picture = match &data {
        Dataset::Map(map) => map,
        Dataset::Spectra(spectra) => {
            let sum = scalarizer.unwrap_or(&Scalarizer::Sum);
            reduced = sum.map(spectra).map_err(|error| error.to_string())?;
            &reduced
        }
    };
    let values = &picture.values;
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let missing = values.len() - known().count();
    let of = match &data {
        Dataset::Map(_) => "values".to_owned(),
        Dataset::Spectra(_) => format!("`{}` of the spectra", picture.quantity),
    };
    let range = if low <= high {
        format!("from {} to {}", number(low), number(high))
    } else {
        "no number".to_owned()
    };
    let units = format!("{range} {}", picture.units);
    let _ = writeln!(
        text,
        "    {of} {}, {missing} of {} pixels without a number",
        units.trim_end(),
        values.len()
    );
    if let (Dataset::Spectra(spectra), Some(scalarizer)) = (&data, scalarizer)
        && let Some(cut) = scalarizer.cut(&spectra.coordinates, &spectra.channels)
    {
        let _ = writeln!(text, "    note: {cut}");
    }
    if let Dataset::Spectra(spectra) = &data
        && let Some(dominated) = scalarizer.unwrap_or(&Scalarizer::Sum).zero_peak(spectra)
    {
        let _ = writeln!(text, "    warning: {dominated}");
    }
    text.push_str(&drawn(picture, (low, high)));
    Ok(text)
}

fn describe(signal: &Signal) -> String {
    let sizes: Vec<String> = signal
        .axes()
        .iter()
        .map(|axis| axis.size.to_string())
        .collect();
    let kind = if signal.has_spectra() {
        "spectra, rows x columns x channels"
    } else {
        "a map, rows x columns"
    };
    let (quantity, units) = signal.quantity();
    let quantity = match (quantity, units) {
        ("", "") => String::new(),
        (quantity, "") => format!(" of {quantity}"),
        (quantity, units) => format!(" of {quantity} in {units}"),
    };
    format!("{kind} {}{quantity}", sizes.join(" x "))
}

/// A number of a file, to four digits.
fn number(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else {
        significant(value)
    }
}

fn describe_axis(axis: &Axis, coordinates: Option<&[f64]>) -> String {
    let units = if axis.units.is_empty() {
        "without units"
    } else {
        &axis.units
    };
    let (first, last) = match coordinates {
        Some([first, .., last]) => (*first, *last),
        _ => (axis.value(0), axis.value(axis.size.saturating_sub(1))),
    };
    let steps = match coordinates {
        Some(_) => "listed one by one".to_owned(),
        None => format!("in steps of {}", number(axis.scale)),
    };
    // A sweep that turns back ends where it began: its ends say nothing of its range.
    let low = coordinates
        .into_iter()
        .flatten()
        .copied()
        .fold(first, f64::min);
    let high = coordinates
        .into_iter()
        .flatten()
        .copied()
        .fold(first, f64::max);
    if low < first.min(last) || high > first.max(last) {
        return format!(
            "{}: {} between {} and {} {units}, a sweep that turns back, from {} to {}, {steps}",
            axis.name,
            axis.size,
            number(low),
            number(high),
            number(first),
            number(last)
        );
    }
    format!(
        "{}: {} from {} to {} {units}, {steps}",
        axis.name,
        axis.size,
        number(first),
        number(last)
    )
}

/// Columns of a picture.
const COLUMNS: usize = 64;
/// Characters from dark to bright.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// A map as text: two pixels' height for one character, `?` where there is no number.
fn drawn(map: &Map, (low, high): (f64, f64)) -> String {
    let columns = map.width().min(COLUMNS);
    let step = map.width() as f64 / columns as f64;
    let rows = ((map.height() as f64 / step / 2.0).ceil() as usize).clamp(1, COLUMNS);
    let down = map.height() as f64 / rows as f64;
    let mut text = String::new();
    for row in 0..rows {
        text.push_str("    ");
        for column in 0..columns {
            let at = |i: usize, step: f64, size: usize| {
                let (from, to) = (i as f64 * step, (i + 1) as f64 * step);
                let from = (from as usize).min(size - 1);
                from..(to as usize).clamp(from + 1, size)
            };
            let (ys, xs) = (at(row, down, map.height()), at(column, step, map.width()));
            let pixels = ys.flat_map(|y| xs.clone().map(move |x| (y, x)));
            let known = pixels
                .map(|(y, x)| map.at(y, x))
                .filter(|value| value.is_finite());
            let known: Vec<f64> = known.collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let share = (mean - low) / (high - low);
            text.push(if known.is_empty() {
                '?'
            } else if share.is_finite() {
                SHADES[((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1)]
            } else {
                SHADES[0]
            });
        }
        text.push('\n');
    }
    text
}

/// An image and a response: the candidates, their border, and what there is to learn.
fn together(image: &str, response: &str, args: &LookArgs) -> Result<String, Failure> {
    let sum = Scalarizer::Sum;
    let spectra = {
        let signal = args.data.response(response, Wanted::Any)?;
        signal.has_spectra()
    };
    let scalarizer = args.scalarizer.as_ref().or(spectra.then_some(&sum));
    let typed = format!("`--scalarizer {}`", scalarizer.unwrap_or(&sum));
    let sought: Vec<Scalarizer> = scalarizer.into_iter().cloned().collect();
    let given = scalarizer.map(|_| (&sought[..], typed.as_str()));
    let replay = input::read_replay(image, response, given, &args.data)?;
    let usual = CampaignConfig::default();
    let config = CampaignConfig {
        window: args.window.unwrap_or(usual.window),
        edges: args.edges.unwrap_or(usual.edges),
        ..usual
    };
    let learnable = replay.learnable(scalarizer);
    let filled = input::filled_edges(&replay, &config);
    let filled = filled.into_iter().map(|told| format!("  {told}\n"));
    Ok(format!(
        "{}{}  response: {learnable}\n",
        candidates(&replay, &config)?,
        filled.collect::<String>()
    ))
}

fn candidates(replay: &Replay, config: &CampaignConfig) -> Result<String, Failure> {
    let image = replay.image();
    let (height, width) = (image.height(), image.width());
    crate::campaign::check_window(image, config.window, config.edges).or_input()?;
    let all = config.candidates(height, width).or_input()?;
    let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let mut missing = 0;
    for (row, column) in pixels {
        let pixel = beacon_kernel::Pixel { row, column };
        let known = replay
            .truth()
            .is_some_and(|truth| truth.is_known(row, column));
        missing += usize::from(all.at(pixel).is_some() && !known);
    }
    let border = match config.edges {
        Edges::Inside => format!(
            "windows of {0} x {0} lie inside the image, which leaves a border of half a window out",
            config.window
        ),
        Edges::Reflect => format!(
            "windows of {0} x {0} are completed by reflection at the border, {1} pixels wide",
            config.window,
            config.window / 2
        ),
    };
    Ok(format!(
        "  candidates: {} of {height} x {width} pixels, {missing} of them masked or without data, and \
         not measured; {border}\n",
        all.count()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_that_turns_back_has_the_range_of_its_turns() {
        let axis = Axis {
            units: "V".to_owned(),
            ..Axis::pixels("Voltage", 5)
        };
        assert_eq!(
            describe_axis(&axis, Some(&[0.0, 8.5, 0.0, -8.5, -0.5])),
            "Voltage: 5 between -8.500 and 8.500 V, a sweep that turns back, from 0 to -0.5000, listed one by one"
        );
        assert_eq!(
            describe_axis(&axis, Some(&[0.0, 1.0, 3.0, 4.0, 5.0])),
            "Voltage: 5 from 0 to 5.000 V, listed one by one"
        );
    }

    #[test]
    fn a_picture_shows_dark_bright_and_missing_pixels() {
        let values = vec![0.0, 1.0, f64::NAN, 0.0, 1.0, f64::NAN];
        let map = Map::uncalibrated(2, 3, values, "map");
        assert_eq!(drawn(&map, (0.0, 1.0)), "     █?\n");
        let flat = Map::uncalibrated(1, 2, vec![3.0; 2], "map");
        assert_eq!(drawn(&flat, (3.0, 3.0)), "      \n");
        let long = Map::uncalibrated(1, 1000, vec![0.0; 1000], "map");
        assert_eq!(
            drawn(&long, (0.0, 1.0)).trim_end_matches('\n').len(),
            4 + COLUMNS
        );
    }
}
