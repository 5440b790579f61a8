//! Kernel, host, firmware and the world around them together. In one program, which is linked
//! once: `cargo test --release -p beacon-tests --test all live::` runs what is in `live`.

mod bench;
mod driver;
mod edges;
mod firmware;
mod instruments;
mod link_beam_fault;
mod link_campaign;
mod link_controller;
mod link_frames;
mod link_golden;
mod link_interrupt;
mod link_speed;
mod link_vectors;
mod link_versions;
mod linked_reduction;
mod live;
mod live_on_target;
mod nucleo;
mod on_target;
mod overview;
mod packages;
mod page;
mod peer;
mod pfm_benchmark;
mod pty_board;
mod reduction;
mod replay;
mod scalarizers;
mod scanner;
mod score;
mod slurm;
