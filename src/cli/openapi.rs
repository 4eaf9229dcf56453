//! `fastcore openapi`.

use crate::cli::error::CliError;
use crate::cli::output;
use crate::http;

/// Prints the OpenAPI document
///
/// The document that a server serves at /openapi.json and shows at /docs.
///
/// Example: fastcore openapi > fastcore.json
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<(), CliError> {
    output::data(http::openapi::document::json().as_bytes())
}
