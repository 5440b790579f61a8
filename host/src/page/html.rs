//! A page of HTML that needs nothing but itself: no scripts, no fonts, no files beside it.

use crate::plot::FigureError;
use crate::plot::FigureStyle;
use crate::plot::figure::{Figure, pixels, svg_in_style};
use base64ct::{Base64, Encoding as _};
use std::fmt::Write as _;
use std::path::Path;

/// A table below a caption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the table shows, with what a reader needs to judge it.
    pub caption: String,
    /// Names of the columns; the first is that of the row names.
    pub header: Vec<String>,
    /// One cell a column; the first names the row.
    pub rows: Vec<Vec<String>>,
}

/// Largest SVG that is put into a page: a larger one holds a map, which is smaller as a picture.
const LARGEST_SVG: usize = 250_000;

const STYLE: &str = "
:root { color-scheme: light; }
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 74rem; background: #fff; color: #222;
  font: 16px/1.5 Ubuntu, Calibri, Helvetica, Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #bbb;
  break-after: avoid; }
p { margin: .4rem 0; max-width: 50rem; overflow-wrap: anywhere; }
figure { margin: 1.6rem 0; break-inside: avoid; }
figure svg, figure img { display: block; max-width: 100%; height: auto; }
.narrow { display: none; }
@media screen and (max-width: 44rem) { .wide { display: none; }
  .narrow { display: flex; flex-direction: column; gap: .8rem; }
  body { margin: 1rem auto; padding: 0 .8rem; } caption { max-width: calc(100vw - 2.4rem); } }
figcaption { margin-top: .5rem; max-width: 50rem; color: #444; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; break-inside: avoid; }
caption { text-align: left; color: #444; padding-bottom: .3rem; max-width: 50rem; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd;
  vertical-align: top; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
th[scope=row] { white-space: nowrap; }
td { min-width: 3.6rem; }
.warnings { border-left: 4px solid #b25000; margin: .8rem 0; padding: .5rem 1rem .5rem 2.2rem;
  background: #fff6ec; }
pre { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; background: #f6f6f6;
  padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11pt; }
  .scroll { overflow: visible; } table { font-size: 8pt; } th, td { padding-right: .6rem; } }
@page { margin: 15mm; }
";

/// A page as it is put together, from the top down.
pub(super) struct Html {
    text: String,
    style: FigureStyle,
}

impl Html {
    /// Begins a page.
    pub(super) fn new(title: &str, style: FigureStyle) -> Self {
        let title = escape(title);
        let text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        );
        Self { text, style }
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.push(&format!("<h2>{}</h2>\n", escape(text)));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.push(&format!("<p>{}</p>\n", escape(text)));
    }

    pub(super) fn preformatted(&mut self, text: &str) {
        self.push(&format!("<pre>{}</pre>\n", escape(text)));
    }

    pub(super) fn warnings(&mut self, warnings: &[String]) {
        self.push("<ul class=\"warnings\">\n");
        for warning in warnings {
            self.push(&format!("<li>{}</li>\n", escape(warning)));
        }
        self.push("</ul>\n");
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.push("<div class=\"scroll\"><table>\n");
        if !table.caption.is_empty() {
            self.push(&format!("<caption>{}</caption>\n", escape(&table.caption)));
        }
        if !table.header.is_empty() {
            let cells = table.header.iter();
            let cells = cells.map(|name| format!("<th scope=\"col\">{}</th>", escape(name)));
            self.push(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
        }
        for row in &table.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| match column {
                0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
                // A mean is not broken from its deviation.
                _ => format!("<td>{}</td>", escape(cell).replace(" ± ", "\u{a0}±\u{a0}")),
            });
            self.push(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
        }
        self.push("</table></div>\n");
    }

    /// A figure with its caption, which is also what is read out in place of the picture.
    pub(super) fn figure(&mut self, figure: &dyn Figure, caption: &str) -> Result<(), FigureError> {
        let caption = escape(caption);
        let whole = picture(figure, self.style, &caption)?;
        let parts = figure.parts();
        let pictures = if parts.is_empty() {
            whole
        } else {
            // Both are in the page, and its width says which is shown.
            let narrow = parts.iter().zip(0..);
            let narrow = narrow.map(|(part, number): (_, usize)| {
                let caption = format!("{caption} Part {}.", number + 1);
                picture(part.as_ref(), FigureStyle::default(), &caption)
            });
            let narrow: String = narrow.collect::<Result<_, _>>()?;
            format!("<div class=\"wide\">{whole}</div>\n<div class=\"narrow\">{narrow}</div>\n")
        };
        self.push(&format!(
            "<figure>\n{pictures}<figcaption>{caption}</figcaption>\n</figure>\n"
        ));
        Ok(())
    }

    /// The whole page.
    pub(super) fn end(mut self) -> String {
        self.push("</body>\n</html>\n");
        self.text
    }

    fn push(&mut self, text: &str) {
        // A string takes any text.
        let _ = self.text.write_str(text);
    }
}

/// A figure as an element of HTML; the caption is escaped.
fn picture(figure: &dyn Figure, style: FigureStyle, caption: &str) -> Result<String, FigureError> {
    let svg = svg_in_style(figure, style)?;
    if svg.len() <= LARGEST_SVG {
        let named = format!("<svg role=\"img\" aria-label=\"{caption}\" ");
        return Ok(svg.replacen("<svg ", &named, 1));
    }
    let pixels = pixels(figure, style, Path::new("the picture"))?;
    Ok(format!(
        "<img alt=\"{caption}\" width=\"{}\" height=\"{}\" src=\"data:image/png;base64,{}\">\n",
        pixels.width,
        pixels.height,
        Base64::encode_string(&pixels.png()?)
    ))
}

/// Text that shows as it is, in content and in quoted attributes alike.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // No such character may stand in a document, not even escaped.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;
    use crate::figures::OverviewFigure;

    const HOSTILE: &str = "<script>alert(\"1\" & '2')</script>\u{0}";

    #[test]
    fn nothing_a_user_wrote_becomes_markup() {
        let mut page = Html::new(HOSTILE, FigureStyle::default());
        page.heading(HOSTILE);
        page.paragraph(HOSTILE);
        page.preformatted(HOSTILE);
        page.warnings(&[HOSTILE.to_owned()]);
        let cells = vec![HOSTILE.to_owned(), HOSTILE.to_owned()];
        page.table(&Table {
            caption: HOSTILE.to_owned(),
            header: cells.clone(),
            rows: vec![cells],
        });
        let map = Map::uncalibrated(2, 2, vec![0.0, 1.0, 2.0, 3.0], HOSTILE);
        let figure = OverviewFigure {
            image: &map,
            target: None,
        };
        page.figure(&figure, HOSTILE).unwrap();
        let text = page.end();
        assert!(!text.contains("<script") && !text.contains('\u{0}'));
        // The whole and its one part.
        assert_eq!(text.matches("aria-label=\"&lt;script&gt;").count(), 2);
        assert!(text.matches("&lt;script&gt;").count() >= 11);
    }

    /// A chequerboard merges into no rectangles, so its SVG holds every pixel.
    #[test]
    fn a_large_map_becomes_a_picture_and_a_small_one_stays_sharp() {
        let chequers = |side: usize| {
            let value = |i: usize| ((i / side + i % side) % 2) as f64;
            Map::uncalibrated(
                side,
                side,
                (0..side * side).map(value).collect(),
                "chequers",
            )
        };
        let page = |map: &Map| {
            let mut page = Html::new("test", FigureStyle::default());
            let figure = OverviewFigure {
                image: map,
                target: None,
            };
            page.figure(&figure, "an image").unwrap();
            page.end()
        };
        let (small, large) = (page(&chequers(8)), page(&chequers(90)));
        assert!(small.contains("<svg role=\"img\" aria-label=\"an image\""));
        assert!(large.contains("<div class=\"wide\"><img alt=\"an image\""));
        // The signature of a PNG, in base64.
        assert!(large.contains("data:image/png;base64,iVBORw0KGgo"));
    }
}
