//! `fastcore token`.

use crate::cli::error::CliError;
use crate::cli::output;
use crate::config::secret::Secret;

/// Prints a new random ingest token
///
/// It is not stored: set it as FASTCORE_SITE_INGEST_TOKEN here and on the site. To change a token
/// without losing leads, move the old one to FASTCORE_SITE_INGEST_TOKEN_PREVIOUS first.
///
/// Example: fastcore token > /etc/fastcore/ingest-token
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<(), CliError> {
    output::data(format!("{}\n", Secret::random()?.reveal()).as_bytes())
}
