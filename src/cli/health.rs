//! `fastcore health`.

use http::Uri;
use serde::Serialize;

use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::config::server_url;
use crate::http::health_client::{HealthRequestError, ReportedHealth, get_health};

/// Asks a running server whether leads can be stored
///
/// Exits with 0 if they can and with 1 if not, or if there is no answer within 5 s: for scripts and
/// containers. Without --url it asks the server of this machine, at FASTCORE_LISTEN or the address of its last
/// start. The certificate of a URL that is not of this machine is verified with the system's authorities.
///
/// Example: fastcore health --url https://leads.example.com
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// The server, such as http://127.0.0.1:8000 [default: from FASTCORE_LISTEN]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct HealthReport<'a> {
    url: &'a str,
    ok: bool,
    version: Option<&'a str>,
    detail: Option<&'a str>,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let (url, is_verified) = match &args.url {
        Some(url) => {
            let (url, is_local) = server_url::parse(url).ok_or_else(|| {
                let accepted = "it takes a URL such as https://leads.example.com, without a path";
                CliError::Usage(format!("--url: {url:?} is not accepted; {accepted}"))
            })?;
            (url, !is_local)
        }
        None => {
            let path = args.database.path(&context.environment)?;
            let left = server_settings::read(&path);
            (server_url::of_this_machine(&context.environment, &left)?, false)
        }
    };
    let asked = ask(&url, is_verified)?;
    let unknown = asked.as_ref().err().map(ToString::to_string);
    let health = asked.as_ref().ok();
    let detail = unknown.as_deref().or(health.and_then(ReportedHealth::unavailable_reason));
    let version = health.map(|health| health.version.as_str());
    if args.json {
        output::json(&HealthReport { url: &url, ok: detail.is_none(), version, detail })?;
    }
    match (detail, version) {
        (None, version) if !args.json => {
            let version = version.unwrap_or_default();
            let line = format!("ok; leads can be stored by FASTCore {version} at {url}");
            output::data((output::one_line(&line) + "\n").as_bytes())
        }
        (None, _) => Ok(()),
        (Some(reason), None) => {
            Err(CliError::Failed(output::one_line(&format!("{url}: {reason}"))))
        }
        (Some(reason), Some(_)) => {
            let line = format!("{url}: leads cannot be stored: {reason}");
            Err(CliError::Failed(output::one_line(&line)))
        }
    }
}

fn ask(
    url: &str,
    is_verified: bool,
) -> Result<Result<ReportedHealth, HealthRequestError>, CliError> {
    let target: Uri = url.parse().map_err(|_| CliError::Usage(format!("{url:?} is no URL")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(get_health(&target, is_verified));
    // The look-up of a name cannot be cancelled.
    runtime.shutdown_background();
    Ok(asked)
}
