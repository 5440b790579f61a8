use beacon_kernel::Architecture;
use beacon_kernel::network::{CHANNELS_1, TAPS};

use super::super::passes::{backward_body, forward_body};
use super::*;

/// The network as its definition reads, in f64, patch by patch: the oracle of all tests here.
pub(crate) fn reference(network: Network, weights: &[f64], patch: &[f64]) -> [f64; 2] {
    let layout = network.layout();
    let (one, side1) = convolve(
        network.architecture(),
        (patch, network.window(), 1),
        &weights[layout.conv1_kernel],
        &weights[layout.conv1_bias],
    );
    assert_eq!(side1, network.conv1_side());
    let one = rectify_and_pool(&one, side1, CHANNELS_1);
    let (two, side2) = convolve(
        network.architecture(),
        (&one, network.pool1_side(), CHANNELS_1),
        &weights[layout.conv2_kernel],
        &weights[layout.conv2_bias],
    );
    assert_eq!(side2, network.conv2_side());
    let two = rectify_and_pool(&two, side2, CHANNELS_2);
    let (dense, bias) = (&weights[layout.dense_kernel], &weights[layout.dense_bias]);
    [0, 1].map(|axis| {
        let terms = two.iter().enumerate().map(|(i, x)| x * dense[2 * i + axis]);
        bias[axis] + terms.sum::<f64>()
    })
}

fn convolve(
    architecture: Architecture,
    (input, side, channels): (&[f64], usize, usize),
    kernel: &[f64],
    bias: &[f64],
) -> (Vec<f64>, usize) {
    let (out_side, pad) = match architecture {
        Architecture::Valid => (side - 2, 0),
        Architecture::Same => (side, 1),
        Architecture::Filters => panic!("filters do not convolve"),
    };
    let outputs = bias.len();
    let mut result = vec![0.0; out_side * out_side * outputs];
    for (index, value) in result.iter_mut().enumerate() {
        let (place, out) = (index / outputs, index % outputs);
        *value = bias[out];
        for tap in 0..TAPS {
            let row = (place / out_side + tap / 3).wrapping_sub(pad);
            let column = (place % out_side + tap % 3).wrapping_sub(pad);
            if row >= side || column >= side {
                continue;
            }
            for c in 0..channels {
                let pixel = input[(row * side + column) * channels + c];
                *value += pixel * kernel[(tap * channels + c) * outputs + out];
            }
        }
    }
    (result, out_side)
}

fn rectify_and_pool(input: &[f64], side: usize, channels: usize) -> Vec<f64> {
    let half = side / 2;
    let mut result = vec![0.0; half * half * channels];
    for (index, value) in result.iter_mut().enumerate() {
        let (place, c) = (index / channels, index % channels);
        for corner in 0..4 {
            let row = 2 * (place / half) + corner / 2;
            let column = 2 * (place % half) + corner % 2;
            *value = f64::max(*value, input[(row * side + column) * channels + c]);
        }
    }
    result
}

/// Numbers in ±1/2 without a generator: the fractional parts of multiples of an irrational.
pub(crate) fn numbers(count: usize, step: f64) -> Vec<f64> {
    let number = |i: usize| (i as f64 * step).fract() - 0.5;
    (1..=count).map(number).collect()
}

fn networks() -> impl Iterator<Item = Network> {
    let valid = [10, 11, 13, 16].map(|window| (Architecture::Valid, window));
    let same = [4, 5, 10, 13, 16].map(|window| (Architecture::Same, window));
    let both = valid.into_iter().chain(same);
    both.map(|(architecture, window)| Network::new(architecture, window).unwrap())
}

fn batch(network: Network, points: usize) -> (Batch, Vec<f64>, Vec<f64>) {
    let mut batch = Batch::new(network);
    let weights = numbers(network.weight_count(), 0.618_033_988_749);
    let rounded: Vec<f64> = weights.iter().map(|w| f64::from(*w as f32)).collect();
    batch.set_weights(&rounded);
    let window = network.window();
    let patches = numbers(points * window * window, 0.414_213_562_373);
    let patches: Vec<f32> = patches.iter().map(|p| *p as f32 + 0.5).collect();
    batch.set_patches(&patches);
    batch.forward();
    (batch, rounded, patches.into_iter().map(f64::from).collect())
}

#[test]
fn latents_are_those_of_the_definition() {
    for network in networks() {
        let (batch, weights, patches) = batch(network, 19);
        let patches = patches.chunks_exact(network.window() * network.window());
        let latents: Vec<_> = batch.latents().collect();
        assert_eq!(latents.len(), 19);
        for (found, patch) in latents.into_iter().zip(patches) {
            let expected = reference(network, &weights, patch);
            for axis in 0..LATENT {
                let error = (f64::from(found[axis]) - expected[axis]).abs();
                assert!(error < 2e-5 * expected[axis].abs().max(1.0), "{network:?}");
            }
        }
    }
}

/// Oracle: central differences of the definition, in f64.
#[test]
fn weight_gradients_are_the_slopes_of_the_definition() {
    for network in networks() {
        let points = 3;
        let (mut batch, mut weights, patches) = batch(network, points);
        let by_latent = |point: usize| [0.3 - point as f64, 0.7 + 0.1 * point as f64];
        let mut gradient = vec![f64::NAN; weights.len()];
        batch.backward(by_latent, &mut gradient);
        let window = network.window();
        let value = |weights: &[f64]| -> f64 {
            let patches = patches.chunks_exact(window * window).enumerate();
            let value = |(point, patch)| {
                let z = reference(network, weights, patch);
                let g = by_latent(point);
                z[0] * g[0] + z[1] * g[1]
            };
            patches.map(value).sum()
        };
        let largest = gradient.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        // A stride coprime to every layer's width meets all taps and channels.
        for k in (window % 3..weights.len()).step_by(13) {
            let (centre, step) = (weights[k], 1e-6);
            weights[k] = centre + step;
            let up = value(&weights);
            weights[k] = centre - step;
            let down = value(&weights);
            weights[k] = centre;
            let slope = (up - down) / (2.0 * step);
            let error = (gradient[k] - slope).abs();
            assert!(
                error < 1e-5 * largest,
                "{network:?} weight {k}: {} for {slope}",
                gradient[k]
            );
        }
    }
}

/// The dispatched versions against the same code compiled for the baseline instructions.
#[test]
fn wider_instructions_change_no_bit() {
    for network in networks() {
        let (mut batch, _, _) = batch(network, 5);
        let mut plain = batch.chunks[0].clone();
        forward_body(&batch.weights, &mut plain);
        assert_eq!(plain.latents, batch.chunks[0].latents);
        batch.backward(
            |point| [1.0, 0.5 * point as f64],
            &mut vec![0.0; network.weight_count()],
        );
        plain.latent_gradient = batch.chunks[0].latent_gradient;
        backward_body(&batch.weights, &mut plain);
        assert_eq!(plain.gradient, batch.chunks[0].gradient);
    }
}

/// Oracle: a batch that has seen nothing else.
#[test]
fn what_was_evaluated_before_changes_no_bit() {
    let network = Network::new(Architecture::Valid, 10).unwrap();
    let size = network.window() * network.window();
    let (_, mut weights, patches) = batch(network, 3 * CHUNK);
    let mut patches: Vec<f32> = patches.iter().map(|p| *p as f32).collect();
    let mut used = Batch::new(network);
    let mut check = |weights: &[f64], patches: &[f32]| {
        let run = |batch: &mut Batch| {
            batch.set_weights(weights);
            batch.set_patches(patches);
            batch.forward();
            let mut gradient = vec![0.0; weights.len()];
            batch.backward(|point| [1.0, 0.1 * point as f64], &mut gradient);
            (batch.latents().collect::<Vec<_>>(), gradient)
        };
        assert_eq!(run(&mut used), run(&mut Batch::new(network)));
    };
    for points in [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, CHUNK + 5] {
        check(&weights, &patches[..points * size]);
    }
    patches[size + 3] += 0.25;
    check(&weights, &patches);
    weights[7] += 0.25;
    check(&weights, &patches);
}

/// Oracle: `PyTorch`'s rule, the first of equal values takes the whole gradient.
#[test]
fn of_equal_values_in_a_pool_the_first_takes_the_gradient() {
    let network = Network::new(Architecture::Same, 4).unwrap();
    let mut batch = Batch::new(network);
    batch.set_weights(&vec![1.0; network.weight_count()]);
    batch.set_patches(&[0.0; 16]);
    batch.forward();
    let chunk = &batch.chunks[0];
    assert!(chunk.hidden_from.iter().all(|from| *from == 0));
    assert!(chunk.pooled_from.iter().all(|from| *from == 0));
}
