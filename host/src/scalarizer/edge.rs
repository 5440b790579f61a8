//! Counts of an ionisation edge in an energy-loss spectrum, above a power law.
//!
//! Before an edge the loss falls off as I = A E⁻ʳ (Egerton, *Electron Energy-Loss Spectroscopy
//! in the Electron Microscope*, 3rd ed., Springer 2011, section 4.4). A and r follow from the
//! sums over the two halves of a fit window before the edge (his two-area method), which no
//! single noisy or empty channel upsets as it would a fit of logarithms. With sums over channels
//! in place of his integrals, a spectrum that is a power law leaves nothing behind.

use super::ScalarizerError;
use super::ruler::Ruler;

/// The edge's channels and those that its background is fitted to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edge {
    signal: Vec<usize>,
    /// Channels of the lower and of the upper half of the fit window.
    halves: [Vec<usize>; 2],
    /// Logarithm of every channel's energy over the lowest fitted one's: powers of ratios stay
    /// in range.
    logarithms: Vec<f64>,
}

/// Where the background is fitted when nobody says so, as shares of the energy at which the
/// signal begins: close to it, and clear of what the resolution smears below it.
const FIT: (f64, f64) = (0.85, 0.97);

/// The fit window of an edge whose signal begins at `low`.
pub(super) fn default_fit(low: f64) -> (f64, f64) {
    (FIT.0 * low, FIT.1 * low)
}

impl Edge {
    /// The edge summed over `signal`, its background fitted over `fit`, both in units of an
    /// energy axis.
    ///
    /// # Errors
    /// When the axis is no energy, does not cover a window, or has too few channels in one.
    pub(super) fn new(
        signal: (f64, f64),
        fit: (f64, f64),
        ruler: &Ruler<'_>,
    ) -> Result<Self, ScalarizerError> {
        ruler.per_kev()?;
        if !ruler.covers(fit) {
            return Err(ruler.outside_beside(fit, " for its background, which is fitted there"));
        }
        ruler.require(signal)?;
        let within = |(low, high): (f64, f64)| {
            let mut channels: Vec<usize> = (0..ruler.coordinates.len())
                .filter(|&i| ruler.is_within(i, (low, high)))
                .collect();
            channels.sort_by(|&a, &b| ruler.coordinates[a].total_cmp(&ruler.coordinates[b]));
            channels
        };
        let (signal, fitted) = (within(signal), within(fit));
        ruler.require_number(fitted.len(), 4, "channels in the fit window")?;
        ruler.require_number(signal.len(), 1, "channel in the window of the edge")?;
        let lowest = ruler.coordinates[fitted[0]];
        let logarithm = |&energy: &f64| libm::log(energy / lowest);
        let (lower, upper) = fitted.split_at(fitted.len() / 2);
        Ok(Self {
            signal,
            halves: [lower.to_vec(), upper.to_vec()],
            logarithms: ruler.coordinates.iter().map(logarithm).collect(),
        })
    }

    /// Counts above the background.
    pub(super) fn net(&self, spectrum: &[f64]) -> f64 {
        let sum = |channels: &[usize]| channels.iter().map(|&i| spectrum[i]).sum::<f64>();
        let [lower, upper] = [sum(&self.halves[0]), sum(&self.halves[1])];
        let exponent = self.exponent(lower, upper);
        let powers = |channels: &[usize]| self.powers(channels, exponent).0;
        let fitted = powers(&self.halves[0]) + powers(&self.halves[1]);
        let background = (lower + upper) / fitted * powers(&self.signal);
        sum(&self.signal) - background
    }

    /// r with which the two halves of the fit window hold these sums. A background that rises,
    /// or a half without counts, from which no r follows, makes it level: r = 0.
    fn exponent(&self, lower: f64, upper: f64) -> f64 {
        if !(lower > 0.0 && upper > 0.0) {
            return 0.0;
        }
        let wanted = libm::log(lower / upper);
        let mut exponent = 0.0;
        // The logarithm of the ratio rises with r and is nearly straight: Newton's steps double
        // their digits.
        for _ in 0..NEWTON {
            let [(first, by_first), (second, by_second)] =
                [0, 1].map(|half| self.powers(&self.halves[half], exponent));
            let excess = libm::log(first / second) - wanted;
            let slope = by_second / second - by_first / first;
            let next = (exponent - excess / slope).max(0.0);
            let settled = (next - exponent).abs() <= 1e-14 * exponent;
            if next.is_finite() {
                exponent = next;
            }
            if settled || !next.is_finite() {
                break;
            }
        }
        exponent
    }

    /// Σ (E/E₀)⁻ʳ over the channels, and Σ ln(E/E₀) (E/E₀)⁻ʳ, which is its derivative by -r.
    fn powers(&self, channels: &[usize], exponent: f64) -> (f64, f64) {
        let each = channels.iter().map(|&i| {
            let logarithm = self.logarithms[i];
            let power = libm::exp(-exponent * logarithm);
            (power, logarithm * power)
        });
        each.fold((0.0, 0.0), |sum, each| (sum.0 + each.0, sum.1 + each.1))
    }
}

/// More steps than the exponent ever takes to settle.
const NEWTON: usize = 50;

#[cfg(test)]
mod tests {
    use super::super::tests::{axis, parse};

    /// A power law, with an edge of 1000 counts from 532 eV on that falls off as one itself.
    fn spectrum(coordinates: &[f64], exponent: f64, edge: f64) -> Vec<f64> {
        let above = |energy: f64| (energy / 532.0).powf(-2.5);
        let whole: f64 = coordinates
            .iter()
            .filter(|&&e| (531.9..=582.1).contains(&e))
            .map(|&e| above(e))
            .sum();
        coordinates
            .iter()
            .map(|&energy| {
                let background = 1e4 * (energy / 400.0).powf(-exponent);
                let signal = if energy >= 531.9 {
                    edge * above(energy) / whole
                } else {
                    0.0
                };
                background + signal
            })
            .collect()
    }

    #[test]
    fn a_power_law_leaves_nothing_and_the_edge_stays() {
        let (axis, coordinates) = axis("Energy loss", "eV", (400.0, 0.5), 800);
        for exponent in [0.0, 0.3, 2.0, 3.7, 6.0, 25.0] {
            for text in [
                "eels:532..582",
                "eels:532..582,420..525",
                "eels:532..582,500..510",
            ] {
                for edge in [0.0, 1000.0] {
                    let spectrum = spectrum(&coordinates, exponent, edge);
                    let net = parse(text).reduce(&spectrum, &coordinates, &axis).unwrap();
                    assert!((net - edge).abs() < 1e-5, "{text}, r = {exponent}: {net}");
                }
            }
        }
    }

    /// An axis in keV holds the same edge.
    #[test]
    fn an_edge_is_counted_in_either_unit_and_direction() {
        let (axis, mut coordinates) = axis("Energy loss", "keV", (0.4, 0.0005), 800);
        let electronvolts: Vec<f64> = coordinates.iter().map(|e| e * 1e3).collect();
        let mut spectrum = spectrum(&electronvolts, 3.1, 1000.0);
        let scalarizer = parse("eels:0.5319..0.5821,0.45..0.52");
        let net = scalarizer.reduce(&spectrum, &coordinates, &axis).unwrap();
        assert!((net - 1000.0).abs() < 1e-5, "{net}");
        spectrum.reverse();
        coordinates.reverse();
        let falling = scalarizer.reduce(&spectrum, &coordinates, &axis).unwrap();
        assert!((falling - net).abs() < 1e-6);
    }

    /// Without counts in half of the fit window no exponent follows: the background is level,
    /// here 10 counts over 10 channels.
    #[test]
    fn an_empty_or_rising_background_is_taken_as_level() {
        let (axis, coordinates) = axis("Energy loss", "eV", (100.0, 1.0), 100);
        let scalarizer = parse("eels:150..159,120..129");
        for counts in [[2.0, 0.0], [0.0, 2.0], [0.5, 1.5]] {
            let mut spectrum = vec![0.0; 100];
            spectrum[20..25].fill(counts[0]);
            spectrum[25..30].fill(counts[1]);
            spectrum[50..60].fill(7.0);
            let net = scalarizer.reduce(&spectrum, &coordinates, &axis);
            assert_eq!(net, Ok(60.0));
        }
        assert_eq!(scalarizer.reduce(&[0.0; 100], &coordinates, &axis), Ok(0.0));
        let net = scalarizer.reduce(&[f64::NAN; 100], &coordinates, &axis);
        assert!(net.unwrap().is_nan());
    }

    #[test]
    fn what_an_edge_needs_is_named() {
        let message = |text: &str, units: &str| {
            let (axis, coordinates) = axis("Energy loss", units, (400.0, 1.0), 200);
            let reduced = parse(text).reduce(&[1.0; 200], &coordinates, &axis);
            reduced.unwrap_err().to_string()
        };
        assert_eq!(
            message("eels:460..500", "eV"),
            "`eels:460..500` needs 391..446.2 eV for its background, which is fitted there; axis \
             `Energy loss` runs over 400..599 eV"
        );
        assert_eq!(
            message("eels:560..700,450..550", "eV"),
            "`eels:560..700,450..550` needs 560..700 eV; axis `Energy loss` runs over 400..599 eV"
        );
        assert_eq!(
            message("eels:560..570,550..552", "eV"),
            "`eels:560..570,550..552` needs at least 4 channels in the fit window; the axis has 3"
        );
        assert!(message("eels:560..570", "V").contains("needs an energy axis in keV or eV"));
    }
}
