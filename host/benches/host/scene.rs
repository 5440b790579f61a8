//! A specimen with points measured on it, as far as a campaign's arithmetic needs one.

use std::error::Error;

use beacon_host::controller::{Controller, InProcess, Memory, Setup};
use beacon_host::data::{Map, Patches};
use beacon_host::internal::specimen::{NanoparticlesConfig, SpecimenConfig, SpecimenKind};
use beacon_host::scalarizer::Scalarizer;
use beacon_host::train::{SurrogateKind, SurrogateTrainer, TrainerConfig};
use beacon_kernel::{Candidate, Capacity, Model};

/// Side of the window in pixels, as in the published experiments.
pub(crate) const WINDOW: usize = 16;

/// Side of the largest image that a specimen is made for.
const LARGEST: usize = 512;

/// The image of a specimen and points of it in the order they are measured.
pub(crate) struct Scene {
    pub(crate) patches: Patches,
    pub(crate) order: Vec<Candidate>,
    /// Relative to the first.
    pub(crate) responses: Vec<f64>,
}

impl Scene {
    /// A square image of `side` pixels with `points` measured points, which are spread over it.
    /// Pixels are as large as in the default specimen, whatever the side; an image larger than
    /// any specimen shows it again in a mirror.
    pub(crate) fn new(side: usize, points: usize) -> Result<Self, Box<dyn Error>> {
        let own = side.min(LARGEST);
        let default = NanoparticlesConfig::default();
        let specimen = SpecimenConfig::Nanoparticles(NanoparticlesConfig {
            height: own,
            width: own,
            field_of_view_nm: default.field_of_view_nm * own as f64 / default.width as f64,
            ..default
        })
        .make()?;
        let mirrored = |i: usize| {
            if (i / own).is_multiple_of(2) {
                i % own
            } else {
                own - 1 - i % own
            }
        };
        let image = specimen.image();
        let pixels = (0..side * side)
            .map(|i| image.at(mirrored(i / side), mirrored(i % side)))
            .collect();
        let image = Map::uncalibrated(side, side, pixels, "HAADF");
        let patches = Patches::new(&image, WINDOW)?;

        let target: Scalarizer = SpecimenKind::Nanoparticles.target().parse()?;
        let order = spread(patches.candidates().count(), points);
        let responses = order.iter().map(|&candidate| {
            let pixel = patches.candidates().pixel(candidate)?;
            let spectrum = specimen.spectrum(mirrored(pixel.row), mirrored(pixel.column));
            let (channels, energies) = (specimen.channels(), specimen.coordinates());
            Ok(target.reduce(&spectrum, energies, channels)?)
        });
        let responses = responses.collect::<Result<Vec<f64>, Box<dyn Error>>>()?;
        let origin = responses.first().copied().unwrap_or_default();
        Ok(Self {
            responses: responses.iter().map(|response| response - origin).collect(),
            patches,
            order,
        })
    }

    /// A trainer that has seen the first `points` points for the first time.
    pub(crate) fn trainer(
        &self,
        surrogate: SurrogateKind,
        points: usize,
    ) -> Result<SurrogateTrainer, Box<dyn Error>> {
        let config = TrainerConfig::default();
        let mut trainer = SurrogateTrainer::new(surrogate, &self.patches, config)?;
        for &candidate in &self.order[..points] {
            trainer.add(candidate, &self.patches)?;
        }
        trainer.fit(&self.responses[..points])?;
        Ok(trainer)
    }

    /// Memory for all of its points.
    pub(crate) fn memory(&self) -> Memory {
        let side = self.patches.candidates().width();
        Memory::new(Capacity::for_campaign(side, side, WINDOW, self.order.len()))
    }

    /// A kernel that knows the image, the first `points` points and a model.
    pub(crate) fn kernel<'m>(
        &self,
        memory: &'m mut Memory,
        model: &Model<'_>,
        points: usize,
    ) -> Result<InProcess<'m>, Box<dyn Error>> {
        let mut kernel = InProcess::new(memory)?;
        let candidates = self.patches.candidates();
        kernel.begin(&Setup {
            candidates,
            pixels: self.patches.pixels(),
            seed: 1,
            revision: 0,
        })?;
        for point in 0..points {
            self.measure(&mut kernel, point)?;
        }
        kernel.load_model(model, 1)?;
        Ok(kernel)
    }

    /// Tells the kernel the response at a point.
    pub(crate) fn measure(
        &self,
        kernel: &mut InProcess<'_>,
        point: usize,
    ) -> Result<(), Box<dyn Error>> {
        Ok(kernel.measure(self.order[point], self.responses[point] as f32)?)
    }
}

/// Distinct numbers below `count`, each far from the one before: multiples of a number that has
/// no divisor in common with `count` and is near its golden section.
fn spread(count: usize, points: usize) -> Vec<Candidate> {
    let divisor = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let golden = (0.618 * count as f64) as usize;
    let stride = (1..=golden).rev().find(|&n| divisor(n, count) == 1);
    let stride = stride.unwrap_or(1);
    let numbers = (0..points.min(count)).map(|i| Candidate((i * stride % count) as u32));
    numbers.collect()
}
