//! The map to publish while a campaign runs: made from the journal, beside the campaign, for whoever
//! watches. It is the map that the campaign would publish if it ended now.

use std::sync::Arc;

use beacon_kernel::Candidate;
use rayon::ThreadPool;

use crate::campaign::{CampaignConfig, Overview, State};
use crate::train::Mapmaker;

/// Fewest points that a map is made of.
const FEWEST: usize = 3;

/// What makes the maps of one campaign.
#[derive(Debug, Default)]
pub(super) struct LiveMap {
    /// Of the overview of this journal.
    maker: Option<(u64, Mapmaker)>,
    /// One thread: the campaign's training has the others.
    pool: Option<ThreadPool>,
    /// What the last map was made of.
    made: Option<(u64, Points)>,
}

/// The points that count, and their responses.
type Points = (Vec<Candidate>, Vec<f64>);

/// A map that is to be made.
pub(super) struct Due {
    journal: u64,
    overview: Arc<Overview>,
    campaign: CampaignConfig,
    points: Points,
    units: String,
    measured: usize,
    /// Whether it is of the newest state.
    newest: bool,
}

impl Due {
    /// The map of a campaign as it was; `None` where too few points count.
    pub(super) fn of(journal: u64, state: &State) -> Option<Self> {
        let points: Points = state
            .usable()
            .map(|(point, y)| (point.candidate, y))
            .unzip();
        let overview = Arc::clone(state.overview()?);
        let channels = &state.begun().channels;
        let target = state.settings().target();
        (points.0.len() >= FEWEST).then(|| Self {
            journal,
            overview,
            campaign: state.settings().campaign.clone(),
            points,
            units: target.units(&channels.axis.units, &channels.units),
            measured: state.points().len(),
            newest: false,
        })
    }

    /// Points that are measured by then, those included that do not count.
    pub(super) fn points(&self) -> usize {
        self.measured
    }
}

impl LiveMap {
    /// What is to be made of a campaign as it is now; `None` where the last map is of that.
    pub(super) fn due(&self, journal: u64, state: &State) -> Option<Due> {
        let due = Due::of(journal, state)?;
        let made = self.made.as_ref();
        let fresh = made.is_none_or(|(of, made)| *of != journal || *made != due.points);
        fresh.then_some(Due {
            newest: true,
            ..due
        })
    }

    /// Means and standard deviations at all candidates, f32, the lowest byte first; `None` where the
    /// points give no map.
    pub(super) fn make(&mut self, due: Due) -> Option<[Vec<u8>; 2]> {
        let Due {
            journal,
            overview,
            campaign,
            points,
            units,
            newest,
            ..
        } = due;
        if newest {
            self.made = Some((journal, points.clone()));
        }
        if self.maker.as_ref().is_none_or(|(of, _)| *of != journal) {
            let patches = overview
                .image
                .patches_with_edges(campaign.window, campaign.edges)
                .ok()?;
            let maker = Mapmaker::new(patches.candidates(), patches.pixels()).ok()?;
            self.maker = Some((journal, maker));
        }
        if self.pool.is_none() {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
            self.pool = pool.build().ok();
        }
        let ((_, maker), pool) = (self.maker.as_mut()?, self.pool.as_ref()?);
        maker.set_units(&units);
        let map = pool.install(|| maker.map(&points.0, &points.1)).ok()?;
        let bytes = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers
                .flat_map(|number| (number as f32).to_le_bytes())
                .collect()
        };
        Some([
            bytes(&mut map.mean.iter().copied()),
            bytes(&mut map.variance.iter().map(|variance| variance.sqrt())),
        ])
    }
}
