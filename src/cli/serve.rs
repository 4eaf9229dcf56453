//! `fastcore serve`: the one door from the command line to HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::app::backup::scheduler::BackupSchedule;
use crate::app::migrate;
use crate::app::migrate::Prepared;
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::config::{Backups, IngestTokens, Server, ServerFlags};
use crate::http;
use crate::store::db::lock::ServerLock;
use crate::telemetry;

/// Descriptors kept for the database, the log and the listener.
const RESERVED: u64 = 64;
/// How long the end waits for backups, half of it at the most, and for the writer, after the
/// connections' own time.
const LAST_WAIT: Duration = Duration::from_secs(4);
/// Blocks smaller than SQLite's pages are dangerous on a full disk.
const PAGE: u64 = 4096;

/// Runs the server
///
/// Works with nothing configured: makes the database, the schema and an ingest token beside it,
/// and says how to send the first lead. SIGTERM and SIGINT let finish what has arrived.
///
/// Example: fastcore serve --database-url sqlite:///var/lib/fastcore/fastcore.db
///
/// Secrets are variables, never flags: FASTCORE_SITE_INGEST_TOKEN (the bearer token; made at the
/// first start on loopback) and FASTCORE_SITE_INGEST_TOKEN_PREVIOUS (also accepted), or the same
/// names with _FILE, or systemd credentials of these names in lower case.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// Address and port; port 0 picks a free one [env: FASTCORE_LISTEN] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The only origins that get CORS headers, separated by commas [env: FASTCORE_CORS_ORIGINS]
    /// [default: https://fast-techservices.com,https://www.fast-techservices.com]
    #[arg(long, value_name = "ORIGINS")]
    cors_origins: Option<String>,
    /// Allow plaintext on an address that is not loopback [env: FASTCORE_ALLOW_PLAINTEXT]
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_plaintext: Option<String>,
    /// Where clients reach the server, for links and cookies [env: FASTCORE_PUBLIC_URL]
    /// [default: from the listen address]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Take backups into this folder [env: FASTCORE_BACKUP_DIR] [default: none]
    #[arg(long, value_name = "FOLDER")]
    backup_dir: Option<String>,
    /// How often [env: FASTCORE_BACKUP_EVERY] [default: 24h]
    #[arg(long, value_name = "TIME")]
    backup_every: Option<String>,
    /// How many stay [env: FASTCORE_BACKUP_KEEP] [default: 14]
    #[arg(long, value_name = "NUMBER")]
    backup_keep: Option<String>,
}

pub(crate) fn run(context: &Context, args: Args) -> Result<(), CliError> {
    let flags = ServerFlags {
        database_url: args.database.database_url,
        listen: args.listen,
        cors_origins: args.cors_origins,
        allow_plaintext: args.allow_plaintext,
        public_url: args.public_url,
        backup_dir: args.backup_dir,
        backup_every: args.backup_every,
        backup_keep: args.backup_keep,
    };
    let server = Server::load(&context.environment, &flags)?;
    warn_of_settings(context);
    let limits =
        http::server::Limits { connections: connections(), ..http::server::Limits::default() };
    let lock = ServerLock::take(&server.database)?;
    // One thread for all connections beside the writer's own: what they do is short, and answers
    // need not wake one thread from another.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(telemetry::flush)
        .build()?;
    let listener = {
        let _inside = runtime.enter();
        http::server::bind(server.listen).map_err(|e| {
            CliError::Failed(format!("FASTCORE_LISTEN: cannot listen on {}: {e}", server.listen))
        })?
    };
    let address = listener.local_addr()?;
    let prepared = migrate::prepare(&server.database, &context.clock, &Context::actor(), &lock)?;
    let tokens = server.tokens()?;
    tell_of_start(&server, &prepared, &tokens);
    let (app, writer) = App::start(&server.database, &context.clock, runtime.handle())?;
    let backups = server.backups.clone().map(|Backups { folder, every, keep }| {
        BackupSchedule { folder, every, keep }.start(&server.database, &context.clock)
    });
    let backups = backups.transpose()?;
    runtime.block_on(async {
        let stop = stop_signal()?;
        let url = server.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        tell_listening(&server, &tokens, address, &url);
        if address.ip().is_loopback()
            && let Some(token) = app.admin.setup.issue_token().await?
        {
            // Apart from the log on standard error, which may leave the machine.
            if let Err(error) = output::data(first_account(&url, &token).as_bytes()) {
                tracing::warn!(%error, "the link for the first account could not be printed");
            }
        }
        let context = http::context::Context::new(app, tokens).at(server.public_url.as_deref());
        let routes = http::router::routes(&context);
        drop(context);
        let _gathering = telemetry::gather();
        http::server::serve(listener, routes, server.cors_origins.into(), limits, stop).await;
        Ok::<_, CliError>(())
    })?;
    // Ends what is left of the connections' tasks, and with them the last way to the writer.
    runtime.shutdown_timeout(Duration::from_millis(500));
    let deadline = Instant::now() + LAST_WAIT;
    if let Some(backups) = backups {
        backups.stop(LAST_WAIT / 2);
    }
    if !writer.join_within(deadline.saturating_duration_since(Instant::now())) {
        return Err(CliError::Failed(
            "stopped before the disk answered; what was not acknowledged may not be stored".into(),
        ));
    }
    tracing::info!("stopped");
    Ok(())
}

fn warn_of_settings(context: &Context) {
    for warning in context.environment.unknown() {
        tracing::warn!("{warning}");
    }
    for name in context.environment.not_served() {
        tracing::warn!("{name} is set, and this version does nothing with it yet");
    }
}

/// Raises the soft limit of open descriptors to the hard one; how many connections that allows.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let most = http::server::Limits::default().connections;
    now.map_or(most, |n| usize::try_from(n.saturating_sub(RESERVED)).map_or(most, |n| n.min(most)))
}

fn tell_of_start(server: &Server, prepared: &Prepared, tokens: &IngestTokens) {
    let database = server.database.display();
    if prepared.created {
        tracing::warn!(%database, "there was no database; a new one was made");
    }
    if let Some(copy) = &prepared.migrated.copy {
        let (from, to) = (prepared.migrated.from, prepared.migrated.to);
        tracing::warn!(from, to, copy = %copy.display(), "the database was migrated; the copy is as it was before");
    }
    for warning in &tokens.warnings {
        tracing::warn!("{warning}");
    }
    match block_size(&server.database) {
        Some(bytes) if bytes < PAGE => tracing::warn!(
            block_bytes = bytes,
            "the file system's blocks are under 4096 bytes: when it is full, SQLite's processes \
             are killed; move the database to one with larger blocks"
        ),
        _ => {}
    }
}

fn block_size(database: &Path) -> Option<u64> {
    rustix::fs::statvfs(database).ok().map(|fs| fs.f_bsize)
}

fn tell_listening(server: &Server, tokens: &IngestTokens, address: SocketAddr, url: &str) {
    let version = env!("CARGO_PKG_VERSION");
    let database = server.database.display();
    let next = match &tokens.kept_in {
        Some(file) => {
            format!("POST leads to {url}/inbound/leads with the bearer token in {}", file.display())
        }
        None => format!("POST leads to {url}/inbound/leads with the configured bearer token"),
    };
    tracing::info!(version, %database, %address, next, "FASTCore is listening");
    if let (true, Some(file)) = (tokens.made, &tokens.kept_in) {
        output::say(&first_steps(file, url));
    }
}

/// What to do with a server that was started for the first time.
fn first_steps(token: &Path, url: &str) -> String {
    let token = token.display();
    let request_id = uuid::Uuid::new_v4();
    format!(
        r#"
An ingest token was made and is kept in {token}.
Send a first lead from another terminal in this folder:

  curl -sS {url}/inbound/leads \
    -H "Authorization: Bearer $(cat '{token}')" \
    -H 'Content-Type: application/json' \
    -d '{{"name": "Jean Dupont", "email": "jean@example.com", "service": "diagnostic",
         "message": "Mon compresseur ne démarre plus depuis hier.", "consent": true,
         "meta": {{"source": "fast-techservices.com", "request_id": "{request_id}",
                  "ip_hash": "abc123def456", "timestamp_utc": "2026-01-03T10:30:45Z"}}}}'

Then look at it: fastcore lead list
"#
    )
}

/// How to make the first account; the one place that shows the link's secret.
fn first_account(url: &str, token: &str) -> String {
    format!(
        r"
Nobody may sign in to the admin page yet. This link makes the first account, once, within 30 minutes:

  {url}/admin/setup#{token}

Or at any time: fastcore staff add NAME
"
    )
}

/// Resolves at SIGTERM or SIGINT; a second one ends the process at once. SIGHUP changes nothing.
fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: there is nothing to read again");
        }
    });
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: no more connections; finishing what has arrived");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            // Nothing is half done at any moment: a transaction is there or it is not.
            telemetry::flush();
            std::process::exit(1);
        });
    })
}
