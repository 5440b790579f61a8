//! Spectra, or hysteresis loops, measured at chosen points.

mod loops;

use super::markers::Marker;
use crate::plot::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, even, fitted, text_width, whole};
use crate::plot::legend::{Entry, Legend};
use crate::plot::line::{draw_line, spread_out};
use crate::plot::palette::{ColourMap, INK};
use crate::plot::plane::{FOOT, Plane, Scale, extent};
use crate::plot::{Figure, FigureError, Stroke};
use plotters::style::RGBColor;

/// One spectrum.
#[derive(Clone, Copy, Debug)]
pub struct Spectrum<'a> {
    /// Where it was measured, such as `step 12: row 30, column 7`.
    pub label: &'a str,
    /// One value a channel.
    pub values: &'a [f64],
}

/// How several spectra share the figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Above each other, each on its own scale: for counts of very different height.
    #[default]
    Stacked,
    /// Over each other on one scale.
    Overlaid,
    /// Beside each other on one scale, the last channel joined to the first, with the direction of the
    /// sweep: for loops.
    Loops,
}

impl Arrangement {
    /// Of spectra along these coordinates: those of a sweep turn back.
    pub fn along(coordinates: &[f64]) -> Self {
        if coordinates.is_sorted() || coordinates.is_sorted_by(|a, b| a >= b) {
            Self::Stacked
        } else {
            Self::Loops
        }
    }
}

/// A part of the axis that is shaded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shade {
    /// Where it begins, in units of the axis.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Whether a background is measured there, and not what is sought.
    pub background: bool,
}

/// Spectra over one axis, with named lines.
#[derive(Clone, Copy, Debug)]
pub struct SpectraFigure<'a> {
    /// What the axis is called, such as `energy` or `bias`.
    pub axis: &'a str,
    /// Units of the axis.
    pub axis_units: &'a str,
    /// Value of every channel on the axis, in any order.
    pub coordinates: &'a [f64],
    /// What the values are, such as `X-rays`.
    pub quantity: &'a str,
    /// Units of the values; empty for none.
    pub units: &'a str,
    /// Top to bottom; about six can be told apart.
    pub spectra: &'a [Spectrum<'a>],
    /// Named places, the most important first: those there is no room for are left out.
    pub markers: &'a [Marker],
    /// Parts of the axis that are shaded behind the spectra.
    pub shades: &'a [Shade],
    /// The part of the axis to be shown; `None` for all of it.
    pub range: Option<(f64, f64)>,
    /// How the spectra share the figure.
    pub arrangement: Arrangement,
    /// Whether the figure is for a narrow page.
    pub narrow: bool,
}

const WIDTH: i32 = 2000;
const NARROW: i32 = 1080;
const BAND: i32 = 240;
const BAND_TICKS: usize = 3;
const WHOLE: i32 = 1000;
const TOP: i32 = 20;
/// Between bands, and above the first.
const AIR: i32 = 30;
const RIGHT: i32 = 60;
/// From the top of a band to the foot of its label.
const LABEL: i32 = 50;
/// From a label to the first band: where a line slants from the label to its place.
const LEADER: i32 = 50;
const MARK: RGBColor = RGBColor(150, 150, 150);
/// What is sought, and its background: told apart in grey.
const SOUGHT: RGBColor = RGBColor(255, 214, 140);
const BACKGROUND: RGBColor = RGBColor(226, 232, 240);

impl SpectraFigure<'_> {
    fn x(&self) -> Scale {
        let (low, high) = self
            .range
            .unwrap_or_else(|| extent(self.coordinates.iter().copied()));
        if self.arrangement == Arrangement::Loops {
            // A loop turns back at its ends; the axis would hide that.
            Self::around_loop((low, high))
        } else {
            Scale::linear(low, high)
        }
    }

    /// Values of a spectrum that are in sight.
    fn seen<'s>(&'s self, spectrum: &'s Spectrum<'_>) -> impl Iterator<Item = f64> + 's {
        let Scale { low, high, .. } = self.x();
        self.coordinates
            .iter()
            .zip(spectrum.values)
            .filter(move |(x, _)| (low..=high).contains(*x))
            .map(|(_, value)| *value)
    }

    fn y(&self, spectra: &[Spectrum<'_>]) -> Scale {
        let seen = || spectra.iter().flat_map(|spectrum| self.seen(spectrum));
        if self.arrangement == Arrangement::Loops || seen().any(|value| value < 0.0) {
            Scale::around(seen())
        } else {
            Scale::from_zero(seen())
        }
    }

    fn scales(&self) -> Vec<Scale> {
        match self.arrangement {
            Arrangement::Stacked => self
                .spectra
                .chunks(1)
                .enumerate()
                .map(|(number, spectrum)| self.below_label(number, self.y(spectrum)))
                .collect(),
            Arrangement::Overlaid | Arrangement::Loops => vec![self.y(self.spectra)],
        }
    }

    /// The scale of a band, with room above the spectrum where its label would hide a part of it.
    fn below_label(&self, number: usize, y: Scale) -> Scale {
        let plane = Plane {
            left: 0,
            top: 0,
            width: self.width(),
            height: BAND,
            x: self.x(),
            y,
        };
        if self.place_of_label(&plane, number).is_some() {
            return y;
        }
        let below = f64::from(BAND - LABEL) / f64::from(BAND);
        Scale::linear(y.low, y.low + (y.high - y.low) / below)
    }

    fn room(&self) -> i32 {
        self.scales().iter().map(Plane::room).max().unwrap_or(100)
    }

    fn width(&self) -> i32 {
        if self.narrow { NARROW } else { WIDTH }
    }

    fn legend(&self) -> Legend {
        let spectra = match self.arrangement {
            Arrangement::Stacked | Arrangement::Loops => &[],
            Arrangement::Overlaid => self.spectra,
        };
        let entries = spectra.iter().enumerate().map(|(i, spectrum)| Entry {
            label: fitted(spectrum.label, TEXT, self.width() - 200),
            colour: colour(i, self.spectra.len()),
            stroke: Stroke::Solid,
        });
        Legend::new(entries, self.width())
    }

    /// Markers in sight with the middles of their labels along the axis, ascending.
    fn labels(&self, left: i32) -> Vec<(i32, i32, &str)> {
        let gap = SMALL as i32 + 6;
        let scale = self.x();
        let most = (self.width() / gap) as usize;
        let mut wanted: Vec<(i32, &str)> = self
            .markers
            .iter()
            .filter(|marker| (scale.low..=scale.high).contains(&marker.position))
            .take(most)
            .map(|marker| {
                let x = scale.share(marker.position) * f64::from(self.width());
                (left + x.round() as i32, marker.text.as_str())
            })
            .collect();
        wanted.sort_by_key(|(x, _)| *x);
        let places: Vec<i32> = wanted.iter().map(|(x, _)| *x).collect();
        let spread = spread_out(&places, gap, (left, left + self.width()));
        wanted
            .into_iter()
            .zip(spread)
            .map(|((x, text), place)| (x, place, text))
            .collect()
    }

    /// Height of the labels above the first band.
    fn head(&self) -> i32 {
        let labels = self.labels(0);
        let widest = labels.iter().map(|(_, _, text)| text_width(text, SMALL));
        widest
            .max()
            .map_or(0, |width| width * 11 / 10 + LEADER + 20)
    }

    fn heights(&self) -> (i32, i32) {
        match self.arrangement {
            Arrangement::Stacked => (BAND, whole(self.spectra.len().max(1))),
            Arrangement::Overlaid | Arrangement::Loops => (WHOLE, 1),
        }
    }

    fn top(&self) -> i32 {
        TOP + self.legend().height() + self.head() + AIR
    }

    fn draw_markers(
        &self,
        canvas: &Canvas<'_>,
        left: i32,
        (top, bottom): (i32, i32),
    ) -> DrawResult {
        for (x, place, text) in self.labels(left) {
            let half = text_width(text, SMALL) * 11 / 20;
            let foot = top - LEADER - AIR / 2;
            canvas.text_upwards(text, (place, foot - half), SMALL)?;
            canvas.line((place, foot + 8), (x, top), MARK, 2)?;
            canvas.line((x, top), (x, bottom), MARK, 2)?;
        }
        Ok(())
    }

    /// The parts of the axis that are shaded, the narrowest no thinner than a line.
    fn draw_shades(&self, canvas: &Canvas<'_>, plane: &Plane) -> DrawResult {
        let share = |x: f64| plane.x.share(x).clamp(0.0, 1.0);
        let at = |x: f64| plane.left + (share(x) * f64::from(plane.width)).round() as i32;
        // What is sought lies over its background.
        for background in [true, false] {
            let shades = self
                .shades
                .iter()
                .filter(|shade| shade.background == background);
            for shade in shades.filter(|shade| shade.high > plane.x.low && shade.low < plane.x.high)
            {
                let (from, to) = (at(shade.low), at(shade.high));
                let colour = if background { BACKGROUND } else { SOUGHT };
                let corners = ((from, plane.top), (to.max(from + 2), plane.bottom()));
                canvas.fill_rectangle(corners.0, corners.1, colour)?;
            }
        }
        Ok(())
    }

    /// A spectrum on the canvas, as far as it is in sight.
    fn points(&self, plane: &Plane, number: usize) -> Vec<(f64, f64)> {
        let sight = plane.x.low..=plane.x.high;
        self.coordinates
            .iter()
            .zip(self.spectra[number].values)
            .filter(|(x, _)| sight.contains(*x))
            .map(|(x, value)| plane.at(*x, *value))
            .collect()
    }

    fn draw_spectrum(&self, canvas: &Canvas<'_>, plane: &Plane, number: usize) -> DrawResult {
        let points = self.points(plane, number);
        draw_line(
            canvas,
            &points,
            colour(number, self.spectra.len()),
            Stroke::Solid,
        )
    }
}

/// Colours told apart in grey, without the yellow that is too pale for a line on white.
fn colour(number: usize, of: usize) -> RGBColor {
    ColourMap::Viridis.colour(0.85 * number as f64 / of.saturating_sub(1).max(1) as f64)
}

impl Figure for SpectraFigure<'_> {
    fn size(&self) -> (u32, u32) {
        if self.arrangement == Arrangement::Loops {
            return self.size_of_loops();
        }
        let (height, bands) = self.heights();
        even(
            self.room() + self.width() + RIGHT,
            self.top() + bands * (height + AIR) - AIR + FOOT,
        )
    }

    fn check(&self) -> Result<(), FigureError> {
        let differs = |spectrum: &&Spectrum<'_>| spectrum.values.len() != self.coordinates.len();
        match self.spectra.iter().find(differs) {
            Some(spectrum) => Err(FigureError::Size {
                what: format!("spectrum of {}", spectrum.label),
                expected: self.coordinates.len(),
                found: spectrum.values.len(),
            }),
            None => Ok(()),
        }
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        if self.narrow {
            return Vec::new();
        }
        let narrow = Self {
            narrow: true,
            ..*self
        };
        vec![Box::new(narrow)]
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        if self.arrangement == Arrangement::Loops {
            return self.draw_loops(canvas);
        }
        let (left, top) = (self.room(), self.top());
        self.legend().draw(canvas, (left, TOP))?;
        let (height, bands) = self.heights();
        let bottom = top + bands * (height + AIR) - AIR;
        let planes = self.scales().into_iter().enumerate();
        let planes = planes.map(|(band, y)| {
            let plane = Plane {
                left,
                top: top + whole(band) * (height + AIR),
                width: self.width(),
                height,
                x: self.x(),
                y,
            };
            (band, plane)
        });
        let planes: Vec<(usize, Plane)> = planes.collect();
        for (_, plane) in &planes {
            self.draw_shades(canvas, plane)?;
        }
        self.draw_markers(canvas, left, (top, bottom))?;
        for (band, plane) in planes {
            let last = whole(band) + 1 == bands;
            if self.arrangement == Arrangement::Stacked {
                plane.draw_numbers(canvas, BAND_TICKS)?;
                self.draw_spectrum(canvas, &plane, band)?;
                self.draw_label(canvas, &plane, band)?;
            } else {
                plane.draw_y_axis(canvas, (self.quantity, self.units))?;
                for number in 0..self.spectra.len() {
                    self.draw_spectrum(canvas, &plane, number)?;
                }
            }
            if last {
                plane.draw_x_axis(canvas, (self.axis, self.axis_units))?;
            } else {
                canvas.line(
                    (left, plane.bottom()),
                    (plane.right(), plane.bottom()),
                    INK,
                    2,
                )?;
            }
        }
        if self.arrangement == Arrangement::Stacked {
            let caption = match self.units {
                "" => self.quantity.to_owned(),
                units => format!("{} ({units})", self.quantity),
            };
            canvas.caption_upwards(&caption, (46, top + (bottom - top) / 2), bottom - top + 60)?;
        }
        Ok(())
    }
}

impl SpectraFigure<'_> {
    /// Where the spectrum of a band was measured, at the right end of the band, or the left or
    /// the middle where the spectrum reaches into it there, on white; with the power of ten that
    /// the numbers of the band leave out.
    fn draw_label(&self, canvas: &Canvas<'_>, plane: &Plane, number: usize) -> DrawResult {
        let (label, width) = self.label(plane, number);
        let y = plane.top + 26;
        let found = self.place_of_label(plane, number);
        let right = found.unwrap_or(plane.right() - 12);
        let white = RGBColor(255, 255, 255);
        canvas.fill_rectangle((right - width - 60, y - 24), (right + 8, y + 24), white)?;
        let colour = colour(number, self.spectra.len());
        let (from, to) = ((right - width - 48, y), (right - width - 16, y));
        canvas.path(vec![from, to], colour, 12)?;
        canvas.text(&label, (right - width, y), Hang::Left, SMALL, INK)
    }

    /// The label of a band with its width.
    fn label(&self, plane: &Plane, number: usize) -> (String, i32) {
        let ticks = plane.y.ticks(BAND_TICKS);
        let label = ticks.caption(self.spectra[number].label, "");
        let label = fitted(&label, SMALL, self.width() / 2);
        let width = text_width(&label, SMALL) * 11 / 10;
        (label, width)
    }

    /// Where the label of a band ends, the spectrum being below all of it; `None` where it is nowhere.
    fn place_of_label(&self, plane: &Plane, number: usize) -> Option<i32> {
        let (_, width) = self.label(plane, number);
        let points = self.points(plane, number);
        let is_free = |right: &i32| {
            let over = f64::from(right - width - 60)..=f64::from(right + 8);
            let mut within = points.iter().filter(|(x, _)| over.contains(x));
            within.all(|(_, height)| *height > f64::from(plane.top + LABEL))
        };
        let (first, last) = (plane.left + width + 72, plane.right() - 12);
        let places = [last, first, i32::midpoint(first, last)];
        places.into_iter().find(is_free)
    }
}

#[cfg(test)]
mod tests;
