//! Components of the spectra measured so far, where they are sought.

use super::{Drive, World};
use crate::campaign::{CampaignError, Components, Event, Observer};
use crate::components::{ComponentsError, MeasuredSpectra};
use crate::scalarizer::ComponentsTarget;

impl Drive<'_> {
    /// Learns the components that are sought where they are due, and puts on record what they are of every
    /// point so far. Spectra that nothing can be learnt from leave everything as it is, until there are more.
    ///
    /// # Errors
    /// When it cannot be kept, or the kernel refuses.
    pub(super) fn learn_components(
        &mut self,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        let points = self.state.points().len();
        let due = self.state.components_due();
        let Some(target) = due.filter(|_| self.unlearnt_at != Some(points)) else {
            return Ok(());
        };
        world.show("learning components");
        match self.components(target, world) {
            Ok(learnt) => self.record(&Event::Components(Box::new(learnt)), world, observer),
            Err(error) => {
                self.unlearnt_at = Some(points);
                let why = format!("the components of the spectra are not learnt anew: {error}");
                world.log(&format!("warning: {why}"));
                self.learner.warnings.note(&why);
                Ok(())
            }
        }
    }

    fn components(
        &self,
        target: ComponentsTarget,
        world: &dyn World,
    ) -> Result<Components, ComponentsError> {
        let channels = &self.state.begun().channels;
        let measured =
            MeasuredSpectra::new(target, channels.coordinates.clone(), channels.axis.clone())?;
        let mut measured = measured.after(self.state.basis());
        for point in self.state.counted() {
            // One that cannot be squared and summed teaches nothing, and its components are numbers all the same.
            if let Some(spectrum) = world.spectrum(point) {
                let _ = measured.add(&spectrum);
            }
        }
        let change = measured.update()?;
        let basis = measured.basis().into_iter();
        let weights: Vec<Vec<f64>> = basis.flat_map(|basis| basis.weights().to_vec()).collect();
        let components = |point| {
            let spectrum = world.spectrum(point);
            let of = |basis: &crate::components::Basis| basis.evaluate(spectrum.as_deref()?).ok();
            let known = measured.basis().and_then(of);
            known.unwrap_or_else(|| vec![f64::NAN; target.count()])
        };
        Ok(Components {
            responses: self.state.points().iter().map(components).collect(),
            change,
            weights,
        })
    }
}
