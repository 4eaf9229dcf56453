//! The `fastcore` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    fastcore::cli::run()
}
