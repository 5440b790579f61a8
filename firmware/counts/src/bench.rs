//! An explorer in the middle of a campaign, to run single kernels of.

use beacon_kernel::{Architecture, Candidate, Error, Explorer, Model, Network, Standardisation};

use crate::{Lent, STRUCTURES, Shape, workload};

/// An explorer with its image and model.
pub struct Bench {
    /// The explorer.
    pub explorer: Explorer<'static>,
    /// The model it has.
    pub model: Model<'static>,
    /// The image it has, row-major.
    pub image: &'static [f32],
    /// Weights of the fixed filters.
    filters: &'static [f32],
}

impl Bench {
    /// An explorer with as large an image as fits, a model, and nothing measured.
    pub fn new(lent: Lent) -> Self {
        let capacity = lent.capacity;
        let network = Network::for_window(capacity.window).expect("a window of a network");
        let (explorer, image, weights) = lent.explorer();
        workload::image(capacity.image_width, image);
        let (weights, filters) = weights.split_at_mut(network.weight_count());
        workload::weights(network, weights);
        let (_, filters) = workload::filters(capacity.window, filters);
        let mut model = Model {
            network,
            weights,
            hyperparameters: workload::UNIT,
            standardisation: Standardisation::IDENTITY,
            others: &[],
        };
        let mut bench = Self {
            explorer,
            model,
            image,
            filters,
        };
        bench.load_image().expect("an image");
        bench.explorer.load_model(&model).expect("a model");
        let latents = bench.explorer.latents().unwrap_or_default();
        model.hyperparameters = workload::hyperparameters(latents, workload::SPAN);
        bench.model = model;
        bench.explorer.load_model(&model).expect("a model");
        bench
    }

    /// The problem with this many points measured.
    pub fn shape(&self, measurements: usize) -> Shape {
        Shape::of(self.explorer.capacity(), measurements)
    }

    /// Loads the image; nothing is measured then, and there is no model.
    ///
    /// # Errors
    /// As [`Explorer::load_image`].
    pub fn load_image(&mut self) -> Result<(), Error> {
        let capacity = self.explorer.capacity();
        let side = capacity.image_width;
        self.explorer
            .load_image(side, side, capacity.window, self.image)
    }

    /// A model of the fixed filters, of which only the cost counts.
    pub fn filters(&self) -> Model<'static> {
        let window = self.model.network.window();
        let network = Network::new(Architecture::Filters, window).expect("a window of the filters");
        Model {
            network,
            weights: self.filters,
            ..self.model
        }
    }

    /// Measures until so many points are, the last of them not included.
    pub fn measure_until(&mut self, measurements: usize) {
        let known = self.explorer.measurements().len();
        for n in known..measurements {
            self.measure(n).expect("a measurement");
        }
    }

    /// The same with structural distances, as far as their values matter.
    pub fn measure_with_structures_until(&mut self, measurements: usize) {
        self.measure_until(STRUCTURES);
        self.explorer.only_update_distances().expect("distances");
        self.measure_until(measurements);
        self.explorer.skip_distances();
    }

    /// Mean and variance of every candidate; returns their sum, so that none is left out.
    ///
    /// # Errors
    /// As [`Explorer::surrogate`].
    pub fn surrogate(&mut self) -> Result<f32, Error> {
        let surrogate = self.explorer.surrogate()?;
        Ok(surrogate
            .iter()
            .map(|(mean, variance)| mean + variance)
            .sum())
    }

    /// Measures the n-th point.
    ///
    /// # Errors
    /// As [`Explorer::measure`].
    pub fn measure(&mut self, n: usize) -> Result<(), Error> {
        let candidate: Candidate = workload::candidate(n, self.shape(n).candidates.count());
        self.explorer
            .measure(candidate, workload::response(candidate))
    }
}
