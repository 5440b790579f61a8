//! The program, built with the tests that kill it.

use std::process::ExitCode;

fn main() -> ExitCode {
    beacon_host::internal::cli::main()
}
