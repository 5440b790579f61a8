//! The program `beacon`.

fn main() {}
