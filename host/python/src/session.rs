//! A campaign that is asked and told, on a thread of its own.
//!
//! Python's thread hands work over and waits for the answer without the interpreter lock, and looks for
//! signals twenty times a second. Work that is interrupted is still done: what was told stays told, and
//! points that were asked for are what the next call gets.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use beacon_host::campaign::{Command, Ended, Expectation, Seeds, Standing};
use beacon_host::controller::InProcess;
use beacon_host::{AskTell, Asked, Beginning, Setup};
use beacon_kernel::{Candidate, Candidates, Pixel};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::{self, Given, bytes, numbers};
use crate::failure::Failure;
use crate::given::{AxisGiven, candidate, channels, scalarizer, settings, targets};
use crate::strategy::{Asking, Seen};
use crate::waiting::{Answer, Awaited, is_interrupt, put, taken, wait};

type Job = Box<dyn FnOnce(&mut AskTell<'_>) + Send>;
type Pixels = Vec<(usize, usize)>;
/// Mean and standard deviation of the map to publish, as bytes, and its figures as JSON.
type Published<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, String);

/// A campaign.
#[pyclass(frozen, module = "beacon._beacon")]
pub(crate) struct Session {
    jobs: Mutex<Sender<Job>>,
    /// Points that a call asks for that was interrupted.
    interrupted: Mutex<Option<Awaited<Pixels>>>,
    /// Points that were asked for by such a call and are given by none yet.
    unclaimed: Mutex<Pixels>,
    candidates: Candidates,
    /// Numbers that are told of a point.
    channels: usize,
}

/// What begins a campaign.
type Make = Box<dyn FnOnce() -> Answer<Beginning> + Send>;

impl Session {
    fn start(py: Python<'_>, make: Make, folder: Option<PathBuf>) -> PyResult<Self> {
        let (jobs, work) = channel::<Job>();
        let (ready, begun) = channel();
        std::thread::Builder::new()
            .name("beacon".to_owned())
            .spawn(move || {
                let begin = || -> Answer<_> {
                    let beginning = make()?;
                    let memory = beginning.memory()?;
                    Ok((beginning, memory))
                };
                let (beginning, mut memory) = match begin() {
                    Ok(begun) => begun,
                    Err(failure) => return drop(ready.send(Err(failure))),
                };
                let candidates = beginning.candidates();
                let kernel = InProcess::new(&mut memory);
                let mut kernel = match kernel {
                    Ok(kernel) => kernel,
                    Err(error) => {
                        let failure = Failure::Running(error.to_string());
                        return drop(ready.send(Err(failure)));
                    }
                };
                let mut campaign = match AskTell::begin(beginning, &mut kernel, folder.as_deref()) {
                    Ok(campaign) => campaign,
                    Err(error) => return drop(ready.send(Err(error.into()))),
                };
                let channels = campaign.state().begun().channels.coordinates.len();
                if ready.send(Ok((candidates, channels))).is_ok() {
                    for job in work {
                        job(&mut campaign);
                    }
                }
            })
            .map_err(|error| Failure::System(format!("no thread for the campaign: {error}")))?;
        let (candidates, channels) = wait(py, &Mutex::new(begun))?;
        Ok(Self {
            candidates,
            channels,
            jobs: Mutex::new(jobs),
            interrupted: Mutex::new(None),
            unclaimed: Mutex::new(Pixels::new()),
        })
    }

    /// Has the campaign's thread do something, and returns where the answer comes.
    fn send<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut AskTell<'_>) -> Answer<T> + Send + 'static,
    ) -> Awaited<T> {
        let (answer, answered) = channel();
        if let Ok(jobs) = self.jobs.lock() {
            // Without a thread there is no answer, which is what the caller gets.
            let _ = jobs.send(Box::new(move |campaign| {
                let _ = answer.send(job(campaign));
            }));
        }
        Mutex::new(answered)
    }

    fn call<T: Send + 'static>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&mut AskTell<'_>) -> Answer<T> + Send + 'static,
    ) -> PyResult<T> {
        wait(py, &self.send(job))
    }

    fn candidate(&self, pixel: (i64, i64)) -> Result<Candidate, Failure> {
        candidate(self.candidates, pixel)
    }
}

fn pixels(asked: &[Asked]) -> Pixels {
    asked
        .iter()
        .map(|asked| (asked.pixel.row, asked.pixel.column))
        .collect()
}

#[pymethods]
impl Session {
    /// A campaign on an image. `axis` and `scalarizers` are of the numbers that are told of a point.
    #[new]
    fn new(
        py: Python<'_>,
        image: Given,
        mask: Option<Vec<bool>>,
        config: &str,
        seeds: Option<Vec<(i64, i64)>>,
        budget: Option<usize>,
        axis: Option<AxisGiven>,
        scalarizers: Vec<String>,
        sought: Vec<String>,
        folder: Option<PathBuf>,
    ) -> PyResult<Self> {
        let campaign = settings(config)?;
        let image = arrays::map(&image, "image")?;
        let candidates = campaign
            .candidates(image.height(), image.width())
            .map_err(|error| Failure::Value(error.to_string()))?;
        let seeds = match seeds {
            Some(seeds) => {
                let seeds = seeds.into_iter().map(|seed| candidate(candidates, seed));
                Seeds::Given(seeds.collect::<Result<_, _>>()?)
            }
            None => Seeds::Random(campaign.initial),
        };
        let free = |n: u32| {
            let pixel = candidates.pixel(Candidate(n)).ok();
            pixel.is_some_and(|Pixel { row, column }| {
                let place = row * image.width() + column;
                image.is_known(row, column)
                    && mask.as_ref().is_none_or(|m| m.get(place) == Some(&true))
            })
        };
        let free = (0..candidates.count() as u32).filter(|&n| free(n)).count();
        let mut setup = Setup::new(campaign, budget.unwrap_or(free.min(MOST_UNSAID)));
        if let Some(axis) = axis {
            setup.channels = channels(axis);
        }
        let parsed = scalarizers.iter().map(|text| scalarizer(text));
        setup.scalarizers = parsed.collect::<Result<_, _>>()?;
        setup.target = targets(&sought)?;
        let width = image.width();
        let make = move || {
            let left_out = |row: usize, column: usize| {
                mask.as_ref()
                    .is_some_and(|mask| mask.get(row * width + column) != Some(&true))
            };
            Ok(Beginning::new(setup, seeds, image, left_out)?)
        };
        Self::start(py, Box::new(make), folder)
    }

    /// The campaign that was saved in a folder; with `goes_on` its journal there goes on.
    #[staticmethod]
    fn load(py: Python<'_>, folder: PathBuf, goes_on: bool) -> PyResult<Self> {
        let journal = goes_on.then(|| folder.clone());
        Self::start(py, Box::new(move || Ok(Beginning::load(&folder)?)), journal)
    }

    /// Rows and columns of the image, side of the window, number of candidates.
    fn geometry(&self) -> (usize, usize, usize, usize) {
        let of = self.candidates;
        (of.height(), of.width(), of.window(), of.count())
    }

    /// How many numbers are told of a point.
    fn channels(&self) -> usize {
        self.channels
    }

    /// The pixel of every candidate.
    fn pixels(&self) -> Pixels {
        let all = (0..self.candidates.count() as u32).map(Candidate);
        let pixels = all.filter_map(|candidate| self.candidates.pixel(candidate).ok());
        pixels.map(|pixel| (pixel.row, pixel.column)).collect()
    }

    /// The next points: first those that a call asked for that was interrupted, where they still wait.
    fn ask(&self, py: Python<'_>, count: usize) -> PyResult<Pixels> {
        let mut unclaimed = taken(&self.unclaimed);
        if let Some(answer) = taken(&self.interrupted) {
            match wait(py, &answer) {
                Ok(points) => unclaimed.extend(points),
                Err(error) if is_interrupt(py, &error) => {
                    put(&self.unclaimed, unclaimed);
                    put(&self.interrupted, Some(answer));
                    return Err(error);
                }
                // That no more could be asked for is found again below.
                Err(_) => {}
            }
        }
        let answer = self.send(move |campaign| {
            let pending = pixels(&campaign.pending());
            let mut points = unclaimed;
            points.retain(|point| pending.contains(point));
            let more = count.saturating_sub(points.len());
            if more > 0 {
                match campaign.ask(more) {
                    Ok(asked) => points.extend(pixels(&asked)),
                    Err(_) if !points.is_empty() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(points)
        });
        match wait(py, &answer) {
            Ok(mut points) => {
                // An interrupt that came meanwhile is felt here rather than where the points would be lost.
                if let Err(interrupt) = py.check_signals() {
                    put(&self.unclaimed, points);
                    return Err(interrupt);
                }
                let others = points.split_off(count.min(points.len()));
                put(&self.unclaimed, others);
                Ok(points)
            }
            Err(error) => {
                if is_interrupt(py, &error) {
                    put(&self.interrupted, Some(answer));
                }
                Err(error)
            }
        }
    }

    /// What a strategy in Python may see; `None` where the next point is not for it to choose.
    fn see(&self, py: Python<'_>) -> PyResult<Option<Seen>> {
        self.call(py, |campaign| Ok(campaign.sight()?.map(Seen)))
    }

    /// The next point where it is not for a strategy in Python to choose.
    fn ask_for(&self, py: Python<'_>, asking: &Asking) -> PyResult<(usize, usize)> {
        let asking = asking.clone();
        self.call(py, move |campaign| {
            let asked = campaign.ask(1)?;
            asking.add(&asked);
            let first = pixels(&asked).first().copied();
            first.ok_or_else(|| Failure::Over(Ended::Exhausted.to_string()))
        })
    }

    /// Takes the choice of a strategy in Python.
    fn choose(
        &self,
        py: Python<'_>,
        n: u32,
        score: f32,
        seen: &Seen,
        asking: &Asking,
    ) -> PyResult<(usize, usize)> {
        let (sight, asking) = (seen.0.clone(), asking.clone());
        self.call(py, move |campaign| {
            let asked = campaign.choose(Candidate(n), score, &sight)?;
            asking.add(&[asked]);
            Ok((asked.pixel.row, asked.pixel.column))
        })
    }

    /// Has the points of a call that broke off forgotten, once those of its jobs are done that are under way. Waits
    /// for nothing: a second interrupt must not keep half of them.
    fn forget(&self, asking: &Asking) {
        let asking = asking.clone();
        let _ = self.send(move |campaign| {
            for candidate in asking.taken() {
                // What somebody has told or withdrawn meanwhile is not pending.
                let _ = campaign.withdraw(candidate);
            }
            Ok(())
        });
    }

    /// Takes what was measured: as many numbers of each point.
    fn tell(&self, py: Python<'_>, points: Vec<(i64, i64)>, values: Given) -> PyResult<()> {
        let numbers = numbers(&values.0);
        let width = numbers.len() / points.len().max(1);
        let mut told = Vec::with_capacity(points.len());
        for (n, pixel) in points.into_iter().enumerate() {
            let of_point = numbers.get(n * width..(n + 1) * width);
            told.push((
                self.candidate(pixel)?,
                of_point.unwrap_or_default().to_vec(),
            ));
        }
        self.call(py, move |campaign| Ok(campaign.tell(told)?))
    }

    /// The points that were asked for and are not told.
    fn pending(&self, py: Python<'_>) -> PyResult<Pixels> {
        self.call(py, |campaign| Ok(pixels(&campaign.pending())))
    }

    /// Forgets that a point was asked for.
    fn withdraw(&self, py: Python<'_>, pixel: (i64, i64)) -> PyResult<()> {
        let candidate = self.candidate(pixel)?;
        self.call(py, move |campaign| Ok(campaign.withdraw(candidate)?))
    }

    /// A command, as `beacon ctl` takes it; returns what is to be said of what follows from it.
    fn command(&self, py: Python<'_>, words: Vec<String>) -> PyResult<Vec<String>> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = Command::parse(&words, self.candidates).map_err(Failure::Value)?;
        self.call(py, move |campaign| {
            let before = campaign.warnings().len();
            campaign.command(command)?;
            let new = campaign.warnings().get(before..);
            Ok(new.unwrap_or_default().to_vec())
        })
    }

    /// Mean and standard deviation of the surrogate of a target, by its place, at every pixel; `None` without a
    /// model.
    fn surrogate<'py>(
        &self,
        py: Python<'py>,
        target: usize,
    ) -> PyResult<Option<[Bound<'py, PyBytes>; 2]>> {
        let maps = self.call(py, move |campaign| {
            Ok(campaign.surrogates()?.into_iter().nth(target))
        })?;
        Ok(maps.map(|(mean, sigma)| [mean, sigma].map(|map| bytes(py, &map.values))))
    }

    /// Mean and standard deviation of the map to publish of a target, by its place, and its figures.
    fn map<'py>(&self, py: Python<'py>, target: usize) -> PyResult<Option<Published<'py>>> {
        let made = self.call(py, move |campaign| Ok(campaign.map_of(target)?))?;
        Ok(made.map(|(map, figures)| {
            let figures = serde_json::to_string(&figures).unwrap_or_default();
            let [mean, sigma] = [map.mean, map.sigma].map(|map| bytes(py, &map.values));
            (mean, sigma, figures)
        }))
    }

    /// Every point on record: arrays by their names, in the order they were told. Where several targets are
    /// sought, those of each have its name behind a colon.
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (points, seeds, discarded, target, further) = self.call(py, |campaign| {
            let (points, seeds) = campaign.measurements();
            let state = campaign.state();
            let standing = |point: &beacon_host::campaign::Measurement| {
                state.standing(point.candidate) == Standing::Discarded
            };
            let discarded: Vec<bool> = points.iter().map(standing).collect();
            let target = state.settings().target().to_string();
            let further = campaign.further();
            Ok((points, seeds, discarded, target, further))
        })?;
        let columns = PyDict::new(py);
        let column = |of: &dyn Fn(&beacon_host::campaign::Measurement) -> f64| {
            let values: Vec<f64> = points.iter().map(of).collect();
            bytes(py, &values)
        };
        let expected = |of: fn(beacon_host::campaign::Expectation) -> f64| {
            column(&|point| point.expected.map_or(f64::NAN, of))
        };
        columns.set_item("row", column(&|point| point.pixel.row as f64))?;
        columns.set_item("column", column(&|point| point.pixel.column as f64))?;
        columns.set_item("candidate", column(&|point| f64::from(point.candidate.0)))?;
        columns.set_item("response", column(&|point| point.response))?;
        columns.set_item("expected", expected(|expected| expected.mean))?;
        columns.set_item("expected_sigma", expected(|expected| expected.sigma))?;
        let score = |point: &beacon_host::campaign::Measurement| {
            point
                .proposal
                .map_or(f64::NAN, |proposal| f64::from(proposal.score))
        };
        columns.set_item("score", column(&score))?;
        let seed: Vec<f64> = (0..points.len())
            .map(|n| f64::from(u8::from(n < seeds)))
            .collect();
        columns.set_item("seed", bytes(py, &seed))?;
        let discarded: Vec<f64> = discarded
            .into_iter()
            .map(|d| f64::from(u8::from(d)))
            .collect();
        columns.set_item("discarded", bytes(py, &discarded))?;
        if !further.is_empty() {
            for name in ["response", "expected", "expected_sigma"] {
                let first = columns.get_item(name)?;
                columns.set_item(format!("{name}:{target}"), first)?;
            }
        }
        for of in &further {
            let expected = |pick: fn(&Expectation) -> f64| -> Vec<f64> {
                let all = of.expected.iter();
                all.map(|of| of.as_ref().map_or(f64::NAN, pick)).collect()
            };
            let (mean, sigma) = (expected(|of| of.mean), expected(|of| of.sigma));
            for (name, values) in [
                ("response", &of.values),
                ("expected", &mean),
                ("expected_sigma", &sigma),
            ] {
                columns.set_item(format!("{name}:{}", of.target), bytes(py, values))?;
            }
        }
        Ok(columns)
    }

    /// Share of the range of responses so far that was visited after each step.
    fn coverage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let shares = self.call(py, |campaign| Ok(campaign.coverage()))?;
        Ok(bytes(py, &shares))
    }

    /// What was told of a measured pixel; `None` where nothing was.
    fn spectrum<'py>(
        &self,
        py: Python<'py>,
        pixel: (i64, i64),
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let candidate = self.candidate(pixel)?;
        let told = self.call(py, move |campaign| {
            Ok(campaign.spectrum(candidate).map(<[f64]>::to_vec))
        })?;
        Ok(told.map(|spectrum| bytes(py, &spectrum)))
    }

    /// Points that were left out, with the reason.
    fn left_out(&self, py: Python<'_>) -> PyResult<Vec<((usize, usize), String)>> {
        let candidates = self.candidates;
        self.call(py, move |campaign| {
            let points = campaign.state().left_out().iter();
            let named = points.filter_map(|(candidate, why)| {
                let pixel = candidates.pixel(*candidate).ok()?;
                Some(((pixel.row, pixel.column), why.clone()))
            });
            Ok(named.collect())
        })
    }

    /// The figures of every step, as JSON.
    fn series(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, |campaign| {
            serde_json::to_string(campaign.series()).map_err(|e| Failure::Running(e.to_string()))
        })
    }

    /// The settings in force, as JSON: those of the campaign, and what is sought.
    fn settings(&self, py: Python<'_>) -> PyResult<String> {
        self.call(py, |campaign| {
            let settings = campaign.state().settings();
            Ok(serde_json::json!({
                "campaign": settings.campaign,
                "budget": settings.budget,
                "targets": settings.sought().map(ToString::to_string).collect::<Vec<_>>(),
                "scalarizers": settings.scalarizers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
            .to_string())
        })
    }

    /// What went wrong without ending the campaign.
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.call(py, |campaign| Ok(campaign.warnings().to_vec()))
    }

    /// Writes the campaign into a folder.
    fn save(&self, py: Python<'_>, folder: PathBuf) -> PyResult<()> {
        self.call(py, move |campaign| Ok(campaign.save(&folder)?))
    }
}

/// Points in all, where the caller does not say how many: their memory is small beside NumPy's own.
const MOST_UNSAID: usize = 1000;
