//! Every route. A route rejects on path and method alone, so what no route takes is a 405 or a 404
//! and nothing else; each is boxed at the leaf, so that the tree stays cheap to compile.

use std::sync::Arc;
use std::time::Duration;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::reply::Failure;
use super::{health, intake};
use crate::app::App;
use crate::config::IngestTokens;

/// A route, or all of them.
pub type Route = BoxedFilter<(Response,)>;

/// What the handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    pub app: App,
    pub tokens: Arc<IngestTokens>,
    /// How long a whole body may take to arrive.
    pub body_deadline: Duration,
}

impl Context {
    /// With the deadline of production.
    #[must_use]
    pub fn new(app: App, tokens: IngestTokens) -> Self {
        Self { app, tokens: Arc::new(tokens), body_deadline: Duration::from_secs(8) }
    }
}

/// All the routes of the server.
#[must_use]
pub fn routes(context: &Context) -> Route {
    let leads = || warp::path!("inbound" / "leads");
    let submit = leads()
        .and(warp::post())
        .and(with(context))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(intake::submit)
        .map(Reply::into_response)
        .boxed();
    let health = || warp::path!("health");
    let report = health()
        .and(get_or_head())
        .and(with(context))
        .map(|context| health::report(&context))
        .boxed();
    [
        submit,
        leads().map(|| Failure::MethodNotAllowed("POST").into_response()).boxed(),
        report,
        health().map(|| Failure::MethodNotAllowed("GET, HEAD").into_response()).boxed(),
    ]
    .into_iter()
    .rev()
    .fold(not_found(), |rest, route| route.or(rest).unify().boxed())
}

fn not_found() -> Route {
    warp::any().map(|| Failure::NotFound.into_response()).boxed()
}

fn with(
    context: &Context,
) -> impl Filter<Extract = (Context,), Error = std::convert::Infallible> + Clone + use<> {
    let context = context.clone();
    warp::any().map(move || context.clone())
}

fn get_or_head() -> impl Filter<Extract = (), Error = warp::Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}
