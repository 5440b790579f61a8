//! Memory for an explorer, lent by the caller.
//!
//! The explorer works in two slices, one of floats and one of words, whose lengths follow from a
//! [`Capacity`] at compile time: firmware lends statics, the host lends boxes of any size.

use crate::gp::packed;
use crate::network::LATENT;
use crate::surrogate::LANES;
use crate::{
    Architecture, Candidates, Edges, Error, MOST_RESPONSES, Network, cnn, dense, filters, grid,
    surrogate,
};

/// How large a campaign may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Pixels of the extended image, as far as windows reach: see [`Edges`].
    pub image_pixels: usize,
    /// Pixels in a row of the extended image.
    pub image_width: usize,
    /// Candidates.
    pub candidates: usize,
    /// Measured points that the Gaussian process is of: one that has more drops some.
    pub measurements: usize,
    /// Side of the window, in pixels.
    pub window: usize,
    /// Responses of a place, 1 to [`MOST_RESPONSES`].
    pub responses: usize,
}

impl Capacity {
    /// Fits an STM32H743: every pixel of a 64 × 64 image as a candidate, with windows of at most
    /// 16 pixels, and 320 measured points.
    pub const DEFAULT: Self = match Candidates::with_edges(64, 64, 16, Edges::Reflect) {
        Ok(candidates) => Self::for_candidates(candidates, 320),
        Err(_) => panic!("64 x 64 pixels have candidates"),
    };

    /// Just enough for these candidates and a number of measurements.
    pub const fn for_candidates(candidates: Candidates, measurements: usize) -> Self {
        Self {
            image_pixels: candidates.extended_height() * candidates.extended_width(),
            image_width: candidates.extended_width(),
            candidates: candidates.count(),
            measurements,
            window: candidates.window(),
            responses: 1,
        }
    }

    /// The same with room for so many responses of a place.
    #[must_use]
    pub const fn with_responses(self, responses: usize) -> Self {
        Self { responses, ..self }
    }

    /// Just enough for one image, window and number of measurements, with [`Edges::Inside`].
    pub const fn for_campaign(
        height: usize,
        width: usize,
        window: usize,
        measurements: usize,
    ) -> Self {
        Self {
            image_pixels: height * width,
            image_width: width,
            candidates: (height + 1).saturating_sub(window) * (width + 1).saturating_sub(window),
            measurements,
            window,
            responses: 1,
        }
    }

    /// Length of the slice of floats.
    pub const fn floats(self) -> usize {
        self.image_pixels
            + self.image_width
            + (LATENT + 4) * self.candidates
            + surrogate::ROOM
            + packed(self.measurements)
            + (LATENT + 3) * self.measurements
            + self.responses * Own::floats(self)
            + self.workspace()
    }

    /// Length of the slice of words.
    pub const fn words(self) -> usize {
        self.candidates.div_ceil(32) + self.measurements + (1 + filters::WORDS) * self.candidates
    }

    /// Bytes of both slices.
    pub const fn bytes(self) -> usize {
        4 * (self.floats() + self.words())
    }

    /// Whether an image with these candidates fits.
    ///
    /// # Errors
    /// [`Error::Capacity`] names what does not.
    pub fn admit(self, candidates: Candidates) -> Result<(), Error> {
        let (height, width) = (candidates.extended_height(), candidates.extended_width());
        for (what, needed, capacity) in [
            ("pixels", height.saturating_mul(width), self.image_pixels),
            ("pixels in a row", width, self.image_width),
            ("candidates", candidates.count(), self.candidates),
            (
                "pixels of a window's side",
                candidates.window(),
                self.window,
            ),
        ] {
            if needed > capacity {
                return Err(Error::Capacity {
                    what,
                    needed,
                    capacity,
                });
            }
        }
        Ok(())
    }

    /// Whether there is room for so many responses of a place.
    ///
    /// # Errors
    /// [`Error::Capacity`] for more, [`Error::ResponseCount`] for none.
    pub(crate) fn admit_responses(self, responses: usize) -> Result<(), Error> {
        match responses {
            0 => Err(Error::ResponseCount {
                found: 0,
                expected: 1,
            }),
            _ if responses > self.responses => Err(Error::Capacity {
                what: "responses",
                needed: responses,
                capacity: self.responses,
            }),
            _ => Ok(()),
        }
    }

    /// Most weights a network of the window has.
    pub const fn weights(self) -> usize {
        match Network::new(Architecture::Same, self.window) {
            Ok(network) => network.weight_count(),
            Err(_) => 0,
        }
    }

    /// Floats among them that features, samples and surrogates use in turn. The inner loops work on
    /// them, so they belong in the fastest memory.
    pub const fn workspace(self) -> usize {
        let mut most = dense::scratch(self.image_width);
        let ahead = Ahead::floats(self.measurements);
        let others = [
            cnn::patch_scratch(self.window) * crate::network::CHANNELS_1,
            filters::scratch(self.image_width),
            // These leave what is worked ahead where it is.
            ahead + self.window * self.window,
            ahead + grid::WORKSPACE,
            ahead + LANES * self.measurements,
        ];
        let mut i = 0;
        while i < others.len() {
            if others[i] > most {
                most = others[i];
            }
            i += 1;
        }
        most
    }
}

impl Default for Capacity {
    fn default() -> Self {
        Self::DEFAULT
    }
}

// The AXI SRAM of an STM32H743 holds all but the workspace, its DTCM the workspace.
const _: () = assert!(Capacity::DEFAULT.bytes() - 4 * Capacity::DEFAULT.workspace() <= 512 * 1024);
const _: () = assert!(4 * Capacity::DEFAULT.workspace() <= 80 * 1024);

/// The front of the workspace: what is worked ahead for a decision and has to outlast other work.
/// Only features of a new model take this memory as well, and after them all is worked out again.
pub(crate) struct Ahead<'w> {
    /// A sample at the nodes of the latent plane, as far as it does not depend on the newest response.
    pub(crate) values: &'w mut [grid::Row],
    /// How it changes there with the newest response.
    pub(crate) slopes: &'w mut [grid::Row],
    /// Weights of the points by which `slopes` is a sum of covariances.
    pub(crate) direction: &'w mut [f32],
    /// Weights of the points in the sample, without the newest response.
    pub(crate) weights: &'w mut [f32],
}

impl<'w> Ahead<'w> {
    /// Its length with so many measurements.
    const fn floats(measurements: usize) -> usize {
        2 * surrogate::ROOM + 2 * measurements
    }

    /// Splits a workspace for so many measurements into this and what all other work uses in turn.
    pub(crate) fn split(workspace: &'w mut [f32], measurements: usize) -> (Self, &'w mut [f32]) {
        let mut rest = workspace;
        let mut cut = |length: usize| -> &'w mut [f32] {
            let all = core::mem::take(&mut rest);
            let (head, tail) = all.split_at_mut(length.min(all.len()));
            rest = tail;
            head
        };
        let ahead = Self {
            values: cut(surrogate::ROOM).as_chunks_mut().0,
            slopes: cut(surrogate::ROOM).as_chunks_mut().0,
            direction: cut(measurements),
            weights: cut(measurements),
        };
        (ahead, rest)
    }
}

/// Latents under construction, each axis for itself.
pub(crate) struct Latents<'l> {
    axes: [&'l mut [f32]; LATENT],
}

impl<'l> Latents<'l> {
    pub(crate) fn new(axes: [&'l mut [f32]; LATENT]) -> Self {
        Self { axes }
    }

    /// The same latent for the first so many candidates.
    pub(crate) fn fill(&mut self, count: usize, latent: [f32; LATENT]) {
        for (axis, x) in self.axes.iter_mut().zip(latent) {
            axis.get_mut(..count).unwrap_or_default().fill(x);
        }
    }

    /// Changes the latent of a candidate.
    #[cfg_attr(not(target_arch = "arm"), inline(always))]
    pub(crate) fn change(&mut self, index: usize, change: impl FnOnce(&mut [f32; LATENT])) {
        let [first, second] = &mut self.axes;
        if let (Some(x), Some(y)) = (first.get_mut(index), second.get_mut(index)) {
            let mut latent = [*x, *y];
            change(&mut latent);
            [*x, *y] = latent;
        }
    }
}

/// What each response of a place has for itself; all else is common to them.
#[derive(Default)]
pub(crate) struct Own<'a> {
    /// Responses of the held points, in the order they were measured.
    pub(crate) responses: &'a mut [f32],
    pub(crate) targets: &'a mut [f32],
    pub(crate) whitened: &'a mut [f32],
    pub(crate) alpha: &'a mut [f32],
    /// Weights of the points in the posterior mean, without the newest response.
    pub(crate) before: &'a mut [f32],
    pub(crate) references: &'a mut [f32],
    /// Posterior means at the surrogate's sites.
    pub(crate) mean: &'a mut [f32],
    /// A number of each candidate: its sampled response as far as it does not depend on the newest
    /// one, or what neighbours add to its mean, or the first axis of its latent by new weights.
    pub(crate) plane: &'a mut [f32],
}

impl Own<'_> {
    /// Its length.
    const fn floats(capacity: Capacity) -> usize {
        6 * capacity.measurements + surrogate::ROOM + capacity.candidates
    }
}

/// An explorer's memory, cut from what the caller lends.
pub struct Storage<'a> {
    pub(crate) capacity: Capacity,
    pub(crate) image: &'a mut [f32],
    pub(crate) latents: &'a mut [[f32; LATENT]],
    /// Posterior variances at the surrogate's sites.
    pub(crate) variance: &'a mut [f32],
    /// Of each response; empty from the capacity's number of responses on.
    pub(crate) own: [Own<'a>; MOST_RESPONSES],
    /// Reciprocal norms of the candidates' centred patches.
    pub(crate) reciprocals: &'a mut [f32],
    /// Squared structural distances to the nearest measured patch.
    pub(crate) distances: &'a mut [f32],
    /// The same with one more measured patch, while an update is under way.
    pub(crate) next_distances: &'a mut [f32],
    /// How the sampled response of each candidate changes with the newest one, or the second axis.
    pub(crate) slopes: &'a mut [f32],
    pub(crate) factor: &'a mut [f32],
    pub(crate) points: &'a mut [[f32; LATENT]],
    /// Rows and columns of the measured points among the candidates.
    pub(crate) places: &'a mut [[f32; 2]],
    /// What the spatial part of the covariance is at whole lags.
    pub(crate) falloff: &'a mut [f32],
    pub(crate) row: &'a mut [f32],
    pub(crate) workspace: &'a mut [f32],
    /// Which of the measured points are held, in the order they were measured.
    pub(crate) numbers: &'a mut [u32],
    /// Candidates of all measured points.
    pub(crate) measured: &'a mut [u32],
    pub(crate) taken: &'a mut [u32],
    /// What the fixed filters say of every candidate.
    pub(crate) features: &'a mut [filters::Packed],
}

impl<'a> Storage<'a> {
    /// Cuts the memory for a capacity.
    ///
    /// # Errors
    /// [`Error::Capacity`] when a slice is shorter than [`Capacity::floats`] or
    /// [`Capacity::words`] asks for, and for more than [`MOST_RESPONSES`] responses or none.
    pub fn new(
        capacity: Capacity,
        floats: &'a mut [f32],
        words: &'a mut [u32],
    ) -> Result<Self, Error> {
        let short = Error::Capacity {
            what: "floats",
            needed: capacity.floats(),
            capacity: floats.len(),
        };
        let kept = capacity.floats() - capacity.workspace();
        let (floats, workspace) = floats.split_at_mut_checked(kept).ok_or(short)?;
        if workspace.len() < capacity.workspace() {
            return Err(short);
        }
        Self::with_workspace(capacity, floats, workspace, words)
    }

    /// Cuts the memory for a capacity, with the workspace in a place of its own: `floats` is
    /// shorter by as much.
    ///
    /// # Errors
    /// [`Error::Capacity`] when a slice is shorter than what [`Capacity::floats`] leaves without
    /// [`Capacity::workspace`], or than that or [`Capacity::words`] asks for, and for more than
    /// [`MOST_RESPONSES`] responses or none.
    pub fn with_workspace(
        capacity: Capacity,
        floats: &'a mut [f32],
        workspace: &'a mut [f32],
        words: &'a mut [u32],
    ) -> Result<Self, Error> {
        let short = |what, needed, capacity| Error::Capacity {
            what,
            needed,
            capacity,
        };
        if !(1..=MOST_RESPONSES).contains(&capacity.responses) {
            return Err(short("responses", capacity.responses, MOST_RESPONSES));
        }
        let kept = capacity.floats() - capacity.workspace();
        let no_floats = short("floats", kept, floats.len());
        let no_words = short("words", capacity.words(), words.len());
        let no_workspace = short("floats of workspace", capacity.workspace(), workspace.len());
        let workspace = workspace
            .get_mut(..capacity.workspace())
            .ok_or(no_workspace)?;
        let mut rest = floats;
        let mut cut = |length: usize| -> Result<&'a mut [f32], Error> {
            let (head, tail) = core::mem::take(&mut rest)
                .split_at_mut_checked(length)
                .ok_or(no_floats)?;
            rest = tail;
            Ok(head)
        };
        let n = capacity.measurements;
        let (numbers, rest_of_words) = words.split_at_mut_checked(n).ok_or(no_words)?;
        let (measured, rest_of_words) = rest_of_words
            .split_at_mut_checked(capacity.candidates)
            .ok_or(no_words)?;
        let (taken, rest_of_words) = rest_of_words
            .split_at_mut_checked(capacity.candidates.div_ceil(32))
            .ok_or(no_words)?;
        let features = rest_of_words
            .get_mut(..filters::WORDS * capacity.candidates)
            .ok_or(no_words)?;
        let mut own: [Own<'a>; MOST_RESPONSES] = Default::default();
        for own in own.iter_mut().take(capacity.responses) {
            *own = Own {
                responses: cut(n)?,
                targets: cut(n)?,
                whitened: cut(n)?,
                alpha: cut(n)?,
                before: cut(n)?,
                references: cut(n)?,
                mean: cut(surrogate::ROOM)?,
                plane: cut(capacity.candidates)?,
            };
        }
        Ok(Self {
            capacity,
            own,
            image: cut(capacity.image_pixels)?,
            latents: cut(LATENT * capacity.candidates)?.as_chunks_mut().0,
            variance: cut(surrogate::ROOM)?,
            reciprocals: cut(capacity.candidates)?,
            distances: cut(capacity.candidates)?,
            next_distances: cut(capacity.candidates)?,
            slopes: cut(capacity.candidates)?,
            factor: cut(packed(n))?,
            points: cut(LATENT * n)?.as_chunks_mut().0,
            places: cut(2 * n)?.as_chunks_mut().0,
            falloff: cut(capacity.image_width)?,
            row: cut(n)?,
            workspace,
            numbers,
            measured,
            taken,
            features: features.as_chunks_mut().0,
        })
    }

    /// What the memory was cut for.
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_are_too_short_are_refused_with_what_is_needed() {
        let capacity = Capacity::for_campaign(20, 20, 16, 12);
        let mut floats = vec![0.0; capacity.floats()];
        let mut words = vec![0; capacity.words()];
        assert!(Storage::new(capacity, &mut floats, &mut words).is_ok());
        let short = floats.len() - 1;
        assert!(matches!(
            Storage::new(capacity, &mut floats[..short], &mut words),
            Err(Error::Capacity { what: "floats", needed, .. }) if needed == short + 1
        ));
        let short = words.len() - 1;
        assert!(matches!(
            Storage::new(capacity, &mut floats, &mut words[..short]),
            Err(Error::Capacity { what: "words", .. })
        ));
    }

    #[test]
    fn each_further_response_takes_as_much_memory_and_more_than_four_are_refused() {
        let one = Capacity::for_campaign(20, 20, 16, 12);
        let more = |responses| one.with_responses(responses).floats() - one.floats();
        // Six numbers of a point, 48 x 48 nodes and a plane of 5 x 5 candidates.
        assert_eq!(more(2), 6 * 12 + 48 * 48 + 25);
        assert_eq!(more(4), 3 * more(2));
        for responses in [0, 5] {
            let capacity = one.with_responses(responses);
            let mut floats = vec![0.0; capacity.floats()];
            let mut words = vec![0; capacity.words()];
            assert!(matches!(
                Storage::new(capacity, &mut floats, &mut words),
                Err(Error::Capacity { what: "responses", needed, capacity: 4 }) if needed == responses
            ));
        }
    }
}
