//! The files of the page, which the program carries with it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Name, kind and content of every file.
const FILES: &[(&str, &str, &str)] = &[
    (
        "index.html",
        "text/html; charset=utf-8",
        include_str!("../../page/index.html"),
    ),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../../page/style.css"),
    ),
    ("chart.js", SCRIPT, include_str!("../../page/chart.js")),
    (
        "commands.js",
        SCRIPT,
        include_str!("../../page/commands.js"),
    ),
    (
        "connection.js",
        SCRIPT,
        include_str!("../../page/connection.js"),
    ),
    ("curves.js", SCRIPT, include_str!("../../page/curves.js")),
    (
        "distance.js",
        SCRIPT,
        include_str!("../../page/distance.js"),
    ),
    ("main.js", SCRIPT, include_str!("../../page/main.js")),
    ("many.js", SCRIPT, include_str!("../../page/many.js")),
    ("map.js", SCRIPT, include_str!("../../page/map.js")),
    ("maps.js", SCRIPT, include_str!("../../page/maps.js")),
    ("past.js", SCRIPT, include_str!("../../page/past.js")),
    ("plane.js", SCRIPT, include_str!("../../page/plane.js")),
    ("room.js", SCRIPT, include_str!("../../page/room.js")),
    ("sample.js", SCRIPT, include_str!("../../page/sample.js")),
    (
        "spectrum.js",
        SCRIPT,
        include_str!("../../page/spectrum.js"),
    ),
    ("story.js", SCRIPT, include_str!("../../page/story.js")),
    ("words.js", SCRIPT, include_str!("../../page/words.js")),
];
/// What the server can be asked, as OpenAPI.
pub(super) const API: &str = include_str!("../../page/api.json");
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page.
pub(super) fn response(name: &str) -> Response {
    match FILES.iter().find(|(file, _, _)| *file == name) {
        Some((_, kind, content)) => ([(header::CONTENT_TYPE, *kind)], *content).into_response(),
        None => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
    }
}
