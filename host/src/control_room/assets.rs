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
    ("main.js", SCRIPT, include_str!("../../page/main.js")),
    (
        "connection.js",
        SCRIPT,
        include_str!("../../page/connection.js"),
    ),
    (
        "distance.js",
        SCRIPT,
        include_str!("../../page/distance.js"),
    ),
    ("story.js", SCRIPT, include_str!("../../page/story.js")),
    ("map.js", SCRIPT, include_str!("../../page/map.js")),
    ("chart.js", SCRIPT, include_str!("../../page/chart.js")),
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
