//! The cells of a study, spread over the cores.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::{Cell, CellResult, Study, StudyError, StudyFolder};
use crate::campaign::{Ended, Observer, Series};
use crate::experiment::Oracle;

/// What a study tells while it runs, from any of its threads.
pub trait Watch: Sync {
    /// A campaign has made another step. A break ends the study: running campaigns end after
    /// their step and are lost, finished ones are kept. Step 0, again and again: a program of somebody
    /// else's is waited for.
    fn step(&self, cell: &Cell, step: usize) -> ControlFlow<()>;

    /// A cell is finished and written.
    fn finished(&self, cell: &Cell, result: &CellResult);
}

/// A watch that looks away.
impl Watch for () {
    fn step(&self, _: &Cell, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn finished(&self, _: &Cell, _: &CellResult) {}
}

/// How a study ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every cell that was asked for is written.
    Complete,
    /// The watch ended it before.
    Interrupted,
}

/// Cores that this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// How many campaigns run at a time, and what each may use. Results depend on neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Campaigns at a time, from 1.
    pub campaigns: usize,
    /// Threads of each.
    pub threads: usize,
}

impl Workers {
    /// So many campaigns at a time, which share the cores of this machine.
    pub fn sharing_cores(campaigns: usize) -> Self {
        let threads = (cores() / campaigns.max(1)).max(1);
        Self { campaigns, threads }
    }
}

/// Runs cells and writes each into the folder as soon as it is finished.
///
/// # Errors
/// The first campaign that fails, or file that cannot be written; no further cell is begun
/// then, and those already running are still finished.
pub fn run_cells<M: Oracle + Clone + Sync>(
    study: &Study<M>,
    folder: &StudyFolder,
    cells: &[Cell],
    workers: Workers,
    watch: &dyn Watch,
) -> Result<Ending, StudyError> {
    let next = AtomicUsize::new(0);
    let interrupted = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let stopped = || {
        let failed = failure.lock().is_ok_and(|failure| failure.is_some());
        failed || interrupted.load(Ordering::Relaxed)
    };
    let work = || -> Result<(), StudyError> {
        // The trainer divides its work with rayon. In a pool of all campaigns one that waits
        // would take up another on top of its own stack; with a pool of its own, of the cores
        // that fall to it, each stays on its threads and its clock measures it alone.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers.threads)
            .build()
            .map_err(|e| StudyError::Threads(e.to_string()))?;
        while !stopped() {
            let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let mut observer = Attention { cell, watch };
            match pool.install(|| study.run_cell(cell, &mut observer))? {
                Some(result) => {
                    folder.write(cell, &result)?;
                    watch.finished(cell, &result);
                }
                None => interrupted.store(true, Ordering::Relaxed),
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        for _ in 0..workers.campaigns.clamp(1, cells.len().max(1)) {
            scope.spawn(|| {
                if let (Err(error), Ok(mut failure)) = (work(), failure.lock()) {
                    failure.get_or_insert(error);
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        _ if interrupted.into_inner() => Ok(Ending::Interrupted),
        _ => Ok(Ending::Complete),
    }
}

/// Passes the steps of one campaign on.
struct Attention<'a> {
    cell: &'a Cell,
    watch: &'a dyn Watch,
}

impl Observer for Attention<'_> {
    fn step(&mut self, step: usize, _: usize, _: &Series) -> ControlFlow<Ended> {
        match self.watch.step(self.cell, step) {
            ControlFlow::Break(()) => ControlFlow::Break(Ended::Interrupted),
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    }
}
