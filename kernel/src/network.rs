//! The shape of the fixed network: layers, sizes and where each weight lies.
//!
//! Two architectures are `conv 1→16 3×3, ReLU, max-pool 2, conv 16→32 3×3, ReLU,
//! max-pool 2, fully connected → 2`; they differ only in whether the convolutions pad. The third
//! is `nine fixed filters, fully connected → 2` without bias, with a spatial part of the covariance
//! beside the plane.

use core::ops::Range;

use crate::Error;

/// Channels of the first convolution.
pub const CHANNELS_1: usize = 16;
/// Channels of the second convolution.
pub const CHANNELS_2: usize = 32;
/// Features that the fixed [filters](crate::filters) give of a patch.
pub const FEATURES: usize = 9;
/// Dimensions of the latent plane.
pub const LATENT: usize = 2;
/// Weights of the spatial part.
const SPACE: usize = 2;
/// Taps of a 3×3 convolution.
pub const TAPS: usize = 9;

/// What turns a patch into a point of the latent plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Convolutions without padding: the features of overlapping patches are shared exactly, so
    /// the kernel evaluates a whole image at once. Windows of 10 pixels and more.
    Valid,
    /// Convolutions with zero padding inside each patch, as in the published code; the kernel
    /// evaluates patch by patch. Windows of 4 pixels and more.
    Same,
    /// The fixed [filters](crate::filters) and a matrix, and what neighbours share beside them.
    /// Windows of 4 pixels and more.
    Filters,
}

/// The network for square patches of `window` × `window` pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    architecture: Architecture,
    window: usize,
}

/// Where each layer lies in the flat weight vector. Channels are innermost everywhere:
/// a kernel is `[tap][input channel][output channel]` with tap = 3·row + column, the fully
/// connected layer `[row][column][channel][latent]`. [`Architecture::Filters`] has the matrix
/// `[feature][latent]` in the place of the fully connected layer, and behind it `space`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `[9][1][16]`
    pub conv1_kernel: Range<usize>,
    /// `[16]`
    pub conv1_bias: Range<usize>,
    /// `[9][16][32]`
    pub conv2_kernel: Range<usize>,
    /// `[32]`
    pub conv2_bias: Range<usize>,
    /// `[pool2_side][pool2_side][32][2]`, or `[9][2]`
    pub dense_kernel: Range<usize>,
    /// `[2]`, or none
    pub dense_bias: Range<usize>,
    /// `[2]` of [`Architecture::Filters`], else none: the spatial part's variance as a share of the
    /// outputscale, 0 for no such part, and 1/λ per pixel.
    pub space: Range<usize>,
}

impl Network {
    /// Smallest window of [`Architecture::Valid`], in pixels.
    pub const MIN_WINDOW_VALID: usize = 10;
    /// Smallest window of [`Architecture::Same`], in pixels.
    pub const MIN_WINDOW_SAME: usize = 4;
    /// Smallest window of [`Architecture::Filters`], in pixels.
    pub const MIN_WINDOW_FILTERS: usize = 4;
    /// Largest window of any, in pixels.
    pub const MAX_WINDOW: usize = 64;

    /// The network of an architecture for a window in pixels.
    ///
    /// # Errors
    /// [`Error::Window`] when the window is outside the architecture's range.
    pub const fn new(architecture: Architecture, window: usize) -> Result<Self, Error> {
        let smallest = match architecture {
            Architecture::Valid => Self::MIN_WINDOW_VALID,
            Architecture::Same => Self::MIN_WINDOW_SAME,
            Architecture::Filters => Self::MIN_WINDOW_FILTERS,
        };
        if window < smallest || window > Self::MAX_WINDOW {
            return Err(Error::Window {
                window,
                smallest,
                largest: Self::MAX_WINDOW,
            });
        }
        Ok(Self {
            architecture,
            window,
        })
    }

    /// The default network for a window: `Valid` where it exists, `Same` below.
    ///
    /// # Errors
    /// [`Error::Window`] when no architecture takes the window.
    pub const fn for_window(window: usize) -> Result<Self, Error> {
        if window < Self::MIN_WINDOW_VALID {
            Self::new(Architecture::Same, window)
        } else {
            Self::new(Architecture::Valid, window)
        }
    }

    /// The architecture.
    pub const fn architecture(self) -> Architecture {
        self.architecture
    }

    /// Side of a patch in pixels.
    pub const fn window(self) -> usize {
        self.window
    }

    /// Side of the first convolution's output over one patch; 0 without convolutions.
    pub const fn conv1_side(self) -> usize {
        match self.architecture {
            Architecture::Valid => self.window - 2,
            Architecture::Same => self.window,
            Architecture::Filters => 0,
        }
    }

    /// Side after the first pooling; an odd last row and column are dropped.
    pub const fn pool1_side(self) -> usize {
        self.conv1_side() / 2
    }

    /// Side of the second convolution's output over one patch.
    pub const fn conv2_side(self) -> usize {
        match self.architecture {
            Architecture::Valid => self.pool1_side() - 2,
            Architecture::Same | Architecture::Filters => self.pool1_side(),
        }
    }

    /// Side after the second pooling; an odd last row and column are dropped.
    pub const fn pool2_side(self) -> usize {
        self.conv2_side() / 2
    }

    /// Number of weights: at a window of 16 5058 for `Valid` and 5826 for `Same`; 20 for `Filters`.
    pub const fn weight_count(self) -> usize {
        self.layout().space.end
    }

    /// Where each layer lies in the flat weight vector.
    pub const fn layout(self) -> Layout {
        if let Architecture::Filters = self.architecture {
            let weights = FEATURES * LATENT;
            return Layout {
                conv1_kernel: 0..0,
                conv1_bias: 0..0,
                conv2_kernel: 0..0,
                conv2_bias: 0..0,
                dense_kernel: 0..weights,
                dense_bias: weights..weights,
                space: weights..weights + SPACE,
            };
        }
        let conv1_bias = TAPS * CHANNELS_1;
        let conv2_kernel = conv1_bias + CHANNELS_1;
        let conv2_bias = conv2_kernel + TAPS * CHANNELS_1 * CHANNELS_2;
        let dense_kernel = conv2_bias + CHANNELS_2;
        let dense_bias = dense_kernel + self.pool2_side() * self.pool2_side() * CHANNELS_2 * LATENT;
        Layout {
            conv1_kernel: 0..conv1_bias,
            conv1_bias: conv1_bias..conv2_kernel,
            conv2_kernel: conv2_kernel..conv2_bias,
            conv2_bias: conv2_bias..dense_kernel,
            dense_kernel: dense_kernel..dense_bias,
            dense_bias: dense_bias..dense_bias + LATENT,
            space: dense_bias + LATENT..dense_bias + LATENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_counts_are_those_of_the_design() {
        let count = |architecture| Network::new(architecture, 16).map(Network::weight_count);
        assert_eq!(count(Architecture::Valid), Ok(5058));
        assert_eq!(count(Architecture::Same), Ok(5826));
        assert_eq!(count(Architecture::Filters), Ok(20));
    }

    #[test]
    fn a_window_outside_the_range_is_named() {
        assert_eq!(
            Network::new(Architecture::Valid, 9),
            Err(Error::Window {
                window: 9,
                smallest: 10,
                largest: 64
            })
        );
        assert_eq!(
            Network::for_window(5).map(Network::architecture),
            Ok(Architecture::Same)
        );
        assert!(Network::for_window(3).is_err());
        assert!(Network::for_window(65).is_err());
    }
}
