//! How many electrons the sample has taken, per pixel and in all, and how many it may.

use std::collections::HashMap;

use beacon_kernel::Candidate;

use crate::data::Axis;

/// Charge of an electron in C.
const ELECTRON: f64 = 1.602_176_634e-19;

/// Electrons of a current in pA over a time in seconds.
pub fn electrons(current_pa: f64, seconds: f64) -> f64 {
    current_pa * 1e-12 * seconds / ELECTRON
}

/// Area of a pixel in Å², from the axes of an image; `None` where they are not lengths.
pub fn pixel_area(rows: &Axis, columns: &Axis) -> Option<f64> {
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
        let side = axis.scale.abs() * angstrom;
        (side.is_finite() && side > 0.0).then_some(side)
    };
    Some(side(rows)? * side(columns)?)
}

/// What the sample may take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// In all, in electrons.
    pub total: Option<f64>,
    /// On one pixel, in electrons per Å².
    pub pixel: Option<f64>,
}

/// Why an exposure is not made.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DoseError {
    /// It would be too much in all.
    #[error(
        "{used:.4e} electrons of {limit:.4e} are used, and the next exposure takes up to {next:.2e}"
    )]
    Total {
        /// Electrons so far.
        used: f64,
        /// Electrons of the exposure.
        next: f64,
        /// Electrons that are allowed.
        limit: f64,
    },
    /// It would be too much for the pixel.
    #[error(
        "{used:.4e} e/Å² of {limit:.4e} are used there, and an exposure takes up to {next:.2e}"
    )]
    Pixel {
        /// Electrons per Å² so far.
        used: f64,
        /// Electrons per Å² of the exposure.
        next: f64,
        /// Electrons per Å² that are allowed.
        limit: f64,
    },
}

/// The electrons so far. Every one counts when its exposure is announced; afterwards the account
/// is corrected to what was really spent.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Å² of a pixel, where it is known.
    area: Option<f64>,
    /// Pixels of an overview, as far as that is known.
    pixels_of_overview: usize,
    total: f64,
    /// Electrons of all overviews.
    overviews: f64,
    /// Electrons on single pixels.
    pixels: HashMap<Candidate, f64>,
    /// The most on one of them.
    most: f64,
}

impl Ledger {
    /// An empty account for pixels of an area in Å².
    pub fn new(area: Option<f64>, pixels: usize) -> Self {
        Self {
            area,
            pixels_of_overview: pixels.max(1),
            total: 0.0,
            overviews: 0.0,
            pixels: HashMap::new(),
            most: 0.0,
        }
    }

    /// Tells the area of a pixel in Å² and the pixels of an overview, once it was taken.
    pub(super) fn set_area(&mut self, area: Option<f64>, pixels: usize) {
        self.area = area;
        self.pixels_of_overview = pixels.max(1);
    }

    /// Electrons so far.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Area of a pixel in Å², where it is known.
    pub fn area(&self) -> Option<f64> {
        self.area
    }

    /// Electrons that may still be spent, where that is limited.
    pub fn left(&self, limits: Limits) -> Option<f64> {
        limits.total.map(|limit| (limit - self.total).max(0.0))
    }

    /// Electrons per Å² on a candidate's pixel, overviews included; `None` where its area is not
    /// known.
    pub fn on_pixel(&self, candidate: Candidate) -> Option<f64> {
        let electrons = self.pixels.get(&candidate).copied().unwrap_or(0.0);
        self.density(electrons)
    }

    /// Electrons per Å² on the pixel that has taken most.
    pub fn on_worst_pixel(&self) -> Option<f64> {
        self.density(self.most)
    }

    /// Density of so many electrons on one pixel and of all overviews.
    fn density(&self, electrons: f64) -> Option<f64> {
        let everywhere = self.overviews / self.pixels_of_overview as f64;
        self.area.map(|area| (electrons + everywhere) / area)
    }

    /// Checks an exposure of so many electrons before it is made.
    ///
    /// # Errors
    /// The limit that it would break.
    pub fn admit(
        &self,
        candidate: Candidate,
        electrons: f64,
        limits: Limits,
    ) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        self.admit_on_pixel(self.on_pixel(candidate), electrons, limits)
    }

    /// Checks an exposure of so many electrons on a pixel that was never exposed alone.
    ///
    /// # Errors
    /// The limit that it would break.
    pub fn admit_fresh(&self, electrons: f64, limits: Limits) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        self.admit_on_pixel(self.density(0.0), electrons, limits)
    }

    /// Checks an overview of so many electrons before it is made.
    ///
    /// # Errors
    /// The limit that it would break, on the pixel that has taken most.
    pub fn admit_overview(&self, electrons: f64, limits: Limits) -> Result<(), DoseError> {
        self.admit_in_all(electrons, limits)?;
        let each = electrons / self.pixels_of_overview as f64;
        self.admit_on_pixel(self.on_worst_pixel(), each, limits)
    }

    fn admit_on_pixel(
        &self,
        used: Option<f64>,
        electrons: f64,
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

    fn admit_in_all(&self, electrons: f64, limits: Limits) -> Result<(), DoseError> {
        match limits.total {
            Some(limit) if self.total + electrons > limit => Err(DoseError::Total {
                used: self.total,
                next: electrons,
                limit,
            }),
            _ => Ok(()),
        }
    }

    /// Counts electrons on a candidate's pixel; less than none gives back what was announced and
    /// not spent.
    pub(super) fn spend(&mut self, candidate: Candidate, electrons: f64) {
        self.total += electrons;
        let pixel = self.pixels.entry(candidate).or_default();
        *pixel += electrons;
        if electrons >= 0.0 {
            self.most = self.most.max(*pixel);
        } else {
            self.most = self.pixels.values().copied().fold(0.0, f64::max);
        }
    }

    /// Counts an overview.
    pub(super) fn spend_on_overview(&mut self, electrons: f64) {
        self.total += electrons;
        self.overviews += electrons;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nanoampere_for_a_second_is_six_milliard_electrons() {
        // 1 C is 6.241509e18 elementary charges (SI, 2019).
        assert!((electrons(1000.0, 1.0) / 6.241_509_074e9 - 1.0).abs() < 1e-9);
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
        assert!((area.unwrap() - 10.0).abs() < 1e-9);
        assert_eq!(pixel_area(&axis("nm", 0.5), &axis("s", 1.0)), None);
    }

    #[test]
    fn no_exposure_is_admitted_that_breaks_a_limit() {
        let limits = Limits {
            total: Some(100.0),
            pixel: Some(3.0),
        };
        let mut ledger = Ledger::new(Some(10.0), 4);
        let (a, b) = (Candidate(1), Candidate(2));
        ledger.spend_on_overview(20.0);
        assert_eq!(ledger.on_pixel(a), Some(0.5));
        assert!(ledger.admit_overview(80.0, limits).is_ok());
        assert!(ledger.admit_overview(80.1, limits).is_err());
        assert_eq!(ledger.admit(a, 25.0, limits), Ok(()));
        assert_eq!(ledger.admit_fresh(25.0, limits), Ok(()));
        let crowded = |found| matches!(found, Err(DoseError::Pixel { used: 0.5, .. }));
        assert!(crowded(ledger.admit(a, 25.1, limits)));
        assert!(crowded(ledger.admit_fresh(25.1, limits)));
        ledger.spend(a, 25.0);
        assert!(ledger.admit(a, 1.0, limits).is_err() && ledger.admit(b, 25.0, limits).is_ok());
        let overview = ledger.admit_overview(4.0, limits).unwrap_err();
        assert!(matches!(overview, DoseError::Pixel { used: 3.0, .. }));
        for candidate in 2..4 {
            ledger.spend(Candidate(candidate), 25.0);
        }
        assert_eq!((ledger.total(), ledger.left(limits)), (95.0, Some(5.0)));
        let error = ledger.admit(Candidate(9), 6.0, limits).unwrap_err();
        assert!(
            matches!(error, DoseError::Total { used: 95.0, .. }),
            "{error}"
        );
        // What was announced and not spent is free again.
        ledger.spend(Candidate(3), -5.0);
        assert_eq!(ledger.admit(Candidate(9), 6.0, limits), Ok(()));
    }

    #[test]
    fn without_an_area_there_is_no_dose_per_area_and_without_limits_no_end() {
        let mut ledger = Ledger::new(None, 1);
        ledger.spend(Candidate(0), 1e30);
        assert_eq!(ledger.on_pixel(Candidate(0)), None);
        let limits = Limits::default();
        assert_eq!(ledger.admit(Candidate(0), 1e30, limits), Ok(()));
        assert_eq!(ledger.left(limits), None);
    }
}
