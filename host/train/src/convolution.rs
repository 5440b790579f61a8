//! 3×3 convolution with `ReLU` and 2×2 max-pooling, forward and backward, channels innermost.
//!
//! One pooled output needs a 2×2 block of convolution outputs, computed together in registers
//! and never stored. Backwards, only the largest of the four carries gradient, and only where
//! `ReLU` let it through.

/// Channels computed together.
pub(super) const LANES: usize = 16;

/// A group of channels.
pub(super) type Lanes = [f32; LANES];

/// Outputs of one 2×2 block for `LANES` output channels: the pooled activation and which of
/// the four (row-major, the first of equals) it came from.
///
/// `input` is `[side][side][IN]`, `(row, column)` the block's first pixel there; `kernel`
/// holds `[tap][IN][GROUPS]` groups of lanes, of which `group` is taken.
#[inline(always)]
pub(super) fn pooled_block<const IN: usize, const GROUPS: usize>(
    input: &[[f32; IN]],
    side: usize,
    (row, column): (usize, usize),
    kernel: &[Lanes],
    bias: &Lanes,
    group: usize,
) -> (Lanes, [u8; LANES]) {
    let mut sums = [*bias; 4];
    for tap in 0..9 {
        let first = (row + tap / 3) * side + column + tap % 3;
        let above = &input[first..first + 2];
        let below = &input[first + side..first + side + 2];
        let weights = &kernel[tap * IN * GROUPS..(tap + 1) * IN * GROUPS];
        for channel in 0..IN {
            let weights = &weights[channel * GROUPS + group];
            let pixels = [
                above[0][channel],
                above[1][channel],
                below[0][channel],
                below[1][channel],
            ];
            // By index: an iterator over the pixels would keep them, and the sums, in memory.
            for place in 0..4 {
                for lane in 0..LANES {
                    sums[place][lane] += pixels[place] * weights[lane];
                }
            }
        }
    }
    let mut largest = sums[0];
    let mut from = [0; LANES];
    for (place, sum) in (1_u8..).zip(&sums[1..]) {
        for ((l, f), s) in largest.iter_mut().zip(&mut from).zip(sum) {
            if *s > *l {
                *l = *s;
                *f = place;
            }
        }
    }
    // Rectifying after pooling is the same as before, once instead of four times.
    (largest.map(|l| if l > 0.0 { l } else { 0.0 }), from)
}

/// Gradient of a first-layer kernel from one pooled output: `gradient[tap]` grows by pixel
/// times the gradient `d` of the pooled activations (zero where `ReLU` stopped it).
#[inline(always)]
pub(super) fn kernel_gradient(
    input: &[f32],
    side: usize,
    (row, column): (usize, usize),
    from: &[u8; LANES],
    d: &Lanes,
    gradient: &mut [Lanes; 9],
) {
    let mut parts = [[0.0; LANES]; 4];
    for (place, part) in (0_u8..).zip(&mut parts) {
        for ((p, f), d) in part.iter_mut().zip(from).zip(d) {
            *p = if *f == place { *d } else { 0.0 };
        }
    }
    for (tap, gradient) in gradient.iter_mut().enumerate() {
        let first = (row + tap / 3) * side + column + tap % 3;
        let pixels = [
            input[first],
            input[first + 1],
            input[first + side],
            input[first + side + 1],
        ];
        for lane in 0..LANES {
            let mut sum = gradient[lane];
            for place in 0..4 {
                sum += pixels[place] * parts[place][lane];
            }
            gradient[lane] = sum;
        }
    }
}

/// Three taps of one kernel row, all channels of the first layer: contiguous in the input.
pub(super) const ROW: usize = 3 * LANES;

/// Back through one second-layer output that carries a gradient `d`: its kernel's gradient
/// grows by the input it saw, the input's gradient by the kernel.
///
/// Sparse, since of each output channel's positions only the pool's choice has a gradient:
/// the kernels are `[3][ROW]` of a single output channel, `first` the flat index of the
/// output's first input value, `stride` that of an input row.
#[inline(always)]
pub(super) fn backward_output(
    d: f32,
    (first, stride): (usize, usize),
    (input, input_gradient): (&[f32], &mut [f32]),
    (kernel, kernel_gradient): (&[[f32; ROW]; 3], &mut [[f32; ROW]; 3]),
) {
    for row in 0..3 {
        let range = first + row * stride..first + row * stride + ROW;
        let seen = &input[range.clone()];
        for (g, x) in kernel_gradient[row].iter_mut().zip(seen) {
            *g += d * x;
        }
        for (g, w) in input_gradient[range].iter_mut().zip(&kernel[row]) {
            *g += d * w;
        }
    }
}
