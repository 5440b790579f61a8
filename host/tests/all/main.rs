//! The host's library and the program `beacon` from the outside. In one program, which is linked
//! once: `cargo test --release -p beacon-host --test all live::` runs what is in `live.rs`.

mod allocations;
mod common;
mod compare;
mod controller;
mod data_files;
mod dead_time;
mod explore;
mod live;
mod recorded;
mod replay;
mod score;
mod surrogates;
