//! What the host computes in a campaign, part by part: `cargo bench --package beacon-host`.
//!
//! Everything runs on a built-in specimen. A name after `--` picks benchmarks, as in
//! `cargo bench --package beacon-host -- deciding`; `-- --test` runs each of them once.

mod deciding;
mod monitoring;
mod scene;
mod training;

fn main() {
    divan::main();
}
