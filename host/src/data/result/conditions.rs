//! Beam and times as `HyperSpy` and its extension eXSpy keep them.

use rust_hdf5::H5Group;

use crate::data::Channels;
use crate::data::files::Conditions;

/// Highest energy of the beam of a scanning electron microscope that takes no transmitted electrons, in keV.
const MOST_OF_SEM: f64 = 50.0;

/// The kind of signal that `HyperSpy` and eXSpy know.
pub(super) fn signal_type(channels: &Channels, conditions: &Conditions) -> &'static str {
    match (energy_units(channels), column(conditions)) {
        (Some("keV"), "SEM") => "EDS_SEM",
        (Some("keV"), _) => "EDS_TEM",
        (Some(_), _) => "EELS",
        (None, _) => "",
    }
}

/// The axis in the units that `HyperSpy` and eXSpy take those of such spectra for.
pub(super) fn in_its_units(channels: &Channels) -> Channels {
    let mut channels = channels.clone();
    let per_unit = match (energy_units(&channels), channels.axis.units.as_str()) {
        (Some("keV"), "eV") => 1e-3,
        (Some("eV"), "keV") => 1e3,
        _ => return channels,
    };
    let energy_units = if per_unit < 1.0 { "keV" } else { "eV" };
    energy_units.clone_into(&mut channels.axis.units);
    channels.axis.offset *= per_unit;
    channels.axis.scale *= per_unit;
    for coordinate in &mut channels.coordinates {
        *coordinate *= per_unit;
    }
    channels
}

/// Units of energies of X-rays, keV, or of losses of electrons, eV: by what is recorded, and where that does
/// not say which by the units alone.
fn energy_units(channels: &Channels) -> Option<&'static str> {
    let quantity = channels.quantity.to_lowercase();
    let of_x_rays = ["x-ray", "xray", "eds", "edx"]
        .iter()
        .any(|&word| quantity.starts_with(word));
    match channels.axis.units.as_str() {
        "keV" | "eV" if channels.is_energy_loss() => Some("eV"),
        "keV" => Some("keV"),
        "eV" if of_x_rays || !channels.elements.is_empty() => Some("keV"),
        "eV" => Some("eV"),
        _ => None,
    }
}

/// `HyperSpy`'s word for the instrument.
fn column(conditions: &Conditions) -> &'static str {
    match conditions.beam_energy {
        Some(energy) if energy <= MOST_OF_SEM => "SEM",
        _ => "TEM",
    }
}

/// Writes what is known into the metadata of a signal of this kind.
pub(super) fn write(
    signal: &H5Group,
    conditions: &Conditions,
    signal_type: &str,
) -> rust_hdf5::Result<()> {
    let beam = conditions.beam_energy.or(conditions.beam_current);
    if beam.is_none() && signal_type.is_empty() {
        // No microscope that HyperSpy has a word for.
        return Ok(());
    }
    let metadata = signal.group("metadata")?;
    let instrument = metadata.create_group("Acquisition_instrument")?;
    let instrument = instrument.create_group(column(conditions))?;
    let put = |group: &H5Group, name: &str, value: Option<f64>| match value {
        Some(value) => group.set_attr_numeric(name, &value),
        None => Ok(()),
    };
    put(&instrument, "beam_energy", conditions.beam_energy)?;
    // In nA there.
    let nanoamperes = conditions.beam_current.map(|current| current / 1e3);
    put(&instrument, "beam_current", nanoamperes)?;
    put(&instrument, "dwell_time", conditions.dwell)?;
    if signal_type.starts_with("EDS") {
        let detector = instrument.create_group("Detector")?.create_group("EDS")?;
        put(&detector, "live_time", conditions.live_time)?;
        put(&detector, "real_time", conditions.dwell)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Axis;

    #[test]
    fn x_rays_are_told_in_kev_and_losses_in_ev_whatever_their_axis_is_in() {
        for (name, units, quantity, element, expected) in [
            ("Energy", "eV", "X-rays", None, ("EDS_TEM", "keV", 0.01)),
            ("Energy", "eV", "spec", Some("Fe"), ("EDS_TEM", "keV", 0.01)),
            ("Energy", "keV", "spec", None, ("EDS_TEM", "keV", 10.0)),
            ("Energy loss", "keV", "Counts", None, ("EELS", "eV", 1e4)),
            (
                "Energy loss",
                "eV",
                "Counts",
                Some("Fe"),
                ("EELS", "eV", 10.0),
            ),
            ("Energy", "eV", "spec", None, ("EELS", "eV", 10.0)),
            ("Bias", "V", "Current", None, ("", "V", 10.0)),
        ] {
            let axis = Axis {
                name: name.to_owned(),
                units: units.to_owned(),
                offset: 0.0,
                scale: 10.0,
                size: 2,
            };
            let mut channels = Channels::along(axis, quantity, "");
            channels.elements.extend(element.map(str::to_owned));
            let kind = signal_type(&channels, &Conditions::default());
            let told = in_its_units(&channels);
            let found = (kind, told.axis.units.as_str(), told.axis.scale);
            assert_eq!(found, expected, "{name} in {units} of {quantity}");
            assert_eq!(told.coordinates, [0.0, told.axis.scale]);
            // The same again of the converted ones.
            assert_eq!(signal_type(&told, &Conditions::default()), kind);
        }
    }
}
