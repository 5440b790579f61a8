//! Geometry of one patch on its way through the network, borders and unused edges resolved.

use beacon_kernel::network::{CHANNELS_1, CHANNELS_2};
use beacon_kernel::{Architecture, Network};

/// Sides in pixels of what has to be computed for one patch.
///
/// A padding architecture is the unpadded one on buffers with a border of zeros, and floor
/// pooling drops edges that then need no work in either direction: at window 16 without
/// padding, 12 × 12 of the first convolution's 14 × 14 outputs and 4 × 4 of the second's 5 × 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Side of a patch as given.
    pub(super) window: usize,
    /// Rows and columns of zeros before the first pixel of both convolutions' inputs.
    pub(super) border: usize,
    /// Side of the first convolution's input, border included, unused edges excluded.
    pub(super) input: usize,
    /// Pooled outputs of the first convolution that are used.
    pub(super) pooled1: usize,
    /// Side of the second convolution's input, border included.
    pub(super) hidden: usize,
    /// Pooled outputs of the second convolution.
    pub(super) pooled2: usize,
}

impl Shape {
    /// The shape for a network.
    pub(super) fn new(network: Network) -> Self {
        let border = match network.architecture() {
            // The trainer refuses a network without convolutions.
            Architecture::Valid | Architecture::Filters => 0,
            Architecture::Same => 1,
        };
        let pooled2 = network.pool2_side();
        let hidden = 2 * pooled2 + 2;
        let pooled1 = network.pool1_side().min(hidden - border);
        Self {
            window: network.window(),
            border,
            input: 2 * pooled1 + 2,
            pooled1,
            hidden,
            pooled2,
        }
    }

    /// Values of one patch in the first convolution's input.
    pub(super) const fn input_len(self) -> usize {
        self.input * self.input
    }

    /// Values of one patch in the second convolution's input.
    pub(super) const fn hidden_len(self) -> usize {
        self.hidden * self.hidden * CHANNELS_1
    }

    /// Values of one patch in the dense layer's input.
    pub(super) const fn pooled_len(self) -> usize {
        self.pooled2 * self.pooled2 * CHANNELS_2
    }

    /// Copies a patch (`window`² row-major) into the first convolution's input, whose border
    /// is already zero; whether that made any difference.
    pub(super) fn fill(self, patch: &[f32], input: &mut [f32]) -> bool {
        let used = self.window.min(self.input - self.border);
        let rows = input.chunks_exact_mut(self.input).skip(self.border);
        let mut changed = false;
        for (to, from) in rows.zip(patch.chunks_exact(self.window)).take(used) {
            let (to, from) = (&mut to[self.border..][..used], &from[..used]);
            changed |= to != from;
            to.copy_from_slice(from);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_that_no_pooled_output_reads_are_left_out() {
        let shape = Shape::new(Network::new(Architecture::Valid, 16).unwrap());
        let found = (shape.input, shape.pooled1, shape.hidden, shape.pooled2);
        assert_eq!(found, (14, 6, 6, 2));
        let shape = Shape::new(Network::new(Architecture::Same, 16).unwrap());
        let found = (shape.input, shape.pooled1, shape.hidden, shape.pooled2);
        assert_eq!(found, (18, 8, 10, 4));
    }
}
