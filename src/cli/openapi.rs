//! `fastcore openapi`.

use super::error::CliError;
use super::output;
use crate::http;

/// Prints the OpenAPI document
///
/// The same that a server gives at /openapi.json and shows at /docs.
///
/// Example: fastcore openapi > fastcore.json
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args) -> Result<(), CliError> {
    output::data(http::document().as_bytes())
}
