//! What an experiment can discover in a sample.

/// A kind of response that is known to be in the sample, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// What it is, such as `Au@Pd core-shell`.
    pub name: String,
    /// Whether it is one of the rare ones that an experiment should discover.
    pub rare: bool,
    /// Whether each pixel of the image shows it, row by row. Pixels may show several behaviours,
    /// or none.
    pub pixels: Vec<bool>,
}
