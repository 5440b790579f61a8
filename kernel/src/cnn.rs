//! The network on one patch: the reference that the dense evaluation must equal bit for bit.
//!
//! Every output is a bias plus products added one by one in the order of the weight layout,
//! so it does not matter how outputs are grouped for speed.

use crate::math::larger;
use crate::network::{CHANNELS_1, CHANNELS_2, LATENT, TAPS};
use crate::{Architecture, Error, Network};

/// Activations of one pixel after the first layer.
pub(crate) type Pixel1 = [f32; CHANNELS_1];
/// Activations of one pixel after the second layer.
pub(crate) type Pixel2 = [f32; CHANNELS_2];

const BLANK: Pixel1 = [0.0; CHANNELS_1];

/// Output channels that a convolution accumulates together. With the pixels of
/// [`dense`](crate::dense) they fill most of the 32 floating-point registers of a Cortex-M7, or half
/// of the vector registers elsewhere.
const BLOCK: usize = if cfg!(target_arch = "arm") { 4 } else { 8 };

/// The layers of a network, as views into its flat weights.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'w> {
    pub(crate) network: Network,
    conv1: &'w [Pixel1; TAPS],
    bias1: &'w Pixel1,
    conv2: &'w [[Pixel2; CHANNELS_1]; TAPS],
    bias2: &'w Pixel2,
    dense: &'w [[[f32; LATENT]; CHANNELS_2]],
    dense_bias: &'w [f32; LATENT],
}

impl<'w> Layers<'w> {
    /// Views into the flat weights of a network that convolves.
    ///
    /// # Errors
    /// [`Error::WeightCount`] when there are not as many as the network has.
    pub(crate) fn new(network: Network, weights: &'w [f32]) -> Result<Self, Error> {
        let wrong = Error::WeightCount {
            found: weights.len(),
            expected: network.weight_count(),
        };
        Self::split(network, weights).ok_or(wrong)
    }

    fn split(network: Network, weights: &'w [f32]) -> Option<Self> {
        if weights.len() != network.weight_count() {
            return None;
        }
        let layout = network.layout();
        let conv1 = weights.get(layout.conv1_kernel)?.as_chunks().0;
        let conv2 = weights.get(layout.conv2_kernel)?.as_chunks().0;
        let dense = weights.get(layout.dense_kernel)?.as_chunks().0;
        Some(Self {
            network,
            conv1: conv1.try_into().ok()?,
            bias1: weights.get(layout.conv1_bias)?.try_into().ok()?,
            conv2: conv2.as_chunks().0.try_into().ok()?,
            bias2: weights.get(layout.conv2_bias)?.try_into().ok()?,
            dense: dense.as_chunks().0,
            dense_bias: weights.get(layout.dense_bias)?.try_into().ok()?,
        })
    }

    /// First convolution and ReLU at `P` pixels of a row, each from its 3 × 3 neighbourhood: the
    /// taps of the pixels one after another, in the order of the kernel's.
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    pub(crate) fn convolve1<const P: usize>(&self, taps: &[[f32; P]; TAPS], out: &mut [Pixel1; P]) {
        let bias_blocks = self.bias1.as_chunks::<BLOCK>().0;
        for (block, bias) in bias_blocks.iter().enumerate() {
            let mut sums = [*bias; P];
            for (pixels, weights) in taps.iter().zip(self.conv1) {
                let Some(weights) = weights.as_chunks::<BLOCK>().0.get(block) else {
                    continue;
                };
                accumulate(&mut sums, *pixels, weights);
            }
            finish(sums, block, out);
        }
    }

    /// Second convolution and ReLU at `P` pixels of a row: each of the nine taps as the `P`
    /// neighbours that it multiplies.
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    pub(crate) fn convolve2<const P: usize>(
        &self,
        taps: [&[Pixel1; P]; TAPS],
        out: &mut [Pixel2; P],
    ) {
        let bias_blocks = self.bias2.as_chunks::<BLOCK>().0;
        for (block, bias) in bias_blocks.iter().enumerate() {
            let mut sums = [*bias; P];
            for (pixels, channels) in taps.iter().zip(self.conv2) {
                // Four channels at a time, for fewer branches.
                for (group, channels) in channels.as_chunks::<4>().0.iter().enumerate() {
                    for (channel, weights) in channels.iter().enumerate() {
                        let Some(weights) = weights.as_chunks::<BLOCK>().0.get(block) else {
                            continue;
                        };
                        let x = pixels.each_ref().map(|x| x[4 * group + channel]);
                        accumulate(&mut sums, x, weights);
                    }
                }
            }
            finish(sums, block, out);
        }
    }

    /// The bias of the fully connected layer, from which a latent vector starts.
    pub(crate) fn latent_bias(&self) -> [f32; LATENT] {
        *self.dense_bias
    }

    /// Adds what the pooled pixel at `(row, column)` of the patch contributes to its latent.
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    pub(crate) fn add_to_latent(
        &self,
        latent: &mut [f32; LATENT],
        row: usize,
        column: usize,
        pooled: &Pixel2,
    ) {
        let index = row * self.network.pool2_side() + column;
        if let Some(weights) = self.dense.get(index) {
            for (x, weights) in pooled.iter().zip(weights) {
                for (sum, weight) in latent.iter_mut().zip(weights) {
                    *sum += x * weight;
                }
            }
        }
    }

    /// Latent vector of the patch whose top-left pixel is `(row, column)` of an image with
    /// rows of `width` pixels. `scratch` holds [`patch_scratch`] pixels or more.
    pub(crate) fn patch(
        &self,
        image: &[f32],
        width: usize,
        (row, column): (usize, usize),
        scratch: &mut [Pixel1],
    ) -> [f32; LATENT] {
        let window = self.network.window();
        // No window has a side of zero; the compiler does not know.
        let side1 = self.network.pool1_side().max(1);
        let side2 = self.network.pool2_side();
        // In padded coordinates the tap (ky, kx) of output (y, x) reads input (y + ky - pad, …).
        let pad = match self.network.architecture() {
            Architecture::Valid | Architecture::Filters => 0,
            Architecture::Same => 1,
        };
        let input = |y: usize, x: usize| {
            if y < pad || x < pad || y >= window + pad || x >= window + pad {
                return 0.0;
            }
            let index = (row + y - pad) * width + column + x - pad;
            image.get(index).copied().unwrap_or(0.0)
        };
        for (index, pooled) in scratch.iter_mut().take(side1 * side1).enumerate() {
            let (y, x) = (2 * (index / side1), 2 * (index % side1));
            *pooled = pool(|dy, dx| {
                let taps = core::array::from_fn(|tap| [input(y + dy + tap / 3, x + dx + tap % 3)]);
                let mut out = [BLANK];
                self.convolve1(&taps, &mut out);
                out[0]
            });
        }
        let scratch = &*scratch;
        let neighbour = |y: usize, x: usize| {
            if y < pad || x < pad || y >= side1 + pad || x >= side1 + pad {
                return &[BLANK];
            }
            let pixel = scratch.get((y - pad) * side1 + x - pad);
            pixel.map_or(&[BLANK], core::array::from_ref)
        };
        let mut latent = self.latent_bias();
        for y in 0..side2 {
            for x in 0..side2 {
                let pooled = pool(|dy, dx| {
                    let taps = core::array::from_fn(|tap| {
                        neighbour(2 * y + dy + tap / 3, 2 * x + dx + tap % 3)
                    });
                    let mut out = [[0.0; CHANNELS_2]];
                    self.convolve2(taps, &mut out);
                    out[0]
                });
                self.add_to_latent(&mut latent, y, x, &pooled);
            }
        }
        latent
    }
}

/// Pixels of scratch that [`Layers::patch`] needs.
pub(crate) const fn patch_scratch(window: usize) -> usize {
    (window / 2) * (window / 2)
}

/// Adds one tap of one channel at `P` pixels to the sums of a block of output channels.
#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn accumulate<const P: usize>(
    sums: &mut [[f32; BLOCK]; P],
    pixels: [f32; P],
    weights: &[f32; BLOCK],
) {
    for (sums, x) in sums.iter_mut().zip(pixels) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += x * weight;
        }
    }
}

/// Stores a block of output channels at `P` pixels, rectified.
#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn finish<const P: usize, const C: usize>(
    sums: [[f32; BLOCK]; P],
    block: usize,
    out: &mut [[f32; C]; P],
) {
    for (out, sums) in out.iter_mut().zip(sums) {
        if let Some(out) = out.as_chunks_mut::<BLOCK>().0.get_mut(block) {
            *out = sums.map(rectify);
        }
    }
}

#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn rectify(x: f32) -> f32 {
    larger(0.0, x)
}

/// Element-wise maximum over the 2 × 2 pixels that `at` gives.
fn pool<const C: usize>(at: impl Fn(usize, usize) -> [f32; C]) -> [f32; C] {
    let mut largest = at(0, 0);
    for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
        raise(&mut largest, &at(dy, dx));
    }
    largest
}

/// Element-wise maximum in place.
fn raise<const C: usize>(largest: &mut [f32; C], other: &[f32; C]) {
    for (largest, &other) in largest.iter_mut().zip(other) {
        *largest = larger_activation(*largest, other);
    }
}

/// The larger of two activations: rectified, they are neither NaN nor a negative zero, and every
/// way to compare them agrees. A Cortex-M7 has one instruction for the maximum where a comparison
/// takes three; elsewhere the comparison is the one.
#[cfg_attr(not(target_arch = "arm"), inline(always))]
pub(crate) fn larger_activation(a: f32, b: f32) -> f32 {
    if cfg!(target_arch = "arm") {
        a.max(b)
    } else {
        larger(a, b)
    }
}
