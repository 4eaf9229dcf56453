//! `fastcore canary`.

use std::time::Instant;

use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::config::ingest_tokens;
use crate::config::server_url;
use crate::http::canary_client::{CanaryReceipt, INTAKE_PATH, send_canary};

/// Sends a test lead to a server the public way, as the site does
///
/// It is stored, recorded in the audit log and announced like any lead, kept out of the inbox, of counts and of exports
/// unless --canary asks for it, and erased after a day. Prints one line with the receipt; exits with 1 if it did not
/// come through within 30 s. The token is FASTCORE_SITE_INGEST_TOKEN, or the one that a server without it keeps next to
/// its database. The server's certificate is verified with the system's authorities.
///
/// Example: fastcore canary https://leads.example.com
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// The server, such as https://leads.example.com
    url: String,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let url = args.url.trim().trim_end_matches('/');
    let Some((url, is_local)) = server_url::parse(url.strip_suffix(INTAKE_PATH).unwrap_or(url))
    else {
        let url = &args.url;
        return Err(CliError::Usage(format!(
            "{url:?} is not accepted; it takes a URL such as https://leads.example.com, without a path"
        )));
    };
    if !is_local && !url.starts_with("https:") {
        return Err(CliError::Usage(format!(
            "{url}: only an https URL is accepted: the token would cross the network legibly"
        )));
    }
    let token = ingest_tokens::token_to_send(
        &context.environment,
        &args.database.path(&context.environment)?,
    )?;
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(send_canary(&url, token.reveal(), context.clock.now().into()));
    // The look-up of a name cannot be cancelled.
    runtime.shutdown_background();
    let CanaryReceipt { lead_id, receipt } = sent.map_err(|error| {
        CliError::Failed(output::one_line(&format!(
            "{url}: the canary did not come through: {error}"
        )))
    })?;
    let milliseconds = began.elapsed().as_millis();
    let line = format!("ok; lead {lead_id} was stored in {milliseconds} ms, receipt {receipt}\n");
    output::data(line.as_bytes())
}
