//! `beacon controller`: looks at a board, and tries it out.

use beacon_kernel::Capacity;
use beacon_kernel::link::message::{Beam, Phase, Status};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::bench::{self, PointArgs, PulseArgs, ScanArgs};
use super::check::{self, CheckArgs};
use super::kernel::{Connected, ControllerLine};
use super::{Failure, OrFail as _, print, print_json};
use crate::campaign::{Campaign, CampaignConfig, CampaignError, Seeds};
use crate::controller::{Controller as _, ControllerChoice, ControllerError, InProcess, Memory};
use crate::experiment::SpecimenExperiment;
use crate::specimen::SpecimenKind;

/// Arguments of `beacon controller`.
#[derive(Debug, Args)]
pub(super) struct ControllerArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what a controller is, how it is, and what it holds.
    Info(Place),
    /// Run a short campaign on the built-in specimen and compare every proposal with the kernel
    /// in this process.
    Selftest(SelftestArgs),
    /// Move the blanked beam, while no campaign runs.
    Point(PointArgs),
    /// Put the beam on a place, while no campaign runs. The board counts the dose.
    Pulse(PulseArgs),
    /// Move the beam over a square, point by point, for an oscilloscope; blanked unless told
    /// otherwise.
    Scan(ScanArgs),
    /// Go through a first session step by step, with what to see on an oscilloscope at each.
    Check(CheckArgs),
}

/// Which controller, and how to say what came of it.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// Which controller: emulated, or serial:PORT[@BAUD].
    #[arg(long, value_name = "WHERE")]
    pub(super) controller: ControllerChoice,
    /// Print one JSON object on standard output and nothing else.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
struct SelftestArgs {
    #[command(flatten)]
    place: Place,
    /// Points to measure after 10 random ones.
    #[arg(long, default_value_t = 20, value_name = "N")]
    steps: usize,
    /// End a campaign that is running on the controller, and lose it.
    #[arg(long)]
    discard: bool,
}

/// What `info` says.
#[derive(Debug, Serialize)]
struct Info {
    board: String,
    build: String,
    protocol: [u8; 2],
    clock_hz: u32,
    image_pixels: usize,
    candidates: usize,
    measurements: usize,
    responses: usize,
    windows: [u16; 2],
    ram_static: u32,
    stack_size: u32,
    stack_high_water: u32,
    uptime_ms: u64,
    watchdog_resets: u32,
    campaign: &'static str,
    measured: u32,
    beam: String,
    frames: u32,
    damaged: u32,
    losses: u32,
    lost_bytes: u32,
    last_panic: Option<String>,
}

/// What `selftest` says.
#[derive(Debug, Serialize)]
pub(super) struct Selftest {
    identical: bool,
    pub(super) proposals: usize,
    frames: u32,
    retries: u32,
    damaged: u32,
    losses: u32,
    stack_high_water: u32,
    stack_size: u32,
    ram_static: u32,
    board: String,
    build: String,
    pub(super) difference: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &ControllerArgs) -> Result<(), Failure> {
    match &args.what {
        What::Info(place) => info(place),
        What::Selftest(args) => selftest(args),
        What::Point(args) => bench::point(args),
        What::Pulse(args) => bench::pulse(args),
        What::Scan(args) => bench::scan(args),
        What::Check(args) => check::run(args),
    }
}

/// A connection whose mirror has room for `capacity`.
pub(super) fn connect<'m>(place: &Place, memory: &'m mut Memory) -> Result<Connected<'m>, Failure> {
    let mirror = InProcess::new(memory).or_running()?;
    match ControllerLine::open(&place.controller)? {
        Some(line) => line.connect(mirror),
        None => Err(Failure::Input(
            "the kernel in this process is no controller; expected emulated or serial:PORT"
                .to_owned(),
        )),
    }
}

fn info(place: &Place) -> Result<(), Failure> {
    let mut memory = bench::no_campaign();
    let mut controller = connect(place, &mut memory)?;
    let status = controller.status().or_running()?;
    let panic = controller.last_panic().or_running()?;
    let info = describe(&controller, &status, panic);
    if place.json {
        return print_json(&info);
    }
    print(&table(&info))
}

fn describe(controller: &Connected<'_>, status: &Status, panic: String) -> Info {
    let identity = controller.identity();
    let capacity: Capacity = identity.capacity.into();
    Info {
        board: identity.board.as_str().to_owned(),
        build: identity.build.as_str().to_owned(),
        protocol: [identity.protocol_min, identity.protocol_current],
        clock_hz: identity.clock_hz,
        image_pixels: capacity.image_pixels,
        candidates: capacity.candidates,
        measurements: capacity.measurements,
        responses: controller.most_responses(),
        windows: [identity.windows.same_from, identity.windows.largest],
        ram_static: status.health.static_ram,
        stack_size: status.health.stack_size,
        stack_high_water: status.health.stack_high_water,
        uptime_ms: status.uptime_ms,
        watchdog_resets: status.health.watchdog_resets,
        campaign: match status.phase {
            Phase::Idle => "none",
            Phase::AwaitingImage => "waiting for its image",
            Phase::Running => "running",
            Phase::Ended => "ended",
        },
        measured: status.measured,
        beam: match status.beam {
            Beam::On { candidate } => format!("on candidate {candidate}"),
            Beam::OnBench(spot) => format!("on {}, {} of 65536, on the bench", spot.x, spot.y),
            Beam::Overview { exposures } => format!("at exposure {exposures} of an overview"),
            Beam::Blanked(reason) => format!("blanked: {reason}"),
        },
        frames: status.link.frames,
        damaged: status.link.crc_errors
            + status.link.cobs_errors
            + status.link.overflows
            + status.link.runts,
        losses: status.link.losses,
        lost_bytes: status.health.lost_bytes,
        last_panic: Some(panic).filter(|message| !message.is_empty()),
    }
}

fn table(info: &Info) -> String {
    let [oldest, newest] = info.protocol;
    let [smallest, largest] = info.windows;
    let never = info.stack_size.saturating_sub(info.stack_high_water);
    format!(
        "board         {}, {} MHz\n\
         firmware      {}\n\
         protocol      {oldest} to {newest}\n\
         room for      {} pixels, {} candidates, {} measurements of up to {} responses, \
         windows of {smallest} to {largest} pixels\n\
         static RAM    {} bytes\n\
         stack         {} bytes, {} of them used at most, {never} never\n\
         up for        {:.1} s, {} resets by the watchdog\n\
         campaign      {}, {} points measured\n\
         beam          {}\n\
         link          {} frames received, {} damaged, {} bytes lost, silent {} times\n\
         last panic    {}\n",
        info.board,
        info.clock_hz / 1_000_000,
        info.build,
        info.image_pixels,
        info.candidates,
        info.measurements,
        info.responses,
        info.ram_static,
        info.stack_size,
        info.stack_high_water,
        info.uptime_ms as f64 / 1e3,
        info.watchdog_resets,
        info.campaign,
        info.measured,
        info.beam,
        info.frames,
        info.damaged,
        info.lost_bytes,
        info.losses,
        info.last_panic.as_deref().unwrap_or("none"),
    )
}

/// Runs a short campaign on the board, and compares every proposal with the kernel in this process.
/// A campaign that runs there is refused unless it may be lost.
pub(super) fn try_out(place: &Place, steps: usize, discard: bool) -> Result<Selftest, Failure> {
    let specimen = SpecimenKind::Nanoparticles.config(0);
    let mut experiment = SpecimenExperiment::open(specimen).or_running()?;
    let config = CampaignConfig {
        steps,
        retrain_every: 5.into(),
        ..CampaignConfig::default()
    };
    let seeds = Seeds::Random(config.initial);
    let campaign = Campaign::new(config, seeds, &experiment).or_input()?;
    let candidates = campaign.candidates();
    let capacity = campaign.capacity();
    let mut memory = Memory::new(capacity);
    let mut controller = connect(place, &mut memory)?;
    super::kernel::admit(&mut controller, (capacity, candidates.edges()))?;
    let status = controller.status().or_running()?;
    if status.phase == Phase::Running && !discard {
        return Err(Failure::Input(format!(
            "a campaign of {} points is running on the controller; let it end, or lose it with \
             --discard",
            status.measured
        )));
    }
    let proposals = campaign.measurements();
    let difference = match campaign.run(&mut experiment, &mut *controller, &mut ()) {
        Ok(_) => None,
        Err(CampaignError::Controller(ControllerError::State(difference))) => Some(difference),
        Err(error) => return Err(Failure::Running(error.to_string())),
    };
    let status = controller.status().or_running()?;
    let link = controller.link().unwrap_or_default();
    Ok(Selftest {
        identical: difference.is_none(),
        proposals,
        frames: link.frames,
        retries: link.retries,
        damaged: link.damaged,
        losses: link.losses,
        stack_high_water: status.health.stack_high_water,
        stack_size: status.health.stack_size,
        ram_static: status.health.static_ram,
        board: link.board,
        build: link.build,
        difference,
    })
}

fn selftest(args: &SelftestArgs) -> Result<(), Failure> {
    let result = try_out(&args.place, args.steps, args.discard)?;
    if args.place.json {
        print_json(&result)?;
    } else {
        print(&format!(
            "{} ({}): {} proposals, {}\n{} frames, {} retries, {} damaged, {} losses\n\
             stack {} of {} bytes used at most, static RAM {} bytes\n",
            result.board,
            result.build,
            result.proposals,
            if result.identical {
                "each equal to the kernel in this process, bit for bit"
            } else {
                "NOT equal to the kernel in this process"
            },
            result.frames,
            result.retries,
            result.damaged,
            result.losses,
            result.stack_high_water,
            result.stack_size,
            result.ram_static
        ))?;
    }
    match result.difference {
        None => Ok(()),
        Some(difference) => Err(Failure::Running(difference)),
    }
}
