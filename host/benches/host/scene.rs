//! A sample with points measured on it, as far as a campaign's arithmetic needs one.

use std::error::Error;
use std::sync::Arc;

use beacon_host::controller::{Controller, InProcess, Memory, Setup};
use beacon_host::data::{Map, Patches};
use beacon_host::internal::specimen::{
    NanoparticlesConfig, Specimen, SpecimenConfig, SpecimenKind,
};
use beacon_host::scalarizer::Scalarizer;
use beacon_host::train::{SurrogateKind, SurrogateTrainer, TrainerConfig};
use beacon_kernel::{Candidate, Capacity, Model, Pixel};

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

/// What a scene shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sample {
    /// The default specimen of a kind, 64 × 64 pixels.
    Specimen(SpecimenKind),
    /// Blobs of many sizes that overlap, on so many pixels a side.
    Blobs(usize),
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
        });
        let specimen = Respond::new(specimen)?;
        let mirrored = |i: usize| {
            if (i / own).is_multiple_of(2) {
                i % own
            } else {
                own - 1 - i % own
            }
        };
        let image = specimen.specimen.image();
        let pixels = (0..side * side)
            .map(|i| image.at(mirrored(i / side), mirrored(i % side)))
            .collect();
        Self::made(side, pixels, points, |pixel| {
            specimen.at(mirrored(pixel.row), mirrored(pixel.column))
        })
    }

    /// A sample with `points` measured points, which are spread over it.
    pub(crate) fn of(sample: Sample, points: usize) -> Result<Self, Box<dyn Error>> {
        match sample {
            Sample::Specimen(kind) => {
                let specimen = Respond::new(kind.config(1))?;
                let image = specimen.specimen.image();
                let side = image.width();
                let pixels = (0..side * side).map(|i| image.at(i / side, i % side));
                let pixels = pixels.collect();
                Self::made(side, pixels, points, |pixel| {
                    specimen.at(pixel.row, pixel.column)
                })
            }
            Sample::Blobs(side) => {
                let pixels = blobs(side);
                let at = |row: usize, column: usize| {
                    pixels[row.min(side - 1) * side + column.min(side - 1)]
                };
                Self::made(side, pixels.clone(), points, |Pixel { row, column }| {
                    let down = at(row + 2, column) - at(row.saturating_sub(2), column);
                    let across = at(row, column + 2) - at(row, column.saturating_sub(2));
                    Ok((2.0 * at(row, column)).sin() + 2.0 * down.hypot(across))
                })
            }
        }
    }

    fn made(
        side: usize,
        pixels: Vec<f64>,
        points: usize,
        respond: impl Fn(Pixel) -> Result<f64, Box<dyn Error>>,
    ) -> Result<Self, Box<dyn Error>> {
        let image = Map::uncalibrated(side, side, pixels, "HAADF");
        let patches = image.patches(WINDOW)?;
        let order = spread(patches.candidates().count(), points);
        let responses = order.iter();
        let responses = responses.map(|&point| respond(patches.candidates().pixel(point)?));
        let responses = responses.collect::<Result<Vec<f64>, _>>()?;
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

/// What the target of its kind reads from a specimen.
struct Respond {
    specimen: Arc<dyn Specimen>,
    target: Scalarizer,
}

impl Respond {
    fn new(config: SpecimenConfig) -> Result<Self, Box<dyn Error>> {
        let target = config.kind().target().parse()?;
        let specimen = config.make()?;
        Ok(Self { specimen, target })
    }

    fn at(&self, row: usize, column: usize) -> Result<f64, Box<dyn Error>> {
        let spectrum = self.specimen.spectrum(row, column);
        let (channels, energies) = (self.specimen.channels(), self.specimen.coordinates());
        Ok(self.target.reduce(&spectrum, energies, channels)?)
    }
}

/// Gaussians of 2 to 9 pixels, one for every 156 pixels of the image, of which most overlap others. Their places
/// and sizes are spread evenly, as the parts behind the point of multiples are.
fn blobs(side: usize) -> Vec<f64> {
    let mut pixels = vec![0.0; side * side];
    for n in 1..=side * side / 156 {
        let part = |of: f64| (n as f64 * of).fract();
        let (y, x) = (side as f64 * part(0.754_88), side as f64 * part(0.569_84));
        let (width, height) = (2.0 + 7.0 * part(0.438_447), 0.3 + 0.7 * part(0.328_5));
        let reach = |at: f64| (at - 4.0 * width).max(0.0) as usize..(at + 4.0 * width) as usize + 1;
        for row in reach(y).take_while(|&row| row < side) {
            for column in reach(x).take_while(|&column| column < side) {
                let far = (row as f64 - y).powi(2) + (column as f64 - x).powi(2);
                pixels[row * side + column] += height * (-0.5 * far / (width * width)).exp();
            }
        }
    }
    pixels
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
