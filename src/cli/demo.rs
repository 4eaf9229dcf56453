//! `fastcore demo`.

use chrono::Utc;

use crate::app::demo;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, output, serve};
use crate::config::passed_sockets::PassedSockets;
use crate::config::server::ServerConfig;
use crate::http::demo::SignInLink;
use crate::store::db::lock::ServerLock;

/// How many leads the database gets.
const LEADS: usize = 300;

/// Serves a temporary database with fictional leads
///
/// 300 leads over the last year, with statuses, views, exports and their audit log. Prints a link that
/// opens the admin page signed in. Listens on a loopback address alone; everything is deleted when
/// the command ends.
///
/// Example: fastcore demo
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Loopback address and port; port 0 picks a free one [env: FASTCORE_LISTEN] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let folder = tempfile::Builder::new().prefix("fastcore-demo-").tempdir()?;
    let database = folder.path().join("fastcore.db");
    let server = ServerConfig::for_demo(&context.environment, args.listen.as_deref(), &database)?;
    output::eprint_line(&format!("Creating a demo database with {LEADS} fictional leads …"));
    let session = {
        let lock = ServerLock::take(&database)?;
        let now: chrono::DateTime<Utc> = context.clock.now();
        demo::fill(&database, now, LEADS, &lock)?
    };
    serve::run_server(context, &server, PassedSockets::default(), Some(SignInLink::new(session)))
}
