//! `beacon instrument`: an instrument tried out by hand, call by call, without a campaign.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::bench::Fractions;
use super::{Failure, OrFail as _, log, print, print_json};
use crate::data::files::{write_file, write_npy};
use crate::data::{Channels, Map};
use crate::microscope::{
    Acquired, Beam, BridgeMicroscope, Interrupt, Microscope, MicroscopeChoice, MicroscopeOptions,
    Position,
};
use crate::units::read::{picoamperes, seconds};

/// Arguments of `beacon instrument`.
#[derive(Debug, Args)]
pub(super) struct InstrumentArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Connect, show what the instrument says of itself, and blank the beam. Exposes nothing.
    Check(Place),
    /// Take one overview image.
    Overview(OverviewArgs),
    /// Move the blanked beam.
    Point(PointArgs),
    /// Acquire at one place.
    Acquire(AcquireArgs),
    /// Blank the beam at once, and end the exposure under way, also while a campaign runs: at a bridge over a
    /// connection of its own.
    Abort(Place),
}

/// Which instrument, and how to say what came of it.
#[derive(Clone, Debug, Args)]
struct Place {
    /// Which instrument: replay:IMAGE,RESPONSE, specimen[:NAME[:SEED]], pyro:HOST:PORT or
    /// bridge:HOST:PORT. A board is tried out with `beacon controller`.
    #[arg(long, value_name = "WHICH")]
    microscope: MicroscopeChoice,
    /// Beam current, in pA or as in 1nA; without it, what the instrument says.
    #[arg(long, value_name = "CURRENT", value_parser = picoamperes)]
    current: Option<f64>,
    /// Print one JSON object on standard output and nothing else.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: MicroscopeOptions,
}

/// Arguments of `overview`.
#[derive(Debug, Args)]
struct OverviewArgs {
    #[command(flatten)]
    place: Place,
    /// Write the image to this .npy file.
    #[arg(long, value_name = "FILE", value_parser = |text: &str| ending(text, "npy"))]
    out: Option<PathBuf>,
}

/// Arguments of `point`.
#[derive(Debug, Args)]
struct PointArgs {
    #[command(flatten)]
    place: Place,
    /// Where, in fractions of the overview's frame.
    #[arg(value_name = "X,Y")]
    at: Fractions,
}

/// Arguments of `acquire`.
#[derive(Debug, Args)]
struct AcquireArgs {
    #[command(flatten)]
    place: Place,
    /// Where, in fractions of the overview's frame.
    #[arg(value_name = "X,Y")]
    at: Fractions,
    /// Live time, in seconds or as in 500ms.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "1")]
    dwell: f64,
    /// Write the spectrum to this .csv file: a channel a row, with its place on the axis.
    #[arg(long, value_name = "FILE", value_parser = |text: &str| ending(text, "csv"))]
    out: Option<PathBuf>,
}

/// A file of the one format that is written, by its ending: another promises another format.
fn ending(text: &str, accepted: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    match file.extension() {
        Some(found) if found.eq_ignore_ascii_case(accepted) => Ok(file),
        _ => Err(format!("expected a file that ends in .{accepted}")),
    }
}

/// What `check` says.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    instrument: String,
    channels: &'a Channels,
    beam: Beam,
    /// Rows and columns of an overview; `null` until one is taken.
    frame: Option<[usize; 2]>,
    overview_seconds: Option<f64>,
}

/// What `overview` says.
#[derive(Debug, Serialize)]
struct Seen {
    rows: usize,
    columns: usize,
    quantity: String,
    units: String,
    lowest: f64,
    highest: f64,
    beam: Beam,
}

/// Runs the command.
pub(super) fn run(args: &InstrumentArgs) -> Result<(), Failure> {
    match &args.what {
        What::Check(place) => check(place),
        What::Overview(args) => overview(args),
        What::Point(args) => point(args),
        What::Acquire(args) => acquire(args),
        What::Abort(place) => abort(place),
    }
}

fn open(place: &Place, dwell: Option<f64>) -> Result<Box<dyn Microscope>, Failure> {
    let dwell = dwell.map(dwell_of).transpose()?;
    if let MicroscopeChoice::Controller(controller) = &place.microscope {
        return Err(Failure::Input(format!(
            "--microscope is controller:{controller}; a board is tried out with `beacon controller check \
             --controller {controller}`"
        )));
    }
    let opened = place.microscope.open(&place.options, place.current, dwell);
    let (mut microscope, _) = opened.or_input()?;
    // The first interrupt ends the exposure under way: nothing else is there to be finished.
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    super::progress::on_interrupt(move || interrupt.abort()).or_running()?;
    Ok(microscope)
}

fn dwell_of(seconds: f64) -> Result<Duration, Failure> {
    let dwell = Duration::try_from_secs_f64(seconds).ok();
    let dwell = dwell.filter(|dwell| !dwell.is_zero() && *dwell <= Duration::from_secs(3600));
    dwell.ok_or_else(|| {
        Failure::Input(format!(
            "dwell is {seconds} s; expected above 0 and up to 3600 s"
        ))
    })
}

fn check(place: &Place) -> Result<(), Failure> {
    let mut microscope = open(place, None)?;
    microscope.blank().or_running()?;
    let frame = microscope.frame();
    let overview_time = microscope.overview_time();
    let checked = Checked {
        instrument: microscope.description(),
        channels: microscope.channels(),
        beam: microscope.beam(),
        frame: frame.map(|(rows, columns)| [rows.size, columns.size]),
        overview_seconds: overview_time.map(f64::from),
    };
    if place.json {
        return print_json(&checked);
    }
    let axis = &checked.channels.axis;
    let channels = match axis.size {
        1 => "a number a point".to_owned(),
        size => format!(
            "{size} channels, {} from {} to {} {}",
            axis.name,
            short(axis.value(0)),
            short(axis.value(size - 1)),
            axis.units
        ),
    };
    let current = checked.beam.current.map_or_else(
        || "unknown: dose is counted in seconds only, unless --current tells".to_owned(),
        |current| format!("{current} pA"),
    );
    let overview = checked.overview_seconds.map_or_else(
        || "unknown until one is taken".to_owned(),
        |seconds| format!("{seconds:.3} s of beam"),
    );
    let frame = checked.frame.map_or_else(
        || "unknown until one is taken".to_owned(),
        |[rows, columns]| format!("{rows} x {columns} pixels"),
    );
    print(&format!(
        "instrument  {}\nspectra     {channels}, {} in {}\ncurrent     {current}\n\
         frame       {frame}\noverview    {overview}\nbeam        blanked\n",
        checked.instrument, checked.channels.quantity, checked.channels.units,
    ))
}

fn overview(args: &OverviewArgs) -> Result<(), Failure> {
    let place = &args.place;
    let mut microscope = open(place, None)?;
    let image = microscope.overview().or_running()?;
    if let Some(file) = &args.out {
        write_npy(file, &image).or_running()?;
    }
    let finite = image
        .values
        .iter()
        .copied()
        .filter(|value| value.is_finite());
    let (lowest, highest) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let seen = Seen {
        rows: image.height(),
        columns: image.width(),
        quantity: image.quantity.clone(),
        units: image.units.clone(),
        lowest,
        highest,
        beam: microscope.beam(),
    };
    if place.json {
        return print_json(&seen);
    }
    print(&format!(
        "{} of {} x {} pixels, {lowest:.3} to {highest:.3} {}{}\n{}",
        seen.quantity,
        seen.rows,
        seen.columns,
        seen.units,
        size_of(&image),
        written(args.out.as_deref())
    ))
}

/// How large the frame is, where the image tells.
fn size_of(image: &Map) -> String {
    let side = |axis: &crate::data::Axis| match axis.units.as_str() {
        "" => None,
        units => Some(format!("{:.4} {units}", axis.scale * axis.size as f64)),
    };
    let sides = side(&image.rows).zip(side(&image.columns));
    sides.map_or_else(String::new, |(height, width)| {
        format!(", {height} high and {width} wide")
    })
}

/// Without the last digits, in which a product differs from what a person would write.
fn short(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

fn written(file: Option<&Path>) -> String {
    file.map_or_else(String::new, |file| format!("{}\n", file.display()))
}

fn point(args: &PointArgs) -> Result<(), Failure> {
    let mut microscope = open(&args.place, None)?;
    let at = Position::from(args.at);
    microscope.move_to(at).or_running()?;
    if args.place.json {
        return print_json(&at);
    }
    print(&format!("the blanked beam is at {}, {}\n", at.x, at.y))
}

fn acquire(args: &AcquireArgs) -> Result<(), Failure> {
    let place = &args.place;
    let dwell = dwell_of(args.dwell)?;
    let mut microscope = open(place, Some(args.dwell))?;
    let at = Position::from(args.at);
    microscope.move_to(at).or_running()?;
    // Differs from any key of a campaign and of any other call by hand.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let key = format!("by hand, {}", now.as_nanos());
    let acquired = microscope.acquire(dwell, &key).or_running()?;
    if let Some(file) = &args.out {
        let table = table(microscope.channels(), &acquired);
        write_file(file, table.as_bytes()).or_running()?;
    }
    if place.json {
        return print_json(&acquired);
    }
    let sum: f64 = acquired.spectrum.iter().sum();
    let channels = match acquired.spectrum.len() {
        1 => String::new(),
        channels => format!(" in {channels} channels"),
    };
    let detectors = match acquired.detectors.len() {
        0 | 1 => String::new(),
        _ => {
            let shares = acquired.detectors.iter().map(f64::to_string);
            format!("detectors   {}\n", shares.collect::<Vec<_>>().join(", "))
        }
    };
    print(&format!(
        "sum         {sum} {}{channels}\n{detectors}live time   {} s\nbeam was on {} s\n{}",
        microscope.channels().units,
        acquired.live_time,
        acquired.real_time,
        written(args.out.as_deref())
    ))
}

/// A spectrum as text: where each channel lies, and its value.
fn table(channels: &Channels, acquired: &Acquired) -> String {
    let axis = &channels.axis;
    let head = match (axis.name.as_str(), axis.units.as_str()) {
        ("", _) => "channel".to_owned(),
        (name, "") => name.to_owned(),
        (name, units) => format!("{name} ({units})"),
    };
    let rows = acquired.spectrum.iter().enumerate();
    let rows = rows.map(|(channel, value)| format!("{},{value}\n", axis.value(channel)));
    format!("{head},{}\n", channels.quantity) + &rows.collect::<String>()
}

fn abort(place: &Place) -> Result<(), Failure> {
    if let MicroscopeChoice::Bridge(address) = &place.microscope {
        BridgeMicroscope::abort_at(address).or_running()?;
    } else {
        open(place, None)?.blank().or_running()?;
        log("note: an exposure that another program waits for is ended at a bridge alone");
    }
    if place.json {
        return print_json(&serde_json::json!({ "blanked": true }));
    }
    print("the beam is blanked\n")
}
