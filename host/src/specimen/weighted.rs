//! Spectra as weighted sums of others.

#![allow(
    clippy::inline_always,
    reason = "a multiversioned function recompiles only what is inlined into it"
)]

use multiversion::multiversion;

/// Adds spectra by their weights to `sum`, which has as many channels as each of them. Each channel goes on from
/// what is there in the order of the spectra: the same bits on every machine.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add_weighted(sum: &mut [f64], weights: &[f64], spectra: &[&[f64]]) {
    add_weighted_body(sum, weights, spectra);
}

#[inline(always)]
fn add_weighted_body(sum: &mut [f64], weights: &[f64], spectra: &[&[f64]]) {
    // Four at once: a channel's sum is loaded and stored a fourth as often.
    let (blocks, last) = weights.as_chunks::<4>();
    let (blocks_of_spectra, last_spectra) = spectra.as_chunks::<4>();
    for (&[p, q, r, s], &[a, b, c, d]) in blocks.iter().zip(blocks_of_spectra) {
        let values = a.iter().zip(b).zip(c.iter().zip(d));
        for (sum, ((a, b), (c, d))) in sum.iter_mut().zip(values) {
            *sum = *sum + p * a + q * b + r * c + s * d;
        }
    }
    for (weight, spectrum) in last.iter().zip(last_spectra) {
        for (sum, value) in sum.iter_mut().zip(*spectrum) {
            *sum += weight * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: one product after the other.
    #[test]
    fn blocks_and_wider_instructions_change_no_bit() {
        let value = |n: usize| (n * n % 97) as f64 / 9.7 - 3.0;
        for (count, channels) in [(0, 3), (1, 140), (4, 140), (7, 141), (11, 2048)] {
            let spectra: Vec<Vec<f64>> = (0..count)
                .map(|k| (0..channels).map(|c| value(31 * k + c)).collect())
                .collect();
            let spectra: Vec<&[f64]> = spectra.iter().map(Vec::as_slice).collect();
            let weights: Vec<f64> = (0..count).map(|k| 1.0 / (1.0 + value(k))).collect();
            let mut sum: Vec<f64> = (0..channels).map(|c| value(c + 5)).collect();
            let mut expected = sum.clone();
            for (weight, spectrum) in weights.iter().zip(&spectra) {
                for (sum, value) in expected.iter_mut().zip(*spectrum) {
                    *sum += weight * value;
                }
            }
            add_weighted(&mut sum, &weights, &spectra);
            assert_eq!(sum, expected, "{count} spectra of {channels} channels");
        }
    }
}
