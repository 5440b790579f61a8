//! How many electrons the sample has taken, per pixel and in all, and how many it may.

use std::collections::HashMap;

use beacon_kernel::Candidate;

use crate::data::Map;

/// Charge of an electron in C.
const ELECTRON: f64 = 1.602_176_634e-19;

/// Electrons of a current in pA over a time in seconds.
pub fn electrons(current_pa: f64, seconds: f64) -> f64 {
    current_pa * 1e-12 * seconds / ELECTRON
}

/// Area of a pixel of an image in Å²; `None` where its axes are not calibrated in metres.
pub fn pixel_area(image: &Map) -> Option<f64> {
    let side = |axis: &crate::data::Axis| {
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
    Some(side(&image.rows)? * side(&image.columns)?)
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
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    limits: Limits,
    /// Å² of a pixel.
    area: Option<f64>,
    total: f64,
    /// Electrons of every overview on each pixel.
    everywhere: f64,
    pixels: HashMap<Candidate, f64>,
}

impl Ledger {
    /// An empty account for pixels of an area in Å².
    pub fn new(limits: Limits, area: Option<f64>) -> Self {
        Self {
            limits,
            area,
            ..Self::default()
        }
    }

    /// Electrons so far.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Electrons that may still be spent, where that is limited.
    pub fn left(&self) -> Option<f64> {
        self.limits.total.map(|limit| (limit - self.total).max(0.0))
    }

    /// Electrons per Å² on a candidate's pixel, overviews included; `None` where its area is not
    /// known.
    pub fn on_pixel(&self, candidate: Candidate) -> Option<f64> {
        let electrons = self.pixels.get(&candidate).copied().unwrap_or(0.0);
        self.area.map(|area| (electrons + self.everywhere) / area)
    }

    /// Checks an exposure of so many electrons before it is made.
    ///
    /// # Errors
    /// The limit that it would break.
    pub fn admit(&self, candidate: Candidate, electrons: f64) -> Result<(), DoseError> {
        self.admit_in_all(electrons)?;
        if let (Some(limit), Some(used), Some(area)) =
            (self.limits.pixel, self.on_pixel(candidate), self.area)
        {
            let next = electrons / area;
            if used + next > limit {
                return Err(DoseError::Pixel { used, next, limit });
            }
        }
        Ok(())
    }

    /// Checks an overview of so many electrons over so many pixels before it is made.
    ///
    /// # Errors
    /// The limit that it would break, on the pixel that has taken most.
    pub fn admit_overview(&self, electrons: f64, pixels: usize) -> Result<(), DoseError> {
        self.admit_in_all(electrons)?;
        if let (Some(limit), Some(area)) = (self.limits.pixel, self.area) {
            let most = self.pixels.values().copied().fold(0.0, f64::max);
            let used = (most + self.everywhere) / area;
            let next = electrons / pixels.max(1) as f64 / area;
            if used + next > limit {
                return Err(DoseError::Pixel { used, next, limit });
            }
        }
        Ok(())
    }

    fn admit_in_all(&self, electrons: f64) -> Result<(), DoseError> {
        match self.limits.total {
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
    pub fn spend(&mut self, candidate: Candidate, electrons: f64) {
        self.total += electrons;
        *self.pixels.entry(candidate).or_default() += electrons;
    }

    /// Counts an overview over so many pixels.
    pub fn spend_on_overview(&mut self, electrons: f64, pixels: usize) {
        self.total += electrons;
        self.everywhere += electrons / pixels.max(1) as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Axis;

    #[test]
    fn a_nanoampere_for_a_second_is_six_milliard_electrons() {
        // 1 C is 6.241509e18 elementary charges (SI, 2019).
        assert!((electrons(1000.0, 1.0) / 6.241_509_074e9 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_pixel_has_an_area_when_both_axes_are_lengths() {
        let mut image = Map::uncalibrated(2, 2, vec![0.0; 4], "HAADF");
        assert_eq!(pixel_area(&image), None);
        let axis = |units: &str, scale| Axis {
            units: units.to_owned(),
            scale,
            ..Axis::pixels("x", 2)
        };
        image.rows = axis("nm", 0.5);
        image.columns = axis("µm", -0.0002);
        assert!((pixel_area(&image).unwrap() - 10.0).abs() < 1e-9);
        image.columns = axis("s", 1.0);
        assert_eq!(pixel_area(&image), None);
    }

    #[test]
    fn no_exposure_is_admitted_that_breaks_a_limit() {
        let limits = Limits {
            total: Some(100.0),
            pixel: Some(3.0),
        };
        let mut ledger = Ledger::new(limits, Some(10.0));
        let (a, b) = (Candidate(1), Candidate(2));
        ledger.spend_on_overview(20.0, 4);
        assert_eq!(ledger.on_pixel(a), Some(0.5));
        assert!(ledger.admit_overview(80.0, 4).is_ok());
        assert!(ledger.admit_overview(80.1, 4).is_err());
        let crowded = ledger.admit_overview(76.0, 1).unwrap_err();
        assert!(matches!(crowded, DoseError::Pixel { .. }));
        assert_eq!(ledger.admit(a, 25.0), Ok(()));
        assert!(matches!(
            ledger.admit(a, 25.1),
            Err(DoseError::Pixel { used: 0.5, .. })
        ));
        ledger.spend(a, 25.0);
        assert!(ledger.admit(a, 1.0).is_err() && ledger.admit(b, 25.0).is_ok());
        for candidate in 2..4 {
            ledger.spend(Candidate(candidate), 25.0);
        }
        assert_eq!((ledger.total(), ledger.left()), (95.0, Some(5.0)));
        let error = ledger.admit(Candidate(9), 6.0).unwrap_err();
        assert!(
            matches!(error, DoseError::Total { used: 95.0, .. }),
            "{error}"
        );
        // What was announced and not spent is free again.
        ledger.spend(Candidate(3), -5.0);
        assert_eq!(ledger.admit(Candidate(9), 6.0), Ok(()));
    }

    #[test]
    fn without_an_area_there_is_no_dose_per_area_and_without_limits_no_end() {
        let mut ledger = Ledger::new(Limits::default(), None);
        ledger.spend(Candidate(0), 1e30);
        assert_eq!(ledger.on_pixel(Candidate(0)), None);
        assert_eq!(ledger.admit(Candidate(0), 1e30), Ok(()));
        assert_eq!(ledger.left(), None);
    }
}
