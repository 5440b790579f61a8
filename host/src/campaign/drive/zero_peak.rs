//! Sees in the spectra whether the number that is sought is mostly the peak at zero energy.

use crate::campaign::State;

/// The spectra measured so far, and the target that was last held against them.
#[derive(Debug, Default)]
pub(super) struct ZeroPeak {
    /// Sum of the spectra, a value a channel; empty before the first.
    sum: Vec<f64>,
    judged: Option<usize>,
}

impl ZeroPeak {
    /// Counts a spectrum, where it has a number in every channel.
    pub(super) fn take(&mut self, spectrum: &[f64]) {
        if !spectrum.iter().all(|value| value.is_finite()) {
            return;
        }
        self.sum.resize(spectrum.len(), 0.0);
        for (sum, value) in self.sum.iter_mut().zip(spectrum) {
            *sum += value;
        }
    }

    /// Takes the target in force for one that was judged before.
    pub(super) fn pass(&mut self, state: &State) {
        if !state.is_seeding() {
            self.judged = Some(state.settings().target_index());
        }
    }

    /// What a person should know of the target: once for each, when the points to begin with are measured.
    pub(super) fn caution(&mut self, state: &State) -> Option<String> {
        let settings = state.settings();
        if self.sum.is_empty() || state.is_seeding() || self.judged == Some(settings.target_index())
        {
            return None;
        }
        self.judged = Some(settings.target_index());
        let channels = &state.begun().channels;
        let energies = (
            channels.coordinates.as_slice(),
            channels.axis.units.as_str(),
        );
        settings
            .target()
            .zero_peak_in(energies, || self.sum.clone())
    }
}
