//! What is measured: replayed data or a specimen.
