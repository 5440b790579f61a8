//! What figures are drawn with: a canvas, axes, colours, keys and files.
//!
//! A [`Figure`] says how large it is and draws itself; [`save`] writes it as PNG, SVG or PDF,
//! whichever the file name ends in. What figures share has a file each: colours ([`palette`]),
//! round numbers ([`ticks`]), an image with its colour bar and scale bar, a plane with its axes,
//! the legend above several panels, labels that keep out of each other's way, and the canvas
//! itself. Nothing here knows what a campaign is.
//!
//! NaN in a map means "no value here" and is drawn light grey.

pub(crate) mod canvas;
pub(crate) mod colour_bar;
mod error;
pub(crate) mod figure;
pub(crate) mod image_frame;
pub(crate) mod image_panel;
pub(crate) mod labels;
pub(crate) mod legend;
pub(crate) mod line;
pub mod number;
pub mod palette;
mod pdf;
mod pdf_font;
pub(crate) mod plane;
mod scale_bar;
pub(crate) mod stroke;
pub mod ticks;

pub use canvas::{Canvas, DrawResult};
pub use error::FigureError;
pub use figure::{DPI, FORMS, Figure, FigureStyle, draw_svg, save, save_all};
pub use stroke::Stroke;
