//! The servers that FASTCore is compared with: its own HTTP server with one small handler, which
//! checks the token and parses the lead as FASTCore does, in front of another store.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fastcore::clock::Clock;
use fastcore::config::environment::Environment;
use fastcore::config::ingest_tokens::IngestTokens;
use fastcore::config::server::{ServerConfig, ServerFlags};
use fastcore::domain::hash_chain::ChainPosition;
use fastcore::domain::lead::NewLead;
use fastcore::http::header_policy::HeaderPolicy;
use fastcore::http::router::Routes;
use fastcore::http::server::listener::{Listener, bind};
use fastcore::http::server::{Limits, serve};
use fastcore::store::leads::submit::StoredLead;
use fastcore::telemetry::{self, LogFlags, LogThread};
use http::StatusCode;
use uuid::Uuid;
use warp::Filter;
use warp::reply::{Reply, Response};

use super::ordinary::Ordinary;

/// Where the comparison servers put a lead.
#[derive(Clone)]
enum Store {
    /// Answers as if the lead were stored: the ceiling.
    Nothing,
    Ordinary(Ordinary),
}

/// Runs one of the comparison servers in this process, until it is killed.
pub(super) fn run(role: &str) {
    let environment = Environment::load().expect("an environment");
    telemetry::start(&environment, &LogFlags::default()).expect("a log");
    let settings = ServerConfig::load(&environment, &ServerFlags::default()).expect("settings");
    let tokens = settings.tokens(|_, _| unreachable!("a token is configured")).expect("a token");
    let store = match role {
        "nothing" => Store::Nothing,
        _ => Store::Ordinary(Ordinary::open(Path::new("ordinary.db"))),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _log_thread = LogThread::start().expect("a thread");
    runtime.block_on(async {
        let listener = bind(settings.listen).and_then(Listener::new).expect("a port");
        let address = listener.local_addr().expect("an address");
        writeln!(std::io::stderr(), r#"{{"address":"{address}"}}"#).expect("a log");
        let policy =
            HeaderPolicy { cors_origins: settings.cors_origins.into(), ..HeaderPolicy::default() };
        let route = route(store, tokens);
        serve(listener, None, route, policy, Limits::default(), None, std::future::pending()).await;
    });
}

fn route(store: Store, tokens: IngestTokens) -> Routes {
    let tokens = Arc::new(tokens);
    warp::path!("inbound" / "leads")
        .and(warp::post())
        .and(warp::header::<String>("authorization"))
        .and(warp::body::bytes())
        .then(move |authorization: String, body: Bytes| {
            let (store, tokens) = (store.clone(), Arc::clone(&tokens));
            async move { submit(&store, &tokens, &authorization, &body).await }
        })
        .boxed()
}

async fn submit(
    store: &Store,
    tokens: &IngestTokens,
    authorization: &str,
    body: &[u8],
) -> Response {
    let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
    if !tokens.accepts(token.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(lead) = NewLead::parse(body) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let stored = match store {
        Store::Nothing => StoredLead {
            lead_id: Uuid::now_v7().to_string(),
            created_at_utc: Clock::system().now().into(),
            receipt: ChainPosition::START,
        },
        Store::Ordinary(ordinary) => ordinary.store(lead).await,
    };
    let answer = warp::reply::json(&serde_json::json!({
        "leadId": stored.lead_id,
        "timestamp": stored.created_at_utc,
        "status": "received",
        "receipt": stored.receipt.to_string(),
    }));
    warp::reply::with_status(answer, StatusCode::CREATED).into_response()
}
