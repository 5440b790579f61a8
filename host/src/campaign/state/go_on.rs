//! What `beacon resume` would need, so that a campaign that ended goes on.

use super::State;
use crate::campaign::Ended;
use crate::units::Seconds;

impl State {
    /// The option of `beacon resume` with which a campaign that ended so, after so long, goes on to the end
    /// of its budget; `None` where it needs none, or where none helps.
    pub fn option_to_go_on(&self, ended: &Ended, elapsed: Seconds) -> Option<String> {
        let settings = &self.settings;
        let points = self.points.len();
        match ended {
            Ended::Budget => {
                let most = points + self.free_at_first();
                let budget = most.min(2 * settings.budget.max(1));
                (budget > points).then(|| format!("--budget {budget}"))
            }
            Ended::Dose(_) => {
                let limit = self.sufficient_dose_limit()?;
                Some(format!("--dose-limit {limit:e}"))
            }
            Ended::Time => {
                let each = elapsed.get() / points.max(1) as f64;
                let all = 1.1 * each * settings.budget.max(points + 1) as f64;
                Some(format!(
                    "--time-limit {}",
                    whole_units(all.max(2.0 * elapsed.get()))
                ))
            }
            Ended::Stalled(_) => {
                let after = settings.stall_after?;
                Some(format!("--stall-after {}", after.saturating_mul(2)))
            }
            _ => None,
        }
    }

    /// A dose limit with which the rest of the budget could be measured, with two digits; `None` where it
    /// is not the limit in all that is in the way.
    fn sufficient_dose_limit(&self) -> Option<f64> {
        let settings = &self.settings;
        let limit = settings.limits.total?;
        let (each, overview) = (self.exposure_electrons(), self.overview_electrons());
        let spent = self.ledger.total();
        let next = match settings.drift_every {
            Some(_) if overview > each => overview,
            _ => each,
        };
        if spent + next <= limit {
            return None;
        }
        let points = settings.budget.saturating_sub(self.points.len()).max(1);
        let overviews = settings.drift_every.map_or(0, |every| points / every + 2);
        let rest = each.get() * points as f64 + overview.get() * overviews as f64;
        // An exposure may take a little longer than it should.
        Some(rounded_up(spent.get() + 1.02 * rest))
    }
}

/// A number above 0 with two digits, and no smaller.
fn rounded_up(number: f64) -> f64 {
    let rounded = |number: f64| format!("{number:.1e}").parse().unwrap_or(number);
    let near: f64 = rounded(number);
    if near >= number {
        return near;
    }
    rounded(near + 10_f64.powf(number.log10().floor() - 1.0))
}

/// A time in whole seconds, minutes or hours, and no shorter.
fn whole_units(seconds: f64) -> String {
    match seconds {
        seconds if seconds <= 300.0 => format!("{}s", seconds.ceil()),
        seconds if seconds <= 18_000.0 => format!("{}m", (seconds / 60.0).ceil()),
        seconds => format!("{}h", (seconds / 3600.0).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_up_to_what_a_person_types() {
        for (number, rounded) in [
            (1.0, "1e0"),
            (1.01e9, "1.1e9"),
            (9.91e9, "1e10"),
            (2.6e8, "2.6e8"),
            (2.649e8, "2.7e8"),
        ] {
            assert_eq!(format!("{:e}", rounded_up(number)), rounded);
        }
        assert_eq!(whole_units(7.2), "8s");
        assert_eq!(whole_units(601.0), "11m");
        assert_eq!(whole_units(90_000.0), "25h");
    }
}
