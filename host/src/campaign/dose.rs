//! How many electrons the sample has taken, per pixel and in all, and how many it may.

use std::collections::HashMap;

use beacon_kernel::Candidate;

use crate::data::Axis;
use crate::units::{Electrons, ElectronsPerSquareAngstrom, SquareAngstroms};

/// Area of a pixel from the axes of an image; `None` where they are not lengths.
pub fn pixel_area(rows: &Axis, columns: &Axis) -> Option<SquareAngstroms> {
    let side = |axis: &Axis| {
        let angstrom = match axis.units.trim() {
            "m" => 1e10,
            "mm" => 1e7,
            "µm" | "μm" | "um" | "micron" | "microns" => 1e4,
            "nm" => 10.0,
            "Å" | "A" | "angstrom" | "Angstrom" => 1.0,
            "pm" => 0.01,
            _ => return None,
        };
        Some(axis.scale.abs() * angstrom)
    };
    SquareAngstroms::new(side(rows)? * side(columns)?).ok()
}

/// What the sample may take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// In all.
    pub total: Option<Electrons>,
    /// On one pixel.
    pub pixel: Option<ElectronsPerSquareAngstrom>,
}

/// Why an exposure is not made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DoseError {
    /// It would be too much in all.
    #[error("{}", in_all(*used, *next, *limit))]
    Total {
        /// Dose so far.
        used: Electrons,
        /// Dose of the exposure.
        next: Electrons,
        /// Dose that is allowed.
        limit: Electrons,
    },
    /// It would be too much for the pixel.
    #[error(
        "{used:.4e} e/Å² of {} are used there, and an exposure takes up to {next:.2e}",
        written(limit.get())
    )]
    Pixel {
        /// Dose there so far.
        used: ElectronsPerSquareAngstrom,
        /// Dose of the exposure there.
        next: ElectronsPerSquareAngstrom,
        /// Dose that is allowed there.
        limit: ElectronsPerSquareAngstrom,
    },
}

/// A limit as people write it: in full where that is short.
fn written(limit: f64) -> String {
    if (1.0..1e5).contains(&limit) {
        limit.to_string()
    } else {
        format!("{limit:e}")
    }
}

fn in_all(used: Electrons, next: Electrons, limit: Electrons) -> String {
    if used == Electrons::ZERO {
        return format!(
            "up to {next:.2e} electrons are needed, and the limit is {}",
            written(limit.get())
        );
    }
    format!(
        "{used:.4e} electrons of {} are used, and the next exposure takes up to {next:.2e}",
        written(limit.get())
    )
}

/// The electrons so far. Every one counts when its exposure is announced; afterwards the account
/// is corrected to what was really spent.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Of a pixel, where it is known.
    area: Option<SquareAngstroms>,
    /// Pixels of an overview, as far as that is known.
    pixels_of_overview: usize,
    total: Electrons,
    /// Of all overviews.
    overviews: Electrons,
    /// On single pixels.
    pixels: HashMap<Candidate, Electrons>,
    /// The most on one of them.
    most: Electrons,
}

impl Ledger {
    /// An empty account for an overview of so many pixels, each of this area.
    pub fn new(area: Option<SquareAngstroms>, pixels: usize) -> Self {
        Self {
            area,
            pixels_of_overview: pixels.max(1),
            total: Electrons::ZERO,
            overviews: Electrons::ZERO,
            pixels: HashMap::new(),
            most: Electrons::ZERO,
        }
    }

    /// Tells the area of a pixel and the pixels of an overview, once it was taken.
    pub(super) fn set_area(&mut self, area: Option<SquareAngstroms>, pixels: usize) {
        self.area = area;
        self.pixels_of_overview = pixels.max(1);
    }

    /// Electrons so far.
    pub fn total(&self) -> Electrons {
        self.total
    }

    /// Electrons so far with three digits, rounded up: as a limit they are accepted.
    pub fn total_in_words(&self) -> String {
        let total = self.total.get();
        if total == 0.0 {
            return "0".to_owned();
        }
        format!("{:.2e}", rounded_up(total))
    }

    /// Area of a pixel, where it is known.
    pub fn area(&self) -> Option<SquareAngstroms> {
        self.area
    }

    /// Electrons that may still be spent, where that is limited.
    pub fn left(&self, limits: Limits) -> Option<Electrons> {
        limits.total.map(|limit| limit.left_after(self.total))
    }

    /// Dose on a candidate's pixel, overviews included; `None` where its area is not known.
    pub fn on_pixel(&self, candidate: Candidate) -> Option<ElectronsPerSquareAngstrom> {
        let electrons = self.pixels.get(&candidate).copied();
        self.density(electrons.unwrap_or(Electrons::ZERO))
    }

    /// Dose on the pixel that has taken most.
    pub fn on_worst_pixel(&self) -> Option<ElectronsPerSquareAngstrom> {
        self.density(self.most)
    }

    /// Dose of so many electrons on one pixel and of all overviews.
    fn density(&self, electrons: Electrons) -> Option<ElectronsPerSquareAngstrom> {
        let everywhere = self.overviews.shared_by(self.pixels_of_overview);
        self.area.map(|area| (electrons + everywhere) / area)
    }

    /// Checks an exposure of so many electrons before it is made.
    ///
    /// # Errors
    /// The limit that it would break.
    pub fn admit(
        &self,
        candidate: Candidate,
        electrons: Electrons,
        limits: Limits,
    ) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        self.admit_on_pixel(self.on_pixel(candidate), electrons, limits)
    }

    /// Checks an exposure of so many electrons on a pixel that was never exposed alone.
    ///
    /// # Errors
    /// The limit that it would break.
    pub fn admit_fresh(&self, electrons: Electrons, limits: Limits) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        self.admit_on_pixel(self.density(Electrons::ZERO), electrons, limits)
    }

    /// Checks an overview of so many electrons before it is made.
    ///
    /// # Errors
    /// The limit that it would break, on the pixel that has taken most.
    pub fn admit_overview(&self, electrons: Electrons, limits: Limits) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        let each = electrons.shared_by(self.pixels_of_overview);
        self.admit_on_pixel(self.on_worst_pixel(), each, limits)
    }

    fn admit_on_pixel(
        &self,
        used: Option<ElectronsPerSquareAngstrom>,
        electrons: Electrons,
        limits: Limits,
    ) -> Result<(), DoseError> {
        if let (Some(limit), Some(used), Some(area)) = (limits.pixel, used, self.area) {
            let next = electrons / area;
            if used + next > limit {
                return Err(DoseError::Pixel { used, next, limit });
            }
        }
        Ok(())
    }

    pub(super) fn admit_in_all(
        &self,
        electrons: Electrons,
        limits: Limits,
    ) -> Result<(), DoseError> {
        match limits.total {
            Some(limit) if self.total + electrons > limit => Err(DoseError::Total {
                used: self.total,
                next: electrons,
                limit,
            }),
            _ => Ok(()),
        }
    }

    /// Counts the electrons that are announced for a candidate's pixel.
    pub(super) fn announce(&mut self, candidate: Candidate, electrons: Electrons) {
        self.total += electrons;
        let pixel = self.pixels.entry(candidate).or_insert(Electrons::ZERO);
        *pixel += electrons;
        if *pixel > self.most {
            self.most = *pixel;
        }
    }

    /// Counts what was really spent on a candidate's pixel instead of what was announced for it.
    pub(super) fn correct(&mut self, candidate: Candidate, announced: Electrons, spent: Electrons) {
        self.total = self.total.corrected(announced, spent);
        if let Some(pixel) = self.pixels.get_mut(&candidate) {
            *pixel = pixel.corrected(announced, spent);
        }
        let larger = |a, b| if b > a { b } else { a };
        self.most = self.pixels.values().copied().fold(Electrons::ZERO, larger);
    }

    /// Counts an overview.
    pub(super) fn spend_on_overview(&mut self, electrons: Electrons) {
        self.total += electrons;
        self.overviews += electrons;
    }
}

/// A number above 0 rounded up to three digits: what a refusal names is accepted.
pub(crate) fn rounded_up(number: f64) -> f64 {
    let unit = 10_f64.powf(number.log10().floor() - 2.0);
    unit * (number / unit).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn electrons(number: f64) -> Electrons {
        Electrons::new(number).unwrap()
    }

    fn density(number: f64) -> ElectronsPerSquareAngstrom {
        ElectronsPerSquareAngstrom::new(number).unwrap()
    }

    #[test]
    fn a_pixel_has_an_area_when_both_axes_are_lengths() {
        let axis = |units: &str, scale| Axis {
            units: units.to_owned(),
            scale,
            ..Axis::pixels("x", 2)
        };
        assert_eq!(pixel_area(&Axis::pixels("y", 2), &axis("nm", 1.0)), None);
        let area = pixel_area(&axis("nm", 0.5), &axis("µm", -0.0002));
        assert!((area.unwrap().get() - 10.0).abs() < 1e-9);
        assert_eq!(pixel_area(&axis("nm", 0.5), &axis("s", 1.0)), None);
    }

    #[test]
    fn no_exposure_is_admitted_that_breaks_a_limit() {
        let limits = Limits {
            total: Some(electrons(100.0)),
            pixel: Some(density(3.0)),
        };
        let mut ledger = Ledger::new(SquareAngstroms::new(10.0).ok(), 4);
        let (a, b) = (Candidate(1), Candidate(2));
        ledger.spend_on_overview(electrons(20.0));
        assert_eq!(ledger.on_pixel(a), Some(density(0.5)));
        assert!(ledger.admit_overview(electrons(80.0), limits).is_ok());
        assert!(ledger.admit_overview(electrons(80.1), limits).is_err());
        assert_eq!(ledger.admit(a, electrons(25.0), limits), Ok(()));
        assert_eq!(ledger.admit_fresh(electrons(25.0), limits), Ok(()));
        let crowded =
            |found| matches!(found, Err(DoseError::Pixel { used, .. }) if used == density(0.5));
        assert!(crowded(ledger.admit(a, electrons(25.1), limits)));
        assert!(crowded(ledger.admit_fresh(electrons(25.1), limits)));
        ledger.announce(a, electrons(25.0));
        assert!(
            ledger.admit(a, electrons(1.0), limits).is_err()
                && ledger.admit(b, electrons(25.0), limits).is_ok()
        );
        let overview = ledger.admit_overview(electrons(4.0), limits).unwrap_err();
        assert!(matches!(overview, DoseError::Pixel { used, .. } if used == density(3.0)));
        for candidate in 2..4 {
            ledger.announce(Candidate(candidate), electrons(25.0));
        }
        assert_eq!(
            (ledger.total(), ledger.left(limits)),
            (electrons(95.0), Some(electrons(5.0)))
        );
        let error = ledger
            .admit(Candidate(9), electrons(6.0), limits)
            .unwrap_err();
        assert!(
            matches!(error, DoseError::Total { used, .. } if used == electrons(95.0)),
            "{error}"
        );
        // What was announced and not spent is free again.
        ledger.correct(Candidate(3), electrons(25.0), electrons(20.0));
        assert_eq!(ledger.admit(Candidate(9), electrons(6.0), limits), Ok(()));
    }

    #[test]
    fn without_an_area_there_is_no_dose_per_area_and_without_limits_no_end() {
        let mut ledger = Ledger::new(None, 1);
        ledger.announce(Candidate(0), electrons(1e30));
        assert_eq!(ledger.on_pixel(Candidate(0)), None);
        let limits = Limits::default();
        assert_eq!(ledger.admit(Candidate(0), electrons(1e30), limits), Ok(()));
        assert_eq!(ledger.left(limits), None);
    }
}
