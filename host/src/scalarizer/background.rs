//! What lies under a window, and where it is measured.

use std::fmt;

use super::ruler::Ruler;
use super::window::{Net, Window};
use super::{ScalarizerError, Windows};

/// The background that is subtracted from a window or from lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// `@none`: nothing is subtracted.
    None,
    /// `@linear`: a straight line through the ends of the window itself, each the mean of its
    /// outermost tenth; where windows overlap, of the outermost tenths of the outermost two.
    Linear,
    /// `@two-window`: a straight line through the means of two windows beside it.
    TwoWindow,
}

impl Background {
    /// Every background.
    pub const ALL: [Self; 3] = [Self::None, Self::Linear, Self::TwoWindow];

    /// The name users type and read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Linear => "linear",
            Self::TwoWindow => "two-window",
        }
    }

    /// The background of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A range of coordinates to be summed, with the ranges beside it that show its background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SignalRange {
    pub(super) signal: (f64, f64),
    /// Where the lower end of the signal ends, and where the upper one begins.
    pub(super) ends: (f64, f64),
    pub(super) below: (f64, f64),
    pub(super) above: (f64, f64),
}

impl SignalRange {
    /// A range as somebody gives it. Side windows have the proportions of those of a line: half
    /// as wide as the window, a quarter of its width away.
    pub(super) fn beside((low, high): (f64, f64)) -> Self {
        let width = high - low;
        Self {
            signal: (low, high),
            ends: (low + 0.1 * width, high - 0.1 * width),
            below: (low - 0.75 * width, low - 0.25 * width),
            above: (high + 0.25 * width, high + 0.75 * width),
        }
    }

    /// What has to lie on the axis.
    pub(super) fn needed(&self, background: Background) -> (f64, f64) {
        match background {
            Background::None | Background::Linear => self.signal,
            Background::TwoWindow => (self.below.0, self.above.1),
        }
    }

    /// Takes in what begins no lower and overlaps.
    fn swallow(&mut self, other: &Self) {
        if other.signal.1 > self.signal.1 {
            self.signal.1 = other.signal.1;
            self.ends.1 = other.ends.1;
            self.above = other.above;
        }
    }

    /// Whether a side window of either reaches into the signal of the other.
    fn crowds(&self, next: &Self) -> bool {
        self.above.1 >= next.signal.0 || next.below.0 <= self.signal.1
    }
}

/// The union of signal ranges, every channel counted once, each above the background chosen.
///
/// Signal ranges that overlap are one. With side windows, those that stand so close that a side
/// window of one would lie in another share a background: a straight line from below the lowest
/// to above the highest of them. So no side window lies in the union.
///
/// # Errors
/// When a window holds no channel, or too few.
pub(super) fn union(
    signal_ranges: Vec<SignalRange>,
    background: Background,
    ruler: &Ruler<'_>,
) -> Result<Vec<Net>, ScalarizerError> {
    let apart = apart(signal_ranges);
    groups(&apart, background)
        .map(|group| {
            let ranges: Vec<_> = group
                .iter()
                .map(|signal_range| signal_range.signal)
                .collect();
            let signal = Window::union(&ranges, ruler)?;
            match background {
                Background::None => Ok(Net::whole(signal, ruler)),
                Background::Linear => Net::above_its_ends(signal, group[0].ends, ruler),
                Background::TwoWindow => {
                    let window = |range| Window::union(&[range], ruler);
                    let below = window(group[0].below)?;
                    let above = window(group[group.len() - 1].above)?;
                    Ok(Net::above(signal, (below, above), ruler))
                }
            }
        })
        .collect()
}

/// Signal ranges of which none overlaps another, ascending.
fn apart(mut signal_ranges: Vec<SignalRange>) -> Vec<SignalRange> {
    signal_ranges.sort_by(|a, b| a.signal.0.total_cmp(&b.signal.0));
    let mut apart: Vec<SignalRange> = Vec::new();
    for signal_range in signal_ranges {
        match apart.last_mut() {
            Some(last) if signal_range.signal.0 <= last.signal.1 => last.swallow(&signal_range),
            _ => apart.push(signal_range),
        }
    }
    apart
}

/// Those of them that share a background.
fn groups(apart: &[SignalRange], background: Background) -> impl Iterator<Item = &[SignalRange]> {
    apart.chunk_by(move |a, b| background == Background::TwoWindow && a.crowds(b))
}

/// Where the union of signal ranges is summed, and where its background is measured.
pub(super) fn windows(signal_ranges: Vec<SignalRange>, background: Background) -> Windows {
    let apart = apart(signal_ranges);
    let mut windows = Windows::default();
    for group in groups(&apart, background) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        windows
            .signal
            .extend(group.iter().map(|signal_range| signal_range.signal));
        match background {
            Background::None => {}
            Background::Linear => {
                let (lower, upper) = first.ends;
                let within = [(first.signal.0, lower), (upper, first.signal.1)];
                windows.background.extend(within);
            }
            Background::TwoWindow => windows.background.extend([first.below, last.above]),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::super::line_set::fwhm_kev;
    use super::super::tests::{axis, close, parse};
    use crate::data::Axis;
    use crate::lines;

    /// 10 eV channels up to 20.47 keV, as EDS detectors have them.
    fn energies() -> (Axis, Vec<f64>) {
        axis("Energy", "keV", (0.0, 0.01), 2048)
    }

    fn reduce(text: &str, spectrum: &[f64]) -> f64 {
        let (axis, coordinates) = energies();
        parse(text).reduce(spectrum, &coordinates, &axis).unwrap()
    }

    /// Counts 1 in every channel: the sum is the number of channels that count.
    #[test]
    fn channels_of_overlapping_lines_count_once() {
        let ones = vec![1.0; 2048];
        let (_, coordinates) = energies();
        let within = |names: &[&str]| {
            let holds = |&&energy: &&f64| {
                names.iter().any(|name| {
                    let line = lines::line(name).unwrap();
                    let fwhm = fwhm_kev(line.energy_kev);
                    (line.energy_kev - fwhm..=line.energy_kev + fwhm).contains(&energy)
                })
            };
            coordinates.iter().filter(holds).count() as f64
        };
        for (text, names) in [
            ("line:Pd-La@none", &["Pd-La"][..]),
            ("line:Pd-La+Pd-Lb1@none", &["Pd-La", "Pd-Lb1"]),
            ("line:Pd-La+Pd-Ll@none", &["Pd-La", "Pd-Ll"]),
            // Pd Ll is weaker than 5 % and Pd K lies beyond the axis.
            ("lines:Pd@none", &["Pd-La", "Pd-Lb1", "Pd-Lb2", "Pd-Lg1"]),
            (
                "lines:Cu@none",
                &["Cu-Ka", "Cu-Kb", "Cu-La", "Cu-Lb1", "Cu-Ll"],
            ),
        ] {
            assert_eq!(reduce(text, &ones), within(names), "{text}");
        }
        let apart = within(&["Pd-La"]) + within(&["Pd-Lb1"]);
        assert!(within(&["Pd-La", "Pd-Lb1"]) < apart, "they overlap");
    }

    #[test]
    fn straight_backgrounds_vanish_and_a_peak_in_the_middle_stays() {
        let (_, coordinates) = energies();
        let mut spectrum: Vec<f64> = coordinates.iter().map(|e| 500.0 - 20.0 * e).collect();
        for text in [
            "line:Pd-La",
            "line:Pd-La@linear",
            "line:Pd-La+Pd-Lb1+Pd-Ll",
            "lines:Pd",
            "lines:Pd@linear",
            "lines:Cu",
            "window:2.7..3@linear",
            "window:2.7..3@two-window",
        ] {
            assert!(reduce(text, &spectrum).abs() < 1e-7, "{text}");
        }
        // 2.84 keV: in the middle of Pd Lα.
        spectrum[284] += 1000.0;
        for text in [
            "line:Pd-La",
            "line:Pd-La@linear",
            "line:Pd-La+Pd-Lb1",
            "lines:Pd",
            "window:2.7..3@linear",
            "window:2.7..3@two-window",
        ] {
            assert!((reduce(text, &spectrum) - 1000.0).abs() < 1e-7, "{text}");
        }
        assert!(reduce("line:Pd-La@none", &spectrum) > 1000.0);
    }

    /// Pd Ll at 2.503 keV and Pd Lα at 2.839 stand apart, but the side window of Lβ₁ alone would
    /// lie in Lβ₂: a peak in any line must raise the sum, and lower none of it.
    #[test]
    fn no_line_of_a_union_counts_as_background_of_another() {
        let (_, coordinates) = energies();
        for text in [
            "lines:Pd",
            "line:Pd-La+Pd-Lb2",
            "line:Pd-Ll+Pd-La+Pd-Lb1",
            "lines:Ti",
        ] {
            let Ok(scalarizer) = text.parse::<super::super::Scalarizer>() else {
                panic!("{text}");
            };
            let signal = {
                let none = format!("{text}@none");
                move |spectrum: &[f64]| reduce(&none, spectrum)
            };
            for channel in 0..coordinates.len() {
                let mut spectrum = vec![0.0; coordinates.len()];
                spectrum[channel] = 1.0;
                if signal(&spectrum) > 0.0 {
                    let net = reduce(&scalarizer.to_string(), &spectrum);
                    close(net, 1.0);
                }
            }
        }
    }

    /// Side windows half as wide as the window, a quarter of its width away.
    #[test]
    fn a_window_is_reduced_above_the_windows_beside_it() {
        let mut spectrum = vec![0.0; 2048];
        // 4..8 keV: 401 channels; 1..3 and 9..11 keV beside it.
        spectrum[500] = 1000.0;
        assert_eq!(reduce("window:4..8@two-window", &spectrum), 1000.0);
        for beside in [100, 300, 900, 1100] {
            let mut spectrum = spectrum.clone();
            spectrum[beside] = 201.0;
            // Half a count a channel, because the centres of both sides are equally far.
            close(reduce("window:4..8@two-window", &spectrum), 1000.0 - 200.5);
        }
        for clear in [99, 301, 399, 801, 899, 1101] {
            let mut spectrum = spectrum.clone();
            spectrum[clear] = 201.0;
            assert_eq!(
                reduce("window:4..8@two-window", &spectrum),
                1000.0,
                "{clear}"
            );
        }
        let (axis, coordinates) = energies();
        let error = parse("window:0.1..0.5@two-window").reduce(&spectrum, &coordinates, &axis);
        assert_eq!(
            error.unwrap_err().to_string(),
            "`window:0.1..0.5@two-window` needs -0.2..0.8 keV; axis `Energy` runs over 0..20.47 keV"
        );
    }

    /// The first and the last of 20 channels, two each: their mean is the background.
    #[test]
    fn a_line_through_the_ends_uses_their_outermost_tenths() {
        let (axis, coordinates) = axis("Energy", "eV", (0.0, 1.0), 20);
        let mut spectrum = vec![0.0; 20];
        for (channel, counts) in [(0, 4.0), (1, 2.0), (10, 100.0), (18, 6.0), (19, 8.0)] {
            spectrum[channel] = counts;
        }
        let net = parse("window:0..19@linear").reduce(&spectrum, &coordinates, &axis);
        assert_eq!(net, Ok(120.0 - 20.0 * 5.0));
        let error = parse("window:3..4@linear").reduce(&spectrum, &coordinates, &axis);
        assert_eq!(
            error.unwrap_err().to_string(),
            "`window:3..4@linear` needs at least 3 channels for a line through the ends of the \
             window; the axis has 2"
        );
    }

    /// On an axis of unequal steps the background is straight in the energy.
    #[test]
    fn a_background_is_straight_in_the_coordinates() {
        let (axis, _) = axis("Energy", "keV", (0.0, 0.01), 400);
        let coordinates: Vec<f64> = (0..400).map(|i| 2.0 + 2.5e-5 * f64::from(i * i)).collect();
        let spectrum: Vec<f64> = coordinates.iter().map(|e| 90.0 - 11.0 * e).collect();
        for text in ["window:2.7..3@two-window", "line:Pd-La"] {
            let net = parse(text).reduce(&spectrum, &coordinates, &axis).unwrap();
            assert!(net.abs() < 1e-9, "{text}: {net}");
            assert_eq!(parse(text).on_controller(&coordinates, &axis), None);
        }
        assert!(
            parse("window:2.7..3")
                .on_controller(&coordinates, &axis)
                .is_some()
        );
    }

    /// The kernel's own reduction of the same counts.
    #[test]
    fn the_controllers_form_gives_the_same_bits() {
        let (axis, coordinates) = energies();
        let counts: Vec<f32> = (0..2048_u32)
            .map(|n| (n * 7919 % 263) as f32 * 0.37)
            .collect();
        let spectrum: Vec<f64> = counts.iter().map(|&count| f64::from(count)).collect();
        for text in [
            "sum",
            "window:2.7..3",
            "window:2.7..3@linear",
            "window:2.7..3@two-window",
            "line:Pd-La",
            "line:Pd-La@none",
            "line:Pd-La@linear",
            "line:Pd-La+Pd-Lb1",
            "line:Cu-Ka",
            "lines:Pd",
        ] {
            let kernel = parse(text).on_controller(&coordinates, &axis).unwrap();
            assert_eq!(
                kernel.response(&counts).to_bits(),
                reduce(text, &spectrum).to_bits(),
                "{text}"
            );
        }
        for text in [
            "line:Pd-La+Cu-Ka",
            "lines:Cu",
            "eels:5..6",
            "plasmon-energy:2..3",
            "loop-area",
        ] {
            assert_eq!(
                parse(text).on_controller(&coordinates, &axis),
                None,
                "{text}"
            );
        }
    }
}
