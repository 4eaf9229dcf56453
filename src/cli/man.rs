//! `fastcore man`.

use std::path::PathBuf;

use clap::Command;

use crate::cli::error::CliError;

/// Writes the manual pages to a folder
///
/// One page for each command: fastcore.1, fastcore-serve.1, … Pages that are there already are replaced.
///
/// Example: fastcore man /usr/local/share/man/man1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder, which must exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn run(command: Command, args: &Args) -> Result<(), CliError> {
    let folder = &args.folder;
    clap_mangen::generate_to(command, folder)
        .map_err(|error| CliError::Failed(format!("{}: {error}", folder.display())))
}
