//! What answers mean, and whether they can be meant.

use std::time::Duration;

use super::message::{BeamState, ChannelAxis, Overview, Pixel, Spectrum};
use crate::data::{Axis, Channels, Map};
use crate::microscope::{Acquired, Beam, MicroscopeError};
use crate::units::{Picoamperes, Seconds};

/// Names of the calls whose answers hold something.
pub(super) const HELLO: &str = "hello";
pub(super) const OVERVIEW: &str = "overview";
const ACQUIRE: &str = "acquire";

/// Most channels of a spectrum; pulse processors have 4096.
const MOST_CHANNELS: usize = 1 << 20;
/// No exposure lasts longer, dead time included.
const LONGEST_TIME: Duration = Duration::from_secs(1_000_000);

/// A time that is one.
pub(super) fn seconds(call: &str, name: &str, value: f64) -> Result<Duration, MicroscopeError> {
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|&time| time <= LONGEST_TIME)
        .ok_or_else(|| {
            MicroscopeError::answer(call, format!("{name} of {value}"), "a time in seconds")
        })
}

pub(super) fn channels(axis: ChannelAxis) -> Result<Channels, MicroscopeError> {
    let missing = |what: &str, option: &str| MicroscopeError::Uncalibrated {
        what: format!("{what} of its channels"),
        expected: format!("it in the metadata of a spectrum, or from {option} of its bridge"),
    };
    let offset = axis.offset.ok_or_else(|| missing("offset", "--offset"))?;
    let scale = axis
        .scale
        .ok_or_else(|| missing("dispersion", "--dispersion"))?;
    if axis.units.is_empty() {
        return Err(MicroscopeError::Uncalibrated {
            what: "units of its channels".to_owned(),
            expected: "units such as keV".to_owned(),
        });
    }
    if !(1..=MOST_CHANNELS).contains(&axis.size) {
        let found = format!("spectra of {} channels", axis.size);
        return Err(MicroscopeError::answer(HELLO, found, "1 to 1048576"));
    }
    if scale == 0.0 {
        let found = format!("channels of 0 {}", axis.units);
        return Err(MicroscopeError::answer(
            HELLO,
            found,
            "a width that is not zero",
        ));
    }
    let along = Axis {
        name: axis.name,
        units: axis.units,
        offset,
        scale,
        size: axis.size,
    };
    Ok(Channels::along(along, &axis.quantity, &axis.values))
}

pub(super) fn beam(call: &str, state: &BeamState) -> Result<Beam, MicroscopeError> {
    let refused = |name: &str, value: f64| {
        let found = format!("{name} of {value}");
        MicroscopeError::answer(call, found, "a number above 0, or null")
    };
    let current = state
        .current_pa
        .map(|value| Picoamperes::new(value).map_err(|_| refused("current_pa", value)));
    let dwell = state.overview_dwell_seconds.map(|value| {
        let dwell = Seconds::new(value)
            .ok()
            .filter(|dwell| *dwell > Seconds::ZERO);
        dwell.ok_or_else(|| refused("overview_dwell_seconds", value))
    });
    Ok(Beam {
        current: current.transpose()?,
        overview_dwell: dwell.transpose()?,
    })
}

pub(super) fn image(overview: Overview) -> Result<Map, MicroscopeError> {
    let Overview {
        height,
        width,
        values,
        pixel,
        ..
    } = overview;
    if values.is_empty() || height.checked_mul(width) != Some(values.len()) {
        let found = format!("{} values of {height} × {width} pixels", values.len());
        return Err(MicroscopeError::answer(
            OVERVIEW,
            found,
            "a value for every pixel, and pixels",
        ));
    }
    let mut map = Map::uncalibrated(height, width, values, &overview.quantity);
    map.units = overview.units;
    if let Some(Pixel {
        height,
        width,
        units,
    }) = pixel
    {
        if !(height > 0.0 && width > 0.0) || units.is_empty() {
            let found = format!("pixels of {height} × {width} {units:?}");
            return Err(MicroscopeError::answer(
                OVERVIEW,
                found,
                "sizes above 0 with their units, or null",
            ));
        }
        map.rows = Axis {
            units: units.clone(),
            scale: height,
            ..map.rows
        };
        map.columns = Axis {
            units,
            scale: width,
            ..map.columns
        };
    }
    Ok(map)
}

/// Splits the detectors and sums them, in their order.
pub(super) fn acquired(
    spectrum: Spectrum,
    key: &str,
    size: usize,
) -> Result<Acquired, MicroscopeError> {
    let Spectrum {
        detectors, values, ..
    } = spectrum;
    if spectrum.key != key {
        let found = format!("the spectrum of key {:?}", spectrum.key);
        return Err(MicroscopeError::answer(
            ACQUIRE,
            found,
            format!("that of {key:?}"),
        ));
    }
    if detectors == 0 || detectors.checked_mul(size) != Some(values.len()) {
        let found = format!("{} values of {detectors} detectors", values.len());
        let expected = format!("{size} values of each detector, and detectors");
        return Err(MicroscopeError::answer(ACQUIRE, found, expected));
    }
    let real = seconds(ACQUIRE, "real_seconds", spectrum.real_seconds)?;
    let live = seconds(ACQUIRE, "live_seconds", spectrum.live_seconds)?;
    let mut sum = vec![0.0; size];
    for part in values.chunks_exact(size) {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    Ok(Acquired {
        spectrum: sum,
        detectors: values
            .chunks_exact(size)
            .map(|part| part.iter().sum())
            .collect(),
        live_time: live.into(),
        real_time: Seconds::from(real) * (1.0 + f64::from(spectrum.interrupted)),
    })
}
