//! The report of a campaign or of a comparison: one page of HTML, and its figures as files.
//!
//! A [`Report`] holds what is known of one strategy or of several. [`write_report`] puts all of
//! it into one page that needs no other file, [`write_figures`] writes each figure as PNG, PDF and
//! SVG.

mod figures;
mod html;
mod report;

pub use figures::{FIGURES, write_figures};
pub use html::Table;
pub use report::{Report, write_report};

#[cfg(test)]
mod tests;
