//! `fastcore serve`: where the command line meets HTTP.

use std::io::{self, IsTerminal};
use std::time::Duration;

use futures_util::future::OptionFuture;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::app::backup::folder::BackupSchedule;
use crate::app::refused::retention::RefusedRetention;
use crate::app::{App, Schedules, migrate};
use crate::cli::error::CliError;
use crate::cli::listeners::{CertificateTask, Listeners, Sockets};
use crate::cli::notify::{NoticeArgs, notice_settings};
use crate::cli::service_manager::ServiceManager;
use crate::cli::{CommandContext, DatabaseArg, output, signals, startup};
use crate::config::acme::AcmeFlags;
use crate::config::certificate::CertificateFlags;
use crate::config::ingest_tokens::IngestTokens;
use crate::config::passed_sockets::PassedSockets;
use crate::config::server::{BackupConfig, ServerConfig, ServerFlags};
use crate::config::service_manager::NotifySettings;
use crate::http;
use crate::http::demo::SignInLink;
use crate::http::header_policy::HeaderPolicy;
use crate::http::redirect::{self, RedirectTarget};
use crate::http::server::Limits;
use crate::http::server::listener::Listener;
use crate::http::server::tls::ServerTls;
use crate::store::db::lock::ServerLock;
use crate::store::paths::resolve_links;
use crate::store::private_file::create_new;
use crate::telemetry::LogThread;

/// File descriptors kept for the database, the log, the listeners, and connections that are redirected.
const RESERVED_DESCRIPTORS: u64 = 64 + 128;
/// Threads for reads, password hashes, exports, backups and daily work, more than they use at a time. With the
/// server's own threads, they are fewer than `TasksMax=` of the systemd unit.
const MAX_BLOCKING_THREADS: usize = 32;
/// How long the end may take once connections have ended: for the writer, and for a backup under
/// way, which may use half of it.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

/// Runs the server
///
/// Works with nothing configured: creates the database, applies the migrations, generates an ingest
/// token next to the database, and prints how to send a first lead. On SIGTERM and SIGINT, requests
/// that have arrived are finished; a second signal ends the process at once.
///
/// Example: fastcore serve --database-url sqlite:///var/lib/fastcore/fastcore.db
///
/// Secrets are variables, never flags: FASTCORE_SITE_INGEST_TOKEN (the bearer token; generated at
/// the first start on loopback, required elsewhere), FASTCORE_SITE_INGEST_TOKEN_PREVIOUS (also accepted),
/// FASTCORE_METRICS_TOKEN (turns /metrics on), FASTCORE_SMTP_URL (the mail server), FASTCORE_NOTIFY_WEBHOOK (URLs that hear
/// of new leads), FASTCORE_ALERT_WEBHOOK (URLs that hear of trouble) and FASTCORE_WEBHOOK_SECRET (signs what they get), or the same names with _FILE, or systemd credentials with
/// these names in lower case.
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
    /// PEM file of the certificate and its chain, for HTTPS [env: FASTCORE_TLS_CERT] [default: none]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// PEM file of the certificate's private key [env: FASTCORE_TLS_KEY] [default: none]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Host names, separated by commas, of a certificate that the server gets by itself (ACME)
    /// [env: FASTCORE_ACME_DOMAINS] [default: none]
    #[arg(long, value_name = "NAMES")]
    acme_domains: Option<String>,
    /// E-mail address for the certificate authority [env: FASTCORE_ACME_EMAIL] [default: none]
    #[arg(long, value_name = "ADDRESS")]
    acme_email: Option<String>,
    /// Directory of the certificate authority [env: FASTCORE_ACME_DIRECTORY]
    /// [default: https://acme-v02.api.letsencrypt.org/directory]
    #[arg(long, value_name = "URL")]
    acme_directory: Option<String>,
    /// PEM file of the roots of an authority whose own HTTPS the system does not trust
    /// [env: FASTCORE_ACME_CA] [default: none]
    #[arg(long, value_name = "FILE")]
    acme_ca: Option<String>,
    /// Plaintext address that only redirects to HTTPS [env: FASTCORE_REDIRECT_LISTEN] [default: none]
    #[arg(long, value_name = "ADDRESS")]
    redirect_listen: Option<String>,
    /// Allow plaintext on an address that is not loopback [env: FASTCORE_ALLOW_PLAINTEXT]
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_plaintext: Option<String>,
    /// URL at which clients reach the server, for links and cookies [env: FASTCORE_PUBLIC_URL]
    /// [default: from the listen address]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas
    /// [env: FASTCORE_TRUSTED_PROXIES] [default: none]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,
    /// Free space on the database's disk below which leads are refused, with a 503; 0 for none
    /// [env: FASTCORE_DISK_RESERVE] [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    disk_reserve: Option<String>,
    /// Folder for scheduled backups [env: FASTCORE_BACKUP_DIR] [default: none]
    #[arg(long, value_name = "FOLDER")]
    backup_dir: Option<String>,
    /// Interval between backups [env: FASTCORE_BACKUP_EVERY] [default: 24h]
    #[arg(long, value_name = "TIME")]
    backup_every: Option<String>,
    /// Number of backups to keep [env: FASTCORE_BACKUP_KEEP] [default: 14]
    #[arg(long, value_name = "NUMBER")]
    backup_keep: Option<String>,
    /// Erase leads older than this, once a day [env: FASTCORE_RETENTION] [default: none]
    #[arg(long, value_name = "AGE")]
    retention: Option<String>,
    /// Warn where no canary has come through for this long [env: FASTCORE_CANARY_EVERY] [default: none]
    #[arg(long, value_name = "TIME")]
    canary_every: Option<String>,
    /// Keep refused submissions for this long; 0 keeps none [env: FASTCORE_REFUSED_RETENTION]
    /// [default: 30d]
    #[arg(long, value_name = "AGE")]
    refused_retention: Option<String>,
    #[command(flatten)]
    notices: NoticeArgs,
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    let flags = ServerFlags {
        database_url: args.database.database_url,
        listen: args.listen,
        cors_origins: args.cors_origins,
        certificate: CertificateFlags {
            tls_cert: args.tls_cert,
            tls_key: args.tls_key,
            acme: AcmeFlags {
                domains: args.acme_domains,
                email: args.acme_email,
                directory: args.acme_directory,
                ca: args.acme_ca,
            },
        },
        redirect_listen: args.redirect_listen,
        allow_plaintext: args.allow_plaintext,
        public_url: args.public_url,
        trusted_proxies: args.trusted_proxies,
        disk_reserve: args.disk_reserve,
        backup_dir: args.backup_dir,
        backup_every: args.backup_every,
        backup_keep: args.backup_keep,
        retention: args.retention,
        canary_every: args.canary_every,
        refused_retention: args.refused_retention,
        notices: args.notices.flags(),
    };
    let passed = PassedSockets::take(&context.environment)?;
    let flags = passed.in_flags(&context.environment, flags)?;
    let mut server = ServerConfig::load(&context.environment, &flags)?;
    server.database = resolve_links(&server.database);
    startup::log_settings(&context.environment);
    run_server(context, &server, passed, None)
}

/// Runs a server until a signal ends it, on the sockets that were passed to it or its own; with a sign-in
/// link, prints that.
pub(crate) fn run_server(
    context: &CommandContext,
    server: &ServerConfig,
    passed: PassedSockets,
    link: Option<SignInLink>,
) -> Result<(), CliError> {
    let _log_thread = LogThread::start()?;
    let lock = ServerLock::take(&server.database)?;
    let runtime = start_runtime()?;
    let sockets = Sockets::bind(server, passed)?;
    let certificate = CertificateTask::open(server, &context.clock)?;
    let manager = ServiceManager::new(NotifySettings::load(&context.environment)?);
    manager.starting();
    let prepared =
        migrate::prepare(&server.database, &context.clock, &CommandContext::actor(), &lock)?;
    let tokens = server.tokens(|path, token| create_new(&server.database, path, token))?;
    startup::log_prepared(server, &prepared, &tokens);
    let store = certificate.as_ref().map(CertificateTask::store);
    startup::log_certificate(server, store.as_ref());
    startup::leave_settings(server, sockets.address());
    let backups = server.backups.clone();
    let backups =
        backups.map(|BackupConfig { folder, every, keep }| BackupSchedule { folder, every, keep });
    let schedules = Schedules {
        backups,
        retention: server.retention,
        canary_every: server.canary_every,
        refused_retention: RefusedRetention(server.refused_retention),
        certificate: store.clone(),
        notices: notice_settings(&server.notices, &server.url(sockets.address())),
    };
    let (app, background) = App::start(
        &server.database,
        &context.clock,
        server.disk_reserve,
        schedules,
        runtime.handle(),
    )?;
    let listeners = sockets.listen(&runtime)?;
    let shutdown = background.shutdown();
    signals::handle(&runtime, shutdown.clone(), store, manager.clone())?;
    let tls = certificate.map(|task| task.start(&runtime, shutdown.clone())).transpose()?;
    runtime.block_on(serve(server, (app, tokens), (listeners, tls), link, (shutdown, manager)))?;
    if !background.stop(runtime, STOP_TIMEOUT) {
        return Err(CliError::Failed(
            "stopped before the disk answered; what was not acknowledged may not be stored".into(),
        ));
    }
    tracing::info!("stopped");
    Ok(())
}

/// One thread serves all connections, and the writer has its own: what they do is short, and
/// answers need not wake one thread from another.
fn start_runtime() -> Result<Runtime, CliError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().max_blocking_threads(MAX_BLOCKING_THREADS).build()?)
}

/// Serves until a signal, then finishes the requests that have arrived.
async fn serve(
    server: &ServerConfig,
    (app, tokens): (App, IngestTokens),
    (listeners, tls): (Listeners, Option<ServerTls>),
    link: Option<SignInLink>,
    (shutdown, manager): (CancellationToken, ServiceManager),
) -> Result<(), CliError> {
    let address = listeners.main.local_addr()?;
    let url = server.url(address);
    startup::log_listening(server, &tokens, address, &url);
    print_setup_link(&app, &url).await?;
    let db = app.db.clone();
    let mut context = http::context::HttpContext::new(app, tokens)
        .with_public_url(server.public_url.as_deref(), tls.is_some())
        .with_trusted_proxies(server.trusted_proxies.clone());
    context.metrics_token = server.metrics_token.digest;
    let mut routes = http::router::routes(&context);
    if let Some(link) = link {
        let text = startup::sign_in_link(&format!("{url}{}", link.path()));
        output::data(text.as_bytes())?;
        routes = link.add_to(routes, &context);
    }
    let limits = Limits { connections: max_connections(), ..Limits::default() };
    let policy = HeaderPolicy {
        cors_origins: server.cors_origins.clone().into(),
        is_https: context.is_https(),
    };
    let Listeners { main, redirect } = listeners;
    let stop = shutdown.clone().cancelled_owned();
    let metrics = Some(db.metrics().clone());
    let serving = http::server::serve(main, tls, routes, policy, limits, metrics, stop);
    let redirecting = redirect.map(|redirect| {
        let target = RedirectTarget::new(server.public_url.as_deref(), address.port());
        serve_redirects(redirect, &target, shutdown.clone())
    });
    let supervising = manager.supervise(db.health(), shutdown.clone());
    tokio::join!(serving, OptionFuture::from(redirecting), supervising);
    Ok(())
}

/// Redirects plaintext to HTTPS, with few connections and without a promise of HTTPS in its headers.
fn serve_redirects(
    listener: Listener,
    target: &RedirectTarget,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    match listener.local_addr() {
        Ok(address) => tracing::info!(redirect_address = %address, "redirecting to HTTPS"),
        Err(error) => tracing::warn!(%error, "redirecting to HTTPS"),
    }
    let (policy, limits) = (HeaderPolicy::default(), Limits::of_redirects());
    let routes = redirect::routes(target);
    http::server::serve(listener, None, routes, policy, limits, None, shutdown.cancelled_owned())
}

/// Prints the link for the first account where there is none, on a terminal alone: anywhere else, such as in
/// a journal, others could read it.
async fn print_setup_link(app: &App, url: &str) -> Result<(), CliError> {
    let Some(token) = app.admin.setup.issue_token().await? else { return Ok(()) };
    if !io::stdout().is_terminal() {
        tracing::info!(
            "there is no account for the admin page yet; `fastcore staff invite NAME` prints a link for one"
        );
        return Ok(());
    }
    if let Err(error) = output::data(startup::setup_link(url, &token).as_bytes()) {
        tracing::warn!(%error, "the link for the first account could not be printed");
    }
    Ok(())
}

/// Raises the soft limit of open file descriptors to the hard one; returns how many connections
/// that allows.
fn max_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let descriptors = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let max = Limits::default().connections;
    let allowed = descriptors.map(|n| n.saturating_sub(RESERVED_DESCRIPTORS));
    allowed.map_or(max, |n| usize::try_from(n).map_or(max, |n| n.min(max)))
}
