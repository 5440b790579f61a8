//! Quantities as the command line reads them: as [`Kind`] does, with what would be accepted where it cannot.

use super::Kind;

macro_rules! readers {
    ($($name:ident, $kind:ident;)*) => {$(
        #[doc = concat!("Reads a quantity as [`Kind::", stringify!($kind), "`] does.")]
        ///
        /// # Errors
        /// What would be accepted.
        pub(crate) fn $name(text: &str) -> Result<f64, String> {
            let read = Kind::$kind.read(text);
            read.map_err(|_| format!("expected {}", Kind::$kind.accepted()))
        }
    )*};
}

readers! {
    seconds, SECONDS;
    microseconds, MICROSECONDS;
    milliseconds, MILLISECONDS;
    picoamperes, PICOAMPERES;
    electrons, ELECTRONS;
    electrons_per_area, ELECTRONS_PER_SQUARE_ANGSTROM;
}

/// Reads a whole number of µs, also where it is in another unit.
///
/// # Errors
/// What would be accepted.
pub(crate) fn whole_microseconds<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let kind = Kind::MICROSECONDS;
    kind.read_whole(text)
        .map_err(|_| format!("expected {}, and no part of a µs", kind.accepted()))
}
