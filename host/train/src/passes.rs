//! One chunk of patches through the network, forward and backward.

use beacon_kernel::network::{CHANNELS_1, CHANNELS_2, LATENT, Layout, TAPS};
use multiversion::multiversion;

use super::convolution::{LANES, Lanes, ROW, backward_output, kernel_gradient, pooled_block};
use super::shape::Shape;

/// Patches of a chunk: enough to outweigh a thread's wake-up, few enough to share evenly.
pub(super) const CHUNK: usize = 16;

/// Groups of lanes in the second layer.
const GROUPS: usize = CHANNELS_2 / LANES;

/// Weights of one output channel of the second convolution.
pub(super) const FAN_2: usize = TAPS * CHANNELS_1;

const _: () = assert!(CHANNELS_1 == LANES && CHANNELS_2.is_multiple_of(LANES) && FAN_2 == 3 * ROW);

/// The network's weights as a pass reads them.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) shape: Shape,
    pub(super) layout: Layout,
    /// Flat, in the order of the layout.
    pub(super) flat: Vec<f32>,
    /// The second convolution's kernel with output channels outermost: `[out][tap][in]`.
    pub(super) conv2_by_output: Vec<f32>,
}

/// One chunk of patches: inputs, activations kept for the way back, gradients.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) patches: usize,
    /// Whether latents and activations are those of the present inputs and weights.
    pub(super) evaluated: bool,
    /// `[patch][row][column]`, border included.
    pub(super) input: Vec<f32>,
    /// `[patch][row][column][channel]`, border included.
    pub(super) hidden: Vec<f32>,
    /// Which of its four places each hidden value came from; `[patch][row][column][channel]`
    /// without a border.
    pub(super) hidden_from: Vec<u8>,
    /// `[patch][row][column][channel]`
    pub(super) pooled: Vec<f32>,
    pub(super) pooled_from: Vec<u8>,
    pub(super) latents: [[f32; LATENT]; CHUNK],
    pub(super) latent_gradient: [[f32; LATENT]; CHUNK],
    /// Gradient by the hidden layer of the patch at hand.
    pub(super) hidden_gradient: Vec<f32>,
    /// In the order of the layout, but the second kernel as `[out][tap][in]`.
    pub(super) gradient: Vec<f32>,
}

impl Chunk {
    /// Room for a full chunk.
    pub(super) fn new(shape: Shape, weights: usize) -> Self {
        Self {
            patches: 0,
            evaluated: false,
            input: vec![0.0; CHUNK * shape.input_len()],
            hidden: vec![0.0; CHUNK * shape.hidden_len()],
            hidden_from: vec![0; CHUNK * shape.pooled1 * shape.pooled1 * CHANNELS_1],
            pooled: vec![0.0; CHUNK * shape.pooled_len()],
            pooled_from: vec![0; CHUNK * shape.pooled_len()],
            latents: [[0.0; LATENT]; CHUNK],
            latent_gradient: [[0.0; LATENT]; CHUNK],
            hidden_gradient: vec![0.0; shape.hidden_len()],
            gradient: vec![0.0; weights],
        }
    }
}

/// Evaluates the chunk's latents, and keeps what the way back needs.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn forward(weights: &Weights, chunk: &mut Chunk) {
    forward_body(weights, chunk);
}

/// The chunk's gradient by the weights from that by its latents.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn backward(weights: &Weights, chunk: &mut Chunk) {
    backward_body(weights, chunk);
}

#[inline(always)]
pub(super) fn forward_body(weights: &Weights, chunk: &mut Chunk) {
    let Weights {
        shape,
        layout,
        flat,
        ..
    } = weights;
    let kernel1 = flat[layout.conv1_kernel.clone()].as_chunks().0;
    let bias1 = flat[layout.conv1_bias.clone()].as_chunks().0;
    let kernel2 = flat[layout.conv2_kernel.clone()].as_chunks().0;
    let bias2 = flat[layout.conv2_bias.clone()].as_chunks::<LANES>().0;
    let dense = flat[layout.dense_kernel.clone()].as_chunks::<LATENT>().0;
    let dense_bias = flat[layout.dense_bias.clone()].as_chunks::<LATENT>().0;
    for patch in 0..chunk.patches {
        let input = of(&chunk.input, patch, shape.input_len())
            .as_chunks::<1>()
            .0;
        let hidden = of_mut(&mut chunk.hidden, patch, shape.hidden_len());
        let hidden = hidden.as_chunks_mut::<LANES>().0;
        let places = shape.pooled1 * shape.pooled1;
        let from = of_mut(&mut chunk.hidden_from, patch, places * CHANNELS_1);
        let from = from.as_chunks_mut::<LANES>().0;
        for row in 0..shape.pooled1 {
            for column in 0..shape.pooled1 {
                let to = (row + shape.border) * shape.hidden + column + shape.border;
                let corner = (2 * row, 2 * column);
                (hidden[to], from[row * shape.pooled1 + column]) =
                    pooled_block::<1, 1>(input, shape.input, corner, kernel1, &bias1[0], 0);
            }
        }
        let pooled = of_mut(&mut chunk.pooled, patch, shape.pooled_len());
        let from = of_mut(&mut chunk.pooled_from, patch, shape.pooled_len());
        let pooled_lanes = pooled.as_chunks_mut::<LANES>().0;
        let from = from.as_chunks_mut::<LANES>().0;
        for place in 0..shape.pooled2 * shape.pooled2 {
            let corner = (2 * (place / shape.pooled2), 2 * (place % shape.pooled2));
            for group in 0..GROUPS {
                let to = place * GROUPS + group;
                (pooled_lanes[to], from[to]) = pooled_block::<CHANNELS_1, GROUPS>(
                    hidden,
                    shape.hidden,
                    corner,
                    kernel2,
                    &bias2[group],
                    group,
                );
            }
        }
        // One pair of sums for each lane, for one fixed order of summation.
        let mut sums = [[0.0; LATENT]; LANES];
        let features = pooled.as_chunks::<LANES>().0.iter();
        for (features, weights) in features.zip(dense.as_chunks::<LANES>().0) {
            for ((sum, feature), weight) in sums.iter_mut().zip(features).zip(weights) {
                for axis in 0..LATENT {
                    sum[axis] += feature * weight[axis];
                }
            }
        }
        let mut latent = dense_bias[0];
        for sum in sums {
            for axis in 0..LATENT {
                latent[axis] += sum[axis];
            }
        }
        chunk.latents[patch] = latent;
    }
}

#[inline(always)]
pub(super) fn backward_body(weights: &Weights, chunk: &mut Chunk) {
    let Weights {
        shape,
        layout,
        flat,
        ..
    } = weights;
    let dense = flat[layout.dense_kernel.clone()].as_chunks::<LATENT>().0;
    let kernel2 = weights
        .conv2_by_output
        .as_chunks::<ROW>()
        .0
        .as_chunks::<3>()
        .0;
    chunk.gradient.fill(0.0);
    let Gradients {
        kernel1: kernel1_gradient,
        bias1: bias1_gradient,
        kernel2: kernel2_gradient,
        bias2: bias2_gradient,
        dense: dense_gradient,
        dense_bias: dense_bias_gradient,
    } = Gradients::split(layout, &mut chunk.gradient);
    for patch in 0..chunk.patches {
        let d = chunk.latent_gradient[patch];
        for axis in 0..LATENT {
            dense_bias_gradient[axis] += d[axis];
        }
        let hidden = of(&chunk.hidden, patch, shape.hidden_len());
        let pooled = of(&chunk.pooled, patch, shape.pooled_len());
        let from = of(&chunk.pooled_from, patch, shape.pooled_len());
        chunk.hidden_gradient.fill(0.0);
        for (unit, feature) in pooled.iter().enumerate() {
            // Zero means that ReLU stopped it: no gradient passes, none reaches the weights.
            if *feature <= 0.0 {
                continue;
            }
            let mut through = 0.0;
            for axis in 0..LATENT {
                dense_gradient[unit][axis] += feature * d[axis];
                through += dense[unit][axis] * d[axis];
            }
            let (place, channel) = (unit / CHANNELS_2, unit % CHANNELS_2);
            let from = usize::from(from[unit]);
            let row = 2 * (place / shape.pooled2) + from / 2;
            let column = 2 * (place % shape.pooled2) + from % 2;
            bias2_gradient[channel] += through;
            backward_output(
                through,
                (
                    (row * shape.hidden + column) * CHANNELS_1,
                    shape.hidden * CHANNELS_1,
                ),
                (hidden, &mut chunk.hidden_gradient),
                (&kernel2[channel], &mut kernel2_gradient[channel]),
            );
        }
        let input = of(&chunk.input, patch, shape.input_len());
        let places = shape.pooled1 * shape.pooled1;
        let from = of(&chunk.hidden_from, patch, places * CHANNELS_1);
        let from = from.as_chunks::<LANES>().0;
        let hidden = hidden.as_chunks::<LANES>().0;
        let hidden_gradient = chunk.hidden_gradient.as_chunks::<LANES>().0;
        for (place, from) in from.iter().enumerate() {
            let (row, column) = (place / shape.pooled1, place % shape.pooled1);
            let at = (row + shape.border) * shape.hidden + column + shape.border;
            let mut d = hidden_gradient[at];
            for ((d, h), b) in d.iter_mut().zip(&hidden[at]).zip(bias1_gradient.iter_mut()) {
                *d = if *h > 0.0 { *d } else { 0.0 };
                *b += *d;
            }
            let corner = (2 * row, 2 * column);
            kernel_gradient(input, shape.input, corner, from, &d, kernel1_gradient);
        }
    }
}

/// The parts of a chunk's flat gradient.
struct Gradients<'a> {
    kernel1: &'a mut [Lanes; TAPS],
    bias1: &'a mut [f32],
    kernel2: &'a mut [[[f32; ROW]; 3]],
    bias2: &'a mut [f32],
    dense: &'a mut [[f32; LATENT]],
    dense_bias: &'a mut [f32],
}

impl<'a> Gradients<'a> {
    #[inline(always)]
    fn split(layout: &Layout, flat: &'a mut [f32]) -> Self {
        let (kernel1, flat) = flat.split_at_mut(layout.conv1_kernel.len());
        let (bias1, flat) = flat.split_at_mut(layout.conv1_bias.len());
        let (kernel2, flat) = flat.split_at_mut(layout.conv2_kernel.len());
        let (bias2, flat) = flat.split_at_mut(layout.conv2_bias.len());
        let (dense, dense_bias) = flat.split_at_mut(layout.dense_kernel.len());
        let kernel1 = kernel1.as_chunks_mut().0;
        Self {
            kernel1: &mut kernel1.as_chunks_mut().0[0],
            bias1,
            kernel2: kernel2.as_chunks_mut().0.as_chunks_mut().0,
            bias2,
            dense: dense.as_chunks_mut().0,
            dense_bias,
        }
    }
}

/// The part of a chunk's buffer that belongs to one of its patches.
#[inline(always)]
fn of<T>(buffer: &[T], patch: usize, len: usize) -> &[T] {
    &buffer[patch * len..(patch + 1) * len]
}

#[inline(always)]
fn of_mut<T>(buffer: &mut [T], patch: usize, len: usize) -> &mut [T] {
    &mut buffer[patch * len..(patch + 1) * len]
}
