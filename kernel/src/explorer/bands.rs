//! A new model by several hands: a host's threads evaluate bands of candidates side by side, then rows of the
//! factor, then nodes of the posterior.
//!
//! The windows of some rows of candidates lie in a band of the image. A band is therefore an image of its
//! own, which passes through the same code as the whole: every number is a sum of the same terms in the same
//! order, and no bit depends on how many bands there are, or on who evaluates which.

use core::ops::ControlFlow;

use super::Explorer;
use super::evaluation::Stage;
use crate::cnn::{Layers, patch_scratch};
use crate::filters::{self, FEATURES, Packed, Progress};
use crate::gp::NewRows;
use crate::network::{CHANNELS_1, LATENT};
use crate::storage::Latents;
use crate::{Architecture, Candidate, Candidates, Error, Model, dense};

/// Most bands of an image.
const MOST: usize = 64;
/// Bands that pass through unpadded layers: where two meet, the rows that both need are computed twice.
const VALID: usize = 8;

type Bands<'b> = heapless::Vec<Band<'b>, MOST>;

/// Some rows of candidates, and what new weights ask of them next.
pub struct Band<'b> {
    model: Model<'b>,
    /// The fixed filter that is to be applied; `None` where latents are to be found.
    filter: Option<usize>,
    /// The rows of the extended image that the windows reach, and their candidates.
    image: &'b [f32],
    candidates: Candidates,
    axes: [&'b mut [f32]; LATENT],
    features: &'b [Packed],
    /// What came of it, once it is done.
    outcome: Option<Result<(), Error>>,
}

impl Band<'_> {
    /// Floats of workspace that [`Self::evaluate`] needs.
    pub fn floats(&self) -> usize {
        let width = self.candidates.extended_width();
        match self.model.network.architecture() {
            Architecture::Valid => dense::scratch(width),
            Architecture::Same => CHANNELS_1 * patch_scratch(self.candidates.window()),
            Architecture::Filters => filters::scratch(width),
        }
    }

    /// Does what there is to do. A `workspace` that is too short leaves it undone.
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    pub fn evaluate(&mut self, workspace: &mut [f32]) {
        if let Some(workspace) = workspace.get_mut(..self.floats()) {
            self.outcome = Some(self.pass(workspace));
        }
    }

    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    fn pass(&mut self, workspace: &mut [f32]) -> Result<(), Error> {
        let (image, candidates, network) = (self.image, self.candidates, self.model.network);
        let [plane, slopes] = &mut self.axes;
        if let Some(filter) = self.filter {
            filters::apply_one(filter, (image, candidates), plane, workspace);
            return Ok(());
        }
        let weights = self.model.weights;
        match network.architecture() {
            Architecture::Valid => {
                let layers = Layers::new(network, weights)?;
                for y in 0..dense::rows(network, candidates) {
                    let latents = Latents::new([&mut **plane, &mut **slopes]);
                    dense::pass_row(&layers, (image, candidates), y, latents, workspace)?;
                }
            }
            Architecture::Same => {
                let layers = Layers::new(network, weights)?;
                let width = candidates.extended_width();
                let (scratch, _) = workspace.as_chunks_mut();
                let mut latents = Latents::new([&mut **plane, &mut **slopes]);
                for index in 0..candidates.count() {
                    let corner = candidates.corner(Candidate(index as u32))?;
                    let latent = layers.patch(image, width, (corner.row, corner.column), scratch);
                    latents.change(index, |own: &mut [f32; LATENT]| *own = latent);
                }
            }
            Architecture::Filters => {
                let latents = Latents::new([&mut **plane, &mut **slopes]);
                filters::latents(weights, self.features, 0..candidates.count(), latents);
            }
        }
        Ok(())
    }
}

impl Explorer<'_> {
    /// [`Self::load_model`] with the candidates divided into bands. `share` is given them, with how many bands
    /// were done before and how many there are in all, and evaluates each, in any order and on whatever
    /// thread; the fixed filters of an image that has no features yet come one after another. Bands that it
    /// leaves undone end it there: the model before stays in force. `share_rows` is given rows of the factor that
    /// go together, and [solves](NewRows::solve) each, likewise.
    ///
    /// # Errors
    /// As [`Self::load_model`].
    pub fn load_model_shared(
        &mut self,
        model: &Model<'_>,
        mut share: impl FnMut(&mut [Band<'_>], usize, usize),
        share_rows: impl FnMut(&mut [NewRows<'_>]),
    ) -> Result<ControlFlow<()>, Error> {
        self.forget_evaluation();
        let mut done = 0;
        loop {
            let mut evaluation = self.evaluation_of(model)?;
            let filter = match evaluation.stage {
                Stage::Done => break,
                Stage::Filters(progress) => Some(progress.filters),
                _ => None,
            };
            let mut bands = self.bands(model, filter)?;
            let passes = 1 + filter.map_or(0, |filter| FEATURES - filter);
            let each = bands.len();
            share(&mut bands, done, done + passes * each);
            done += each;
            let undone = bands.iter().any(|band| band.outcome.is_none());
            let outcomes = bands.iter().filter_map(|band| band.outcome);
            let outcome = outcomes.fold(Ok(()), Result::and);
            drop(bands);
            if undone {
                return Ok(ControlFlow::Break(()));
            }
            outcome?;
            evaluation.stage = filter.map_or(Stage::Done, |filter| self.keep_feature(filter));
            self.evaluation = Some(evaluation);
        }
        self.adopt_by(model, share_rows)?;
        Ok(ControlFlow::Continue(()))
    }

    /// All candidates in bands of about as many rows.
    fn bands<'b>(
        &'b mut self,
        model: &Model<'b>,
        filter: Option<usize>,
    ) -> Result<Bands<'b>, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let most = match model.network.architecture() {
            Architecture::Valid => VALID,
            Architecture::Same | Architecture::Filters => MOST,
        };
        let rows = candidates.rows().div_ceil(most).max(1);
        let (width, window) = (candidates.extended_width(), candidates.window());
        let memory = &mut self.memory;
        let count = candidates.count();
        let mut plane = memory.own[0].plane.get_mut(..count).unwrap_or_default();
        let mut slopes = memory.slopes.get_mut(..count).unwrap_or_default();
        let mut features = memory.features.get(..count).unwrap_or_default();
        let mut bands = Bands::new();
        for first in (0..candidates.rows()).step_by(rows) {
            let own = rows.min(candidates.rows() - first);
            let height = own + window - 1;
            let candidates = Candidates::new(height, width, window)?;
            let pixels = first * width..(first + height) * width;
            let numbers = candidates.count();
            let band = Band {
                model: *model,
                filter,
                image: memory.image.get(pixels).unwrap_or_default(),
                candidates,
                axes: [
                    plane.split_off_mut(..numbers).unwrap_or_default(),
                    slopes.split_off_mut(..numbers).unwrap_or_default(),
                ],
                features: features.split_off(..numbers).unwrap_or_default(),
                outcome: None,
            };
            // No more than there is room for: the rows of each say so.
            if bands.push(band).is_err() {
                break;
            }
        }
        Ok(bands)
    }

    /// Keeps the feature that a filter has left in the plane; what comes next.
    fn keep_feature(&mut self, filter: usize) -> Stage {
        let count = self.candidates.map_or(0, Candidates::count);
        let memory = &mut self.memory;
        let plane = memory.own[0].plane.get(..count).unwrap_or_default();
        filters::standardise(filter, plane, memory.features);
        self.filtered = filter + 1 >= FEATURES;
        if self.filtered {
            return Stage::Latents(0);
        }
        Stage::Filters(Progress {
            filters: filter + 1,
            rows: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::tests::made_up;
    use crate::random::Random;
    use crate::{Acquisition, Capacity, Edges, Network, Nodes, Standardisation, Storage, gp};

    const WINDOW: usize = 10;
    const ARCHITECTURES: [Architecture; 3] = [
        Architecture::Valid,
        Architecture::Same,
        Architecture::Filters,
    ];

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, 0);
        (0..count).map(|_| 0.2 * random.normal()).collect()
    }

    fn weights(network: Network, seed: u64) -> Vec<f32> {
        let mut weights = random(network.weight_count(), seed);
        weights[network.layout().space].fill(0.3);
        weights
    }

    /// Has a campaign on these candidates, with a measured point, told.
    fn campaign<T>(candidates: Candidates, told: impl FnOnce(&mut Explorer<'_>) -> T) -> T {
        let capacity = Capacity::for_candidates(candidates, 4);
        let (mut floats, mut words) =
            (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
        let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
        let image = random(candidates.height() * candidates.width(), 5);
        explorer.load_image_for(candidates, &image).unwrap();
        explorer.measure(Candidate(3), 0.5).unwrap();
        told(&mut explorer)
    }

    /// Latents and the proposal that follows, in bits.
    fn found(explorer: &mut Explorer<'_>) -> (Vec<u32>, String) {
        let latents = explorer.latents().unwrap().as_flattened();
        let bits = latents.iter().map(|x| x.to_bits()).collect();
        (bits, format!("{:?}", explorer.propose()))
    }

    fn evaluate(bands: &mut [Band<'_>]) {
        // Whatever was evaluated before has left something in the workspace.
        let mut workspace = Vec::new();
        for band in bands.iter_mut().rev() {
            workspace.resize(band.floats(), f32::NAN);
            band.evaluate(&mut workspace);
        }
    }

    /// The oracle is the model that one hand evaluates row by row.
    #[test]
    fn no_bit_depends_on_who_evaluates_which_band() {
        for architecture in ARCHITECTURES {
            let network = Network::new(architecture, WINDOW).unwrap();
            let weights = weights(network, 6);
            let model = made_up(network, &weights, [0.5, 0.5]);
            // Fewer rows than bands, and rows that the bands do not divide.
            for (height, width, edges) in [
                (WINDOW, 14, Edges::Inside),
                (24, 17, Edges::Inside),
                (2 * MOST + 5, 12, Edges::Reflect),
            ] {
                let candidates = Candidates::with_edges(height, width, WINDOW, edges).unwrap();
                let expected = campaign(candidates, |explorer| {
                    explorer.load_model(&model).unwrap();
                    found(explorer)
                });
                let shared = campaign(candidates, |explorer| {
                    let mut expected = (0, 0);
                    for _ in 0..2 {
                        // The second time its features are there.
                        let loaded = explorer.load_model_shared(
                            &model,
                            |bands, done, of| {
                                assert_eq!(done, expected.0);
                                expected = (done + bands.len(), of);
                                evaluate(bands);
                            },
                            gp::alone,
                        );
                        assert!(loaded.unwrap().is_continue());
                        assert_eq!(expected.0, expected.1);
                        expected = (0, 0);
                    }
                    found(explorer)
                });
                assert_eq!(shared, expected, "{architecture:?}, {height} x {width}");
            }
        }
    }

    /// The oracle is the model that one hand takes in, with more points than go together twice over.
    #[test]
    fn no_bit_depends_on_who_works_out_which_rows_or_nodes() {
        let network = Network::new(Architecture::Filters, WINDOW).unwrap();
        let weights = weights(network, 6);
        let model = made_up(network, &weights, [0.5, 0.5]);
        let candidates = Candidates::new(30, 25, WINDOW).unwrap();
        let posterior = |shared: bool, responses: usize| {
            let capacity = Capacity::for_candidates(candidates, 150).with_responses(responses);
            let (mut floats, mut words) =
                (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
            let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
            let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
            let image = random(candidates.height() * candidates.width(), 5);
            explorer
                .load_image_with(candidates, responses, &image)
                .unwrap();
            for (n, own) in random(150, 8).into_iter().enumerate() {
                let own = [own, -own, own * own];
                let candidate = Candidate(2 * n as u32);
                explorer.measure_all(candidate, &own[..responses]).unwrap();
            }
            let others = [Standardisation::IDENTITY; 2];
            let model = Model {
                others: &others[..responses - 1],
                ..model
            };
            let (mut solved, mut swept) = (0, 0);
            if shared {
                let loaded = explorer.load_model_shared(
                    &model,
                    |bands, _, _| evaluate(bands),
                    |rows| {
                        solved += rows.len();
                        rows.iter_mut().rev().for_each(NewRows::solve);
                    },
                );
                assert!(loaded.unwrap().is_continue());
                let sweep = |groups: &mut [Nodes<'_>]| {
                    for nodes in groups.iter_mut().rev() {
                        swept += 1;
                        nodes.sweep(&mut vec![f32::NAN; nodes.floats()]);
                    }
                };
                explorer.surrogate_shared(sweep).unwrap();
                assert!(solved > 4 && swept > 4, "{solved} {swept}");
                // What is known is not found again.
                explorer
                    .surrogate_shared(|_| panic!("nothing is left"))
                    .unwrap();
            } else {
                explorer.load_model(&model).unwrap();
            }
            let surrogate = explorer.surrogate().unwrap();
            let bits = |response| {
                let both = surrogate.iter_of(response);
                both.map(|(mean, variance)| [mean.to_bits(), variance.to_bits()])
            };
            let bits: Vec<_> = (0..responses).flat_map(bits).collect();
            (bits, format!("{:?}", explorer.propose()))
        };
        for responses in [1, 3] {
            assert_eq!(posterior(true, responses), posterior(false, responses));
        }
    }

    #[test]
    fn a_band_that_is_left_undone_leaves_the_model_before_in_force() {
        let candidates = Candidates::new(30, 20, WINDOW).unwrap();
        for architecture in ARCHITECTURES {
            let network = Network::new(architecture, WINDOW).unwrap();
            let [before, weights] = [6, 7].map(|seed| weights(network, seed));
            let before = made_up(network, &before, [0.5, 0.5]);
            let model = made_up(network, &weights, [0.5, 0.5]);
            let [old, new] = [&before, &model].map(|model| {
                campaign(candidates, |explorer| {
                    explorer.load_model(model).unwrap();
                    found(explorer)
                })
            });
            campaign(candidates, |explorer| {
                explorer.load_model(&before).unwrap();
                explorer.filtered = false;
                let mut passes = 0;
                let left = explorer.load_model_shared(
                    &model,
                    |bands, _, _| {
                        passes += 1;
                        let filters = architecture == Architecture::Filters;
                        let last = bands.len() - usize::from(!filters || passes == 3);
                        evaluate(&mut bands[..last]);
                    },
                    gp::alone,
                );
                assert!(left.unwrap().is_break());
                assert_eq!(found(explorer), old);
                let loaded =
                    explorer.load_model_shared(&model, |bands, _, _| evaluate(bands), gp::alone);
                assert!(loaded.unwrap().is_continue());
                assert_eq!(found(explorer), new);
            });
        }
    }
}
