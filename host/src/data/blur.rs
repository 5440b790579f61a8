//! Blurring of a map by a round Gaussian probe.

use core::f64::consts::{FRAC_1_SQRT_2, LN_2};

/// The map as seen by a Gaussian probe of the given full width at half maximum, in pixels.
/// The frame is mirrored at its borders, so that a flat map stays flat.
pub(crate) fn blur(map: &[f64], width: usize, fwhm_pixels: f64) -> Vec<f64> {
    let kernel = kernel(fwhm_pixels);
    let height = map.len() / width;
    let mut rows = vec![0.0; map.len()];
    for (line, out) in map.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        for (column, out) in out.iter_mut().enumerate() {
            *out = gather(&kernel, column, width, |i| line[i]);
        }
    }
    let mut blurred = vec![0.0; map.len()];
    for (row, out) in blurred.chunks_exact_mut(width).enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            *out = gather(&kernel, row, height, |i| rows[i * width + column]);
        }
    }
    blurred
}

/// One half of the symmetric kernel, its centre first: the Gaussian integrated over pixels,
/// which holds for probes far smaller than a pixel too. Sums to one over both halves.
fn kernel(fwhm_pixels: f64) -> Vec<f64> {
    let sigma = fwhm_pixels / (8.0 * LN_2).sqrt();
    let reach = (4.0 * sigma + 0.5).ceil() as usize;
    let cumulative = |x: f64| 0.5 * libm::erf(x / sigma * FRAC_1_SQRT_2);
    let mut half: Vec<f64> = (0..=reach)
        .map(|i| cumulative(i as f64 + 0.5) - cumulative(i as f64 - 0.5))
        .collect();
    let total = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    for weight in &mut half {
        *weight /= total;
    }
    half
}

fn gather(kernel: &[f64], centre: usize, size: usize, at: impl Fn(usize) -> f64) -> f64 {
    // Mirrored with the border pixel repeated: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
    let mirror = |i: isize| {
        let i = i.rem_euclid(2 * size.cast_signed()).cast_unsigned();
        at(i.min(2 * size - 1 - i))
    };
    let centre = centre.cast_signed();
    let mut sum = kernel[0] * mirror(centre);
    for (distance, weight) in kernel.iter().enumerate().skip(1) {
        let distance = distance.cast_signed();
        sum += weight * (mirror(centre - distance) + mirror(centre + distance));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: a Gaussian of full width w has the variance w²/(8 ln 2), to which summing over
    /// unit pixels adds 1/12.
    #[test]
    fn a_point_spreads_by_the_variance_of_the_probe() {
        let (size, fwhm) = (81, 7.0);
        let mut map = vec![0.0; size * size];
        map[40 * size + 40] = 1.0;
        let blurred = blur(&map, size, fwhm);
        let total: f64 = blurred.iter().sum();
        let variance: f64 = blurred
            .iter()
            .enumerate()
            .map(|(i, v)| v * ((i % size) as f64 - 40.0).powi(2))
            .sum();
        assert!((total - 1.0).abs() < 1e-12);
        let expected = fwhm * fwhm / (8.0 * LN_2) + 1.0 / 12.0;
        assert!(
            (variance / expected - 1.0).abs() < 5e-3,
            "{variance} {expected}"
        );
    }

    #[test]
    fn flat_maps_stay_flat_and_tiny_probes_change_nothing() {
        let blurred = blur(&[2.5; 20 * 30], 30, 40.0);
        assert!(blurred.iter().all(|v| (v - 2.5).abs() < 1e-12));
        let map: Vec<f64> = (0..600).map(|i| f64::from(i * 7 % 31)).collect();
        for (a, b) in blur(&map, 30, 0.01).iter().zip(&map) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
