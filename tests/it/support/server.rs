//! A server in this process, with its own port and database.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use fastcore::app::notices::settings::NoticeSettings;
use fastcore::app::{App, Schedules, migrate};
use fastcore::clock::Clock;
use fastcore::config::environment::Environment;
use fastcore::config::server::{ServerConfig, ServerFlags};
use fastcore::http::context::HttpContext;
use fastcore::http::header_policy::HeaderPolicy;
use fastcore::http::router::{Routes, routes};
use fastcore::http::server::listener::{Listener, bind};
use fastcore::http::server::tls::ServerTls;
use fastcore::http::server::{Limits, serve};
use fastcore::store::db::lock::ServerLock;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{METRICS_TOKEN, TOKEN};

pub(crate) const ORIGIN: &str = "https://fast-techservices.com";

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    /// The token of the link for the first account.
    pub(crate) setup_token: String,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with_limits(Limits::default(), Duration::from_secs(8))
    }

    pub(crate) fn with_limits(limits: Limits, body_timeout: Duration) -> Self {
        Self::with_options(limits, body_timeout, Clock::system(), None)
    }

    /// A server that clients reach at this URL, by a clock of the test's own.
    pub(crate) fn with_options(
        limits: Limits,
        body_timeout: Duration,
        clock: Clock,
        public_url: Option<&'static str>,
    ) -> Self {
        let prepare = move |context: &mut HttpContext| context.body_timeout = body_timeout;
        Self::with_context(limits, clock, public_url, None, Schedules::default(), prepare)
    }

    /// A server whose exports may take this long.
    pub(crate) fn with_export_time(limits: Limits, time: Duration) -> Self {
        let prepare = move |context: &mut HttpContext| {
            context.app.admin.exports.time_limit = time;
        };
        Self::with_context(limits, Clock::system(), None, None, Schedules::default(), prepare)
    }

    /// A server that speaks HTTPS.
    pub(crate) fn with_tls(tls: ServerTls, limits: Limits) -> Self {
        Self::with_context(limits, Clock::system(), None, Some(tls), Schedules::default(), |_| {})
    }

    /// A server that announces new leads.
    pub(crate) fn with_notices(notices: NoticeSettings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::in_folder(folder, Clock::system(), Schedules { notices, ..Schedules::default() })
    }

    /// A server whose database is in this folder, and what it does by itself.
    pub(crate) fn in_folder(folder: TempDir, clock: Clock, schedules: Schedules) -> Self {
        Self::with_all(folder, Limits::default(), clock, None, None, schedules, |_| {})
    }

    /// Stops the server; what it leaves.
    pub(crate) fn into_folder(mut self) -> TempDir {
        self.stop();
        let other = tempfile::tempdir().expect("a folder");
        std::mem::replace(&mut self.folder, other)
    }

    fn with_context(
        limits: Limits,
        clock: Clock,
        public_url: Option<&'static str>,
        tls: Option<ServerTls>,
        schedules: Schedules,
        prepare: impl FnOnce(&mut HttpContext) + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::with_all(folder, limits, clock, public_url, tls, schedules, prepare)
    }

    fn with_all(
        folder: TempDir,
        limits: Limits,
        clock: Clock,
        public_url: Option<&'static str>,
        tls: Option<ServerTls>,
        schedules: Schedules,
        prepare: impl FnOnce(&mut HttpContext) + Send + 'static,
    ) -> Self {
        let database = folder.path().join("fastcore.db");
        let (ready, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let lock = ServerLock::take(&database).expect("the lock");
            migrate::prepare(&database, &clock, "cli:test", &lock).expect("a schema");
            let variables = [
                ("FASTCORE_SITE_INGEST_TOKEN", TOKEN),
                ("FASTCORE_METRICS_TOKEN", METRICS_TOKEN),
                ("DATABASE_URL", database.to_str().expect("UTF-8")),
                ("FASTCORE_LISTEN", "127.0.0.1:0"),
                // The tests name clients as a proxy does.
                ("FASTCORE_TRUSTED_PROXIES", "127.0.0.1"),
            ];
            let environment = Environment::of(&variables);
            let server =
                ServerConfig::load(&environment, &ServerFlags::default()).expect("settings");
            let tokens =
                server.tokens(|_, _| unreachable!("a token is configured")).expect("tokens");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let (app, background) =
                App::start(&database, &clock, 0, schedules, runtime.handle()).expect("an app");
            let setup = app.admin.setup.clone();
            let mut context = HttpContext::new(app, tokens)
                .with_public_url(public_url, tls.is_some())
                .with_trusted_proxies(server.trusted_proxies.clone());
            context.metrics_token = server.metrics_token.digest;
            prepare(&mut context);
            runtime.block_on(async move {
                let listener = bind(server.listen).and_then(Listener::new).expect("a port");
                let link = setup.issue_token().await.expect("an answer").unwrap_or_default();
                drop(setup);
                ready.send((listener.local_addr().expect("an address"), link)).expect("a test");
                let all = routes(&context);
                let policy = HeaderPolicy {
                    cors_origins: server.cors_origins.into(),
                    is_https: context.is_https(),
                };
                let metrics = context.app.db.metrics().clone();
                drop(context);
                let stop = async move { drop(stopped.await) };
                serve(listener, tls, all, policy, limits, Some(metrics), stop).await;
            });
            assert!(background.stop(runtime, Duration::from_secs(10)), "the writer ends");
        });
        let (address, setup_token) = address.recv().expect("the server starts");
        Self { address, setup_token, folder, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("fastcore.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of a test's own to the database, as any tool would open it.
    pub(crate) fn sqlite(&self) -> Connection {
        let conn = Connection::open(self.database()).expect("the database");
        conn.busy_timeout(Duration::from_secs(10)).expect("a timeout");
        conn
    }

    /// [`super::wait_until`], for a test that has no other use of it.
    pub(crate) fn eventually(&self, it: impl FnMut() -> bool) -> bool {
        super::wait_until(it)
    }

    /// A number that a query gives.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.sqlite().query_row(sql, [], |row| row.get(0)).expect(sql)
    }

    /// Stops the server as SIGTERM does and waits for its end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends");
        }
    }
}

/// Routes of a test's own, served until this is dropped.
pub(crate) struct RouteServer {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves routes that need no database.
pub(crate) fn serving(routes: Routes) -> RouteServer {
    let (ready, address) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener =
                bind(([127, 0, 0, 1], 0).into()).and_then(Listener::new).expect("a port");
            ready.send(listener.local_addr().expect("an address")).expect("a test");
            let stop = async move { drop(stopped.await) };
            let (policy, limits) = (HeaderPolicy::default(), Limits::default());
            serve(listener, None, routes, policy, limits, None, stop).await;
        });
    });
    let address = address.recv().expect("the server starts");
    RouteServer { address, stop: Some(stop), thread: Some(thread) }
}

impl Drop for RouteServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
