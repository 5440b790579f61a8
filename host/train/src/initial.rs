//! Where training starts.

use beacon_kernel::Network;
use beacon_kernel::network::{CHANNELS_1, CHANNELS_2, TAPS};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// `PyTorch`'s default for convolutions and dense layers: weights and biases uniform in
/// ±1/√(inputs of one output). Flat, in the order of [`Network::layout`].
pub(super) fn weights(network: Network, seed: u64) -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let layout = network.layout();
    let side = network.pool2_side();
    let inputs = [TAPS, TAPS * CHANNELS_1, side * side * CHANNELS_2];
    let ends = [
        layout.conv1_bias.end,
        layout.conv2_bias.end,
        layout.dense_bias.end,
    ];
    let mut weights = Vec::with_capacity(network.weight_count());
    for (inputs, end) in inputs.into_iter().zip(ends) {
        let bound = 1.0 / (inputs as f64).sqrt();
        weights.resize_with(end, || {
            let unit = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            (2.0 * unit - 1.0) * bound
        });
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fill_their_bounds_and_follow_the_seed() {
        let network = Network::for_window(16).unwrap();
        let layout = network.layout();
        let found = weights(network, 3);
        assert_eq!(found.len(), network.weight_count());
        assert_eq!(found, weights(network, 3));
        assert_ne!(found, weights(network, 4));
        let bounds = [
            (layout.conv1_kernel, 1.0 / 3.0),
            (layout.conv2_kernel, 1.0 / 12.0),
            (layout.dense_kernel, 1.0 / 128.0_f64.sqrt()),
        ];
        for (range, bound) in bounds {
            let largest = found[range].iter().fold(0.0_f64, |a, w| a.max(w.abs()));
            assert!(largest <= bound && largest > 0.9 * bound);
        }
    }
}
