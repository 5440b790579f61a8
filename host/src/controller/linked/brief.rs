//! What a board is to hold, what it holds, and how it is told the difference.

use std::ops::Range;

use beacon_kernel::link::message::{
    self, Campaign, Measurement, Next, Phase, Settings, Signals, Status,
};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::{Client, Failure};
use beacon_kernel::{Acquisition, Edges, Responses};

use super::super::serial::Port;
use super::super::watch::Course;
use super::super::{ControllerError, InProcess};
use super::Linked;
use super::transfers::{LinkFailure, Loaded, send_image, send_model, send_reduction};

/// What a board is to hold, whatever becomes of it and of the line.
#[derive(Default)]
pub(super) struct Brief {
    pub(super) campaign: Option<Campaign>,
    pub(super) edges: Edges,
    /// Responses of a place.
    pub(super) responses: usize,
    pub(super) image: Vec<f32>,
    pub(super) measurements: Vec<Point>,
    pub(super) model: Option<Loaded>,
    /// Rows and columns where nothing is proposed any more.
    pub(super) excluded: Vec<(Range<usize>, Range<usize>)>,
    pub(super) acquisition: Acquisition,
    /// How it reduces spectra, and what their responses are relative to.
    pub(super) reductions: Vec<(Scalarizer, f64)>,
    pub(super) settings: Option<Settings>,
    /// Which lines to a detector it uses; `None` leaves them as they are after a reset, unused.
    pub(super) signals: Option<Signals>,
}

/// A measured place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) candidate: u32,
    pub(super) responses: Responses,
}

/// What the board is known to hold of its [`Brief`]. Whatever is not known is told again.
#[derive(Default)]
pub(super) struct Held {
    pub(super) measured: usize,
    /// Version of its model; 0 without one.
    pub(super) model: u32,
    pub(super) excluded: usize,
    pub(super) acquisition: Option<Acquisition>,
    pub(super) reductions: Vec<(Scalarizer, f64)>,
    pub(super) settings: Option<Settings>,
    pub(super) signals: Option<Signals>,
    /// Exposures of the campaign by its own account.
    pub(super) exposures: u32,
}

impl Linked<'_> {
    /// What the board held when this host found it.
    pub(super) fn found(&self) -> &[Point] {
        self.found.as_deref().unwrap_or_default()
    }

    /// Whether the board still has to be caught up with.
    pub(super) fn is_behind(&self) -> bool {
        self.silent || self.brief.measurements.len() < self.found().len()
    }

    /// Tells the board what it lacks.
    pub(super) fn bring_up_to_date(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.brief.campaign else {
            return Ok(());
        };
        if self.silent {
            return Ok(());
        }
        if self.held.is_none() {
            let held = self.examine(campaign)?;
            self.held = Some(held);
        }
        if self.is_behind() {
            return Ok(());
        }
        let Self {
            client,
            brief,
            held: Some(held),
            mirror: InProcess { watch, .. },
            ..
        } = self
        else {
            return Ok(());
        };
        if held.settings != brief.settings
            && let Some(settings) = brief.settings
        {
            client.configure(settings)?;
            held.settings = Some(settings);
        }
        if held.signals != brief.signals
            && let Some(signals) = brief.signals
        {
            client.set_signals(signals)?;
            held.signals = Some(signals);
        }
        let model = brief.model.as_ref();
        let mut course = Course::new("handing the points over");
        loop {
            let due = model
                .filter(|model| model.header.version != held.model && model.at == held.measured);
            if let Some(model) = due {
                told(send_model(client, model, watch))?;
                held.model = model.header.version;
            }
            let Some(&Point {
                candidate,
                responses,
            }) = brief.measurements.get(held.measured)
            else {
                break;
            };
            let at = course.at(held.measured as u64, brief.measurements.len() as u64);
            if watch(&at).is_break() {
                return Err(ControllerError::BrokenOff);
            }
            told(
                client
                    .measure_all(candidate, &responses, Next::Nothing)
                    .map_err(Into::into),
            )?;
            held.measured += 1;
        }
        for (rows, columns) in brief.excluded.iter().skip(held.excluded) {
            exclude(client, rows, columns)?;
            held.excluded += 1;
        }
        if held.acquisition != Some(brief.acquisition) {
            client.choose(brief.acquisition.into())?;
            held.acquisition = Some(brief.acquisition);
        }
        if held.reductions != brief.reductions {
            send_reduction(client, &brief.reductions)?;
            held.reductions.clone_from(&brief.reductions);
        }
        Ok(())
    }

    /// Asks the board what it holds of the campaign, and begins the campaign on it where it holds
    /// another one or none.
    fn examine(&mut self, campaign: Campaign) -> Result<Held, ControllerError> {
        let first = self.found.is_none();
        let status = self.client.status()?;
        let running = matches!(status.phase, Phase::Running | Phase::AwaitingImage);
        let known = self.brief.measurements.len();
        let ahead = first && self.journalled && status.measured as usize > known;
        let ours = status.campaign == Some(campaign) && status.phase == Phase::Running && !ahead;
        let half_begun = status.campaign == Some(campaign) && status.phase == Phase::AwaitingImage;
        if ours {
            let measured = status.measured as usize;
            if first {
                let found = self.ask_for_points()?;
                self.found = Some(found);
                for (found, known) in self.found().iter().zip(&self.brief.measurements) {
                    same_measurement(*found, *known)?;
                }
            }
            let model = self.brief.model.as_ref();
            let model = match model {
                Some(model) if has_model(&status, model)? => model.header.version,
                _ => 0,
            };
            let at = self
                .brief
                .model
                .as_ref()
                .map_or(usize::MAX, |model| model.at);
            // How a surrogate is rounded depends on how many points its model met: a board that has
            // met more without it starts over.
            if model != 0 || measured <= at || measured > self.brief.measurements.len() {
                return Ok(Held {
                    measured,
                    model,
                    exposures: status.exposures,
                    ..Held::default()
                });
            }
        }
        if !first && !half_begun {
            self.resets += 1;
        }
        // An image that is half there goes on where it was cut.
        if let (true, false, Some(other)) = (running, half_begun, status.campaign) {
            self.client.end(other.id)?;
        }
        self.found = Some(Vec::new());
        let begun = (campaign, self.brief.edges, self.brief.responses);
        let watch = &mut self.mirror.watch;
        send_image(&mut self.client, begun, &self.brief.image, watch)?;
        Ok(Held::default())
    }

    /// All points that the board has, with all responses of each.
    fn ask_for_points(&mut self) -> Result<Vec<Point>, ControllerError> {
        let mut columns = Vec::new();
        for response in 0..self.brief.responses {
            let mut column = Vec::new();
            self.client
                .measurements_of(response as u8, 0, |measurement| column.push(measurement))?;
            columns.push(column);
        }
        let first = columns.first().map_or(&[][..], |first| first);
        let point = |(n, measurement): (usize, &Measurement)| {
            let values = columns.iter().filter_map(|column| column.get(n));
            let values: Vec<f32> = values.map(|measurement| measurement.value).collect();
            Ok(Point {
                candidate: measurement.candidate,
                responses: Responses::new(&values)?,
            })
        };
        first.iter().enumerate().map(point).collect()
    }

    /// Compares a measurement with the one that the board already had at its place, while it is
    /// caught up with.
    pub(super) fn catch_up(&self, measurement: Point) -> Result<(), ControllerError> {
        match self.found().get(self.brief.measurements.len()) {
            Some(found) => same_measurement(*found, measurement),
            None => Ok(()),
        }
    }

    /// Adds a measurement to the brief. A board that is caught up with is asked anew what it holds.
    pub(super) fn remember(&mut self, measurement: Point) {
        self.brief.measurements.push(measurement);
        if self.brief.measurements.len() == self.found().len() {
            self.held = None;
        }
    }
}

/// What a board answered that was told something which the mirror knows: where the kernel refused,
/// the mirror said the same, and the campaign knows what to do about it.
fn told<R>(answer: Result<R, ControllerError>) -> Result<(), ControllerError> {
    match answer {
        Err(ControllerError::Link(failure)) if failure.kernel().is_some() => Ok(()),
        answer => answer.map(|_| ()),
    }
}

/// Whether a board has a model. Hosts of one campaign number its models alike.
fn has_model(status: &Status, model: &Loaded) -> Result<bool, ControllerError> {
    let sender = model.sender().map_err(Failure::Refused)?;
    Ok(status.model == Some(model.header.version)
        && status.weights_crc == Some(sender.descriptor().crc))
}

fn same_measurement(there: Point, here: Point) -> Result<(), ControllerError> {
    // A board whose memory is full has forgotten the responses of the points that it dropped.
    let forgotten = there.responses.iter().all(|value| value.is_nan());
    let dropped = there.candidate == here.candidate && forgotten;
    if there == here || dropped {
        return Ok(());
    }
    Err(ControllerError::State(format!(
        "it measured candidate {} as {} where this host has candidate {} as {}",
        there.candidate,
        said(&there.responses),
        here.candidate,
        said(&here.responses)
    )))
}

/// Responses as a person reads them.
pub(super) fn said(responses: &[f32]) -> String {
    match responses {
        [response] => response.to_string(),
        _ => format!("{responses:?}"),
    }
}

fn exclude(
    client: &mut Client<Port>,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> Result<(), LinkFailure> {
    // No image has more rows or columns than these.
    let edge = |index: usize| index.min(usize::from(u16::MAX)) as u16;
    client.exclude(message::Region {
        top: edge(rows.start),
        bottom: edge(rows.end),
        left: edge(columns.start),
        right: edge(columns.end),
    })
}
