//! The numbers by which strategies rank candidates.

use crate::novelty::{Bounds, KnownResponses};

/// The number by which candidates are ranked, by a sampled response or by several.
pub(in crate::explorer) trait Score<V = f32> {
    /// The score of what was sampled at a squared structural distance.
    fn exact(&self, response: V, squared: f32) -> f32;

    /// The score where that is above a number, and any number that is not above it elsewhere.
    fn exact_above(&self, response: V, squared: f32, _most: f32) -> f32 {
        self.exact(response, squared)
    }

    /// An upper bound of the score that costs less than the score.
    fn bound(&self, _response: V, _squared: f32) -> f32 {
        f32::INFINITY
    }
}

/// The response itself.
pub(in crate::explorer) struct Value;

impl Score for Value {
    fn exact(&self, response: f32, _: f32) -> f32 {
        response
    }
}

/// Distance of a response from the known ones, both shifted and scaled.
pub(in crate::explorer) struct Novelty<'r> {
    pub(super) reference: KnownResponses<'r>,
    pub(super) k: usize,
    pub(super) bounds: Bounds,
    pub(super) centre: f32,
    pub(super) scale: f32,
}

impl<'r> Novelty<'r> {
    pub(in crate::explorer) fn new(reference: KnownResponses<'r>, k: usize) -> Self {
        Self {
            reference,
            k,
            bounds: Bounds::new(reference, k),
            centre: 0.0,
            scale: 1.0,
        }
    }
}

impl Score for Novelty<'_> {
    fn exact(&self, response: f32, _: f32) -> f32 {
        let response = (response - self.centre) / self.scale;
        self.reference.novelty(response, self.k)
    }

    fn bound(&self, response: f32, _: f32) -> f32 {
        self.bounds.at((response - self.centre) / self.scale)
    }
}

/// Novelty times the structural distance to the power of three quarters. With the power of one
/// half a tenth of the patch clusters of the PFM benchmark stays unseen; with the whole distance
/// structure outweighs the response where few structures hold most of its range.
pub(in crate::explorer) struct StructuralNovelty<N>(pub(in crate::explorer) N);

/// The least squared distance that counts. Patches closer than a hundredth of a deviation differ in
/// brightness alone, as on a ramp; the structural distance cannot tell them apart, and the response
/// decides.
pub(super) const LEAST_SQUARED: f32 = 1e-4;

impl<V, N: Score<V>> Score<V> for StructuralNovelty<N> {
    fn exact(&self, response: V, squared: f32) -> f32 {
        let squared = crate::math::larger(squared, LEAST_SQUARED);
        let root = libm::sqrtf(libm::sqrtf(squared));
        self.0.exact(response, squared) * (root * libm::sqrtf(root))
    }

    fn exact_above(&self, response: V, squared: f32, most: f32) -> f32 {
        let squared = crate::math::larger(squared, LEAST_SQUARED);
        let root = libm::sqrtf(libm::sqrtf(squared));
        let factor = root * libm::sqrtf(root);
        self.0.exact_above(response, squared, most / factor) * factor
    }

    fn bound(&self, response: V, squared: f32) -> f32 {
        let squared = crate::math::larger(squared, LEAST_SQUARED);
        self.0.bound(response, squared) * above_three_eighths(squared)
    }
}

/// A number above x to the power of 3/8, by at most a tenth, for x of some power of ten.
///
/// The bits of a float, as a whole number, are its logarithm with straight lines between powers
/// of two: up to 0.0861 octaves below the true one, never above.
pub(super) fn above_three_eighths(x: f32) -> f32 {
    const ONE: u32 = 1.0_f32.to_bits();
    /// 3/8 of 0.0861 octaves and what the shift drops, in bits.
    const SLACK: i32 = 270_850 + 8;
    let logarithm = x.to_bits().wrapping_sub(ONE).cast_signed();
    f32::from_bits(ONE.wrapping_add_signed(3 * (logarithm >> 3) + SLACK))
}
