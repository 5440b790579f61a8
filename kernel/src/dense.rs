//! The unpadded network over a whole image at once, streaming rows through ring buffers.
//!
//! Without padding, overlapping patches share their activations exactly. Pooling at stride 1
//! and dilating what follows (by 2 after the first pooling, by 4 after the second) gives the
//! features of every window for the price of one pass: 15.1 million multiply-accumulates
//! instead of 799 million for a 64 × 64 image and windows of 16. Each output still adds the
//! same products in the same order as [`Layers::patch`], so the two are equal bit for bit.

use crate::cnn::{Layers, Pixel1, Pixel2, larger_activation};
use crate::network::{CHANNELS_1, CHANNELS_2, TAPS};
use crate::storage::Latents;
use crate::{Candidates, Error, Network};

/// Pixels of a row that the convolutions compute together.
const BLOCK: usize = 5;

const ROWS_CONV1: usize = 2;
const ROWS_POOL1: usize = 5;
const ROWS_CONV2: usize = 3;

/// Scratch in floats for images of `width` pixels a row, whatever the window.
pub(crate) const fn scratch(width: usize) -> usize {
    let conv1 = ROWS_CONV1 * width * CHANNELS_1;
    let pool1 = ROWS_POOL1 * width * CHANNELS_1;
    let conv2 = ROWS_CONV2 * width * CHANNELS_2;
    conv1 + pool1 + conv2
}

/// A ring of rows of pixels: row `y` lies in slot `y mod ROWS`, over the oldest row.
struct Ring<'a, T, const ROWS: usize> {
    pixels: &'a mut [T],
    width: usize,
}

impl<T, const ROWS: usize> Ring<'_, T, ROWS> {
    fn row(&self, y: usize) -> &[T] {
        let start = (y % ROWS) * self.width;
        self.pixels
            .get(start..start + self.width)
            .unwrap_or_default()
    }

    fn row_mut(&mut self, y: usize) -> &mut [T] {
        let start = (y % ROWS) * self.width;
        self.pixels
            .get_mut(start..start + self.width)
            .unwrap_or_default()
    }
}

/// Rows of the image that pass through the layers.
pub(crate) fn rows(network: Network, candidates: Candidates) -> usize {
    candidates.rows() + reach(network) + 7
}

/// Pixels of the second pooling beyond the candidates that the fully connected layer reaches.
fn reach(network: Network) -> usize {
    4 * network.pool2_side().saturating_sub(1)
}

/// Products of one row.
pub(crate) fn cost(network: Network, candidates: Candidates) -> usize {
    (candidates.columns() + reach(network) + 7) * TAPS * CHANNELS_1 * (1 + CHANNELS_2)
}

/// Passes the next row of the image, `y` of [`rows`], through the layers. With the last one `latents` are
/// those of all candidates, row-major. From the first to the last, `latents` and `scratch` stay as they are
/// in between.
///
/// # Errors
/// [`Error::Capacity`] when `scratch` holds fewer floats than [`scratch`] asks for.
// On a board by itself, so that it is where the fastest memory is.
#[cfg_attr(target_arch = "arm", inline(never))]
#[cfg_attr(not(target_arch = "arm"), inline(always))]
pub(crate) fn pass_row(
    layers: &Layers<'_>,
    (image, candidates): (&[f32], Candidates),
    y: usize,
    mut latents: Latents<'_>,
    scratch: &mut [f32],
) -> Result<(), Error> {
    let width = candidates.extended_width();
    let needed = self::scratch(width);
    let short = Error::Capacity {
        what: "floats of workspace",
        needed,
        capacity: scratch.len(),
    };
    let (first, rest) = scratch
        .split_at_mut_checked(ROWS_CONV1 * width * CHANNELS_1)
        .ok_or(short)?;
    let (second, third) = rest
        .split_at_mut_checked(ROWS_POOL1 * width * CHANNELS_1)
        .ok_or(short)?;
    if third.len() < ROWS_CONV2 * width * CHANNELS_2 {
        return Err(short);
    }
    let mut conv1: Ring<'_, Pixel1, ROWS_CONV1> = Ring {
        pixels: first.as_chunks_mut().0,
        width,
    };
    let mut pool1: Ring<'_, Pixel1, ROWS_POOL1> = Ring {
        pixels: second.as_chunks_mut().0,
        width,
    };
    let mut conv2: Ring<'_, Pixel2, ROWS_CONV2> = Ring {
        pixels: third.as_chunks_mut().0,
        width,
    };

    // Only what reaches a candidate is computed: the second pooling is needed over the
    // candidates and as far beyond as the fully connected layer reaches.
    let columns = candidates.columns() + reach(layers.network);
    if y == 0 {
        latents.fill(candidates.count(), layers.latent_bias());
    }
    convolve1_row(layers, image, width, y, columns + 7, conv1.row_mut(y));
    let Some(y) = y.checked_sub(1) else {
        return Ok(());
    };
    let pooled = pool1.row_mut(y);
    pool_row::<CHANNELS_1, 1>(conv1.row(y), conv1.row(y + 1), columns + 6, |x, pixel| {
        if let Some(own) = pooled.get_mut(x) {
            *own = *pixel;
        }
    });
    let Some(y) = y.checked_sub(4) else {
        return Ok(());
    };
    let taps = [pool1.row(y), pool1.row(y + 2), pool1.row(y + 4)];
    convolve2_row(layers, taps, columns + 2, conv2.row_mut(y));
    let Some(y) = y.checked_sub(2) else {
        return Ok(());
    };
    let (above, below) = (conv2.row(y), conv2.row(y + 2));
    pool2_row_into_latents(layers, above, below, y, candidates, latents);
    Ok(())
}

/// First columns of the blocks of [`BLOCK`] that cover `columns`: the last one ends there, over
/// the one before it rather than cut short.
fn blocks(columns: usize) -> impl Iterator<Item = usize> {
    let last = columns.saturating_sub(BLOCK);
    (0..columns).step_by(BLOCK).map(move |x| x.min(last))
}

#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn convolve1_row(
    layers: &Layers<'_>,
    image: &[f32],
    width: usize,
    y: usize,
    columns: usize,
    out: &mut [Pixel1],
) {
    let rows: [&[f32]; 3] = core::array::from_fn(|ky| {
        let start = (y + ky) * width;
        image.get(start..start + width).unwrap_or_default()
    });
    // At least eight columns, whatever the window.
    for x in blocks(columns) {
        convolve1_at::<BLOCK>(layers, rows, x, out);
    }
}

#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn convolve1_at<const P: usize>(
    layers: &Layers<'_>,
    rows: [&[f32]; 3],
    x: usize,
    out: &mut [Pixel1],
) {
    let taps = core::array::from_fn(|tap| {
        let pixels = rows[tap / 3].get(x + tap % 3..);
        let pixels = pixels.and_then(<[f32]>::first_chunk);
        pixels.copied().unwrap_or([0.0; P])
    });
    if let Some(out) = out.get_mut(x..).and_then(<[_]>::first_chunk_mut::<P>) {
        layers.convolve1(&taps, out);
    }
}

/// Pools one row at stride 1 over pixels `D` apart: down first, which neighbours share, then
/// across.
#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn pool_row<const C: usize, const D: usize>(
    above: &[[f32; C]],
    below: &[[f32; C]],
    columns: usize,
    mut take: impl FnMut(usize, &[f32; C]),
) {
    // The last D columns, pooled down.
    let mut recent = [[0.0; C]; D];
    let mut pooled = [0.0; C];
    for (x, (above, below)) in above.iter().zip(below).take(columns + D).enumerate() {
        let Some(recent) = recent.get_mut(x % D) else {
            return;
        };
        for (((pooled, recent), &a), &b) in pooled.iter_mut().zip(recent).zip(above).zip(below) {
            let down = larger_activation(a, b);
            *pooled = larger_activation(*recent, down);
            *recent = down;
        }
        if let Some(x) = x.checked_sub(D) {
            take(x, &pooled);
        }
    }
}

#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn convolve2_row(layers: &Layers<'_>, rows: [&[Pixel1]; 3], columns: usize, out: &mut [Pixel2]) {
    // Loops, as what `for_each` calls is compiled apart, and not for the lanes of its caller.
    if columns < BLOCK {
        for x in 0..columns {
            convolve2_at::<1>(layers, rows, x, out);
        }
    } else {
        for x in blocks(columns) {
            convolve2_at::<BLOCK>(layers, rows, x, out);
        }
    }
}

#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn convolve2_at<const P: usize>(
    layers: &Layers<'_>,
    rows: [&[Pixel1]; 3],
    x: usize,
    out: &mut [Pixel2],
) {
    let taps = core::array::from_fn(|tap| {
        let pixels = rows[tap / 3].get(x + 2 * (tap % 3)..);
        pixels.and_then(<[Pixel1]>::first_chunk)
    });
    let out = out.get_mut(x..).and_then(<[_]>::first_chunk_mut::<P>);
    if let (Some(taps), Some(out)) = (all(taps), out) {
        layers.convolve2(taps, out);
    }
}

fn all<T: Copy>(taps: [Option<T>; TAPS]) -> Option<[T; TAPS]> {
    let first = taps[0]?;
    taps.iter()
        .all(Option::is_some)
        .then(|| taps.map(|tap| tap.unwrap_or(first)))
}

/// Pools one row and adds it to every latent it belongs to. Rows and columns arrive in
/// ascending order, so each latent receives its contributions in the order of its weights.
#[cfg_attr(not(target_arch = "arm"), inline(always))]
fn pool2_row_into_latents(
    layers: &Layers<'_>,
    above: &[Pixel2],
    below: &[Pixel2],
    y: usize,
    candidates: Candidates,
    mut latents: Latents<'_>,
) {
    let side = layers.network.pool2_side();
    let (rows, columns) = (candidates.rows(), candidates.columns());
    pool_row::<CHANNELS_2, 2>(above, below, columns + 4 * (side - 1), |x, pooled| {
        for i in 0..side {
            for j in 0..side {
                let (Some(row), Some(column)) = (y.checked_sub(4 * i), x.checked_sub(4 * j)) else {
                    continue;
                };
                if row < rows && column < columns {
                    latents.change(row * columns + column, |latent| {
                        layers.add_to_latent(latent, i, j, pooled);
                    });
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnn::patch_scratch;
    use crate::network::LATENT;
    use crate::random::Random;
    use crate::{Architecture, Candidate};

    fn uniform(random: &mut Random, n: usize) -> Vec<f32> {
        (0..n).map(|_| random.uniform() - 0.4).collect()
    }

    #[test]
    fn dense_features_equal_those_of_each_patch_bit_for_bit() {
        let mut random = Random::new(7, 0);
        for (height, width, window) in [
            (10, 10, 10),
            (16, 16, 16),
            (17, 31, 16),
            (33, 21, 10),
            (23, 29, 11),
            (29, 23, 13),
            (41, 27, 14),
            (37, 39, 18),
            (35, 50, 32),
        ] {
            let network = Network::new(Architecture::Valid, window).unwrap();
            let weights = uniform(&mut random, network.weight_count());
            let image = uniform(&mut random, height * width);
            let layers = Layers::new(network, &weights).unwrap();
            let candidates = Candidates::new(height, width, window).unwrap();
            let mut axes = [(); LATENT].map(|()| vec![f32::NAN; candidates.count()]);
            let mut workspace = vec![f32::NAN; scratch(width)];
            for y in 0..rows(network, candidates) {
                let latents = Latents::new(axes.each_mut().map(Vec::as_mut_slice));
                let of = (image.as_slice(), candidates);
                pass_row(&layers, of, y, latents, &mut workspace).unwrap();
            }
            let mut pixels = vec![[f32::NAN; CHANNELS_1]; patch_scratch(window)];
            for n in 0..candidates.count() {
                let dense = axes.each_ref().map(|axis| axis[n]);
                let corner = candidates.corner(Candidate(n as u32)).unwrap();
                let alone = layers.patch(&image, width, (corner.row, corner.column), &mut pixels);
                assert_eq!(
                    dense.map(f32::to_bits),
                    alone.map(f32::to_bits),
                    "candidate {n} of {height} x {width}, window {window}"
                );
            }
        }
    }

    /// The oracle is the textbook definition in f64: pad, correlate, rectify, pool, connect.
    #[test]
    fn both_architectures_agree_with_a_textbook_evaluation_in_f64() {
        let mut random = Random::new(8, 0);
        for (architecture, window) in [
            (Architecture::Valid, 16),
            (Architecture::Valid, 11),
            (Architecture::Same, 16),
            (Architecture::Same, 5),
            (Architecture::Same, 7),
        ] {
            let network = Network::new(architecture, window).unwrap();
            let weights = uniform(&mut random, network.weight_count());
            let image = uniform(&mut random, window * window);
            let layers = Layers::new(network, &weights).unwrap();
            let mut pixels = vec![[0.0; CHANNELS_1]; patch_scratch(window)];
            let ours = layers.patch(&image, window, (0, 0), &mut pixels);
            let exact = textbook(network, &weights, &image);
            for (ours, exact) in ours.iter().zip(exact) {
                assert!(
                    (f64::from(*ours) - exact).abs() < 1e-4 * exact.abs().max(1.0),
                    "{architecture:?} {window}: {ours} against {exact}"
                );
            }
        }
    }

    fn textbook(network: Network, weights: &[f32], image: &[f32]) -> Vec<f64> {
        let layout = network.layout();
        let pad = usize::from(network.architecture() == Architecture::Same);
        let part = |range: core::ops::Range<usize>| -> Vec<f64> {
            weights[range].iter().map(|&w| f64::from(w)).collect()
        };
        let image: Vec<f64> = image.iter().map(|&x| f64::from(x)).collect();
        let window = network.window();
        let conv = |input: &[f64], side: usize, ins: usize, kernel: &[f64], bias: &[f64]| {
            let outs = bias.len();
            let out_side = side + 2 * pad - 2;
            let mut out = vec![0.0; out_side * out_side * outs];
            for y in 0..out_side {
                for x in 0..out_side {
                    for o in 0..outs {
                        let mut sum = bias[o];
                        for tap in 0..9 {
                            let (iy, ix) = (y + tap / 3, x + tap % 3);
                            if iy < pad || ix < pad || iy >= side + pad || ix >= side + pad {
                                continue;
                            }
                            for c in 0..ins {
                                sum += input[((iy - pad) * side + ix - pad) * ins + c]
                                    * kernel[(tap * ins + c) * outs + o];
                            }
                        }
                        out[(y * out_side + x) * outs + o] = sum.max(0.0);
                    }
                }
            }
            (out, out_side)
        };
        let pool = |input: &[f64], side: usize, channels: usize| {
            let half = side / 2;
            let at = |y: usize, x: usize, c: usize| input[(y * side + x) * channels + c];
            let mut out = Vec::new();
            for y in 0..half {
                for x in 0..half {
                    for c in 0..channels {
                        let top = at(2 * y, 2 * x, c).max(at(2 * y, 2 * x + 1, c));
                        let bottom = at(2 * y + 1, 2 * x, c).max(at(2 * y + 1, 2 * x + 1, c));
                        out.push(top.max(bottom));
                    }
                }
            }
            (out, half)
        };
        let (kernel1, bias1) = (part(layout.conv1_kernel), part(layout.conv1_bias));
        let (kernel2, bias2) = (part(layout.conv2_kernel), part(layout.conv2_bias));
        let (out, side) = conv(&image, window, 1, &kernel1, &bias1);
        let (out, side) = pool(&out, side, CHANNELS_1);
        let (out, side) = conv(&out, side, CHANNELS_1, &kernel2, &bias2);
        let (out, _) = pool(&out, side, CHANNELS_2);
        let kernel = part(layout.dense_kernel);
        let mut latent = part(layout.dense_bias);
        for (i, x) in out.iter().enumerate() {
            for (l, sum) in latent.iter_mut().enumerate() {
                *sum += x * kernel[i * LATENT + l];
            }
        }
        latent
    }
}
