//! Beam and times as `HyperSpy` and its extension eXSpy keep them.

use rust_hdf5::H5Group;

use crate::data::files::Conditions;

/// Highest energy of the beam of a scanning electron microscope that takes no transmitted electrons, in keV.
const MOST_OF_SEM: f64 = 50.0;

/// The kind of signal that `HyperSpy` and eXSpy know: energies of X-rays come in keV, losses of electrons in
/// eV.
pub(super) fn signal_type(units: &str, conditions: &Conditions) -> &'static str {
    match (units, column(conditions)) {
        ("keV", "SEM") => "EDS_SEM",
        ("keV", _) => "EDS_TEM",
        ("eV", _) => "EELS",
        _ => "",
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
