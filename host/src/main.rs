//! The program `beacon`: see `beacon --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    beacon_host::internal::cli::main()
}
