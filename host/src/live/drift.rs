//! temporary
use crate::map::Map;
/// s
pub struct Shift {
    /// r
    pub rows: f64,
    /// c
    pub columns: f64,
    /// c
    pub confidence: f64,
}
/// e
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// f
    #[error("flat")]
    Flat,
}
/// r
pub fn register(_reference: &Map, _fresh: &Map) -> Result<Shift, DriftError> {
    Err(DriftError::Flat)
}
