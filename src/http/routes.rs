//! Every route. A route rejects on path and method alone, so what no route takes is a 405 or a 404
//! and nothing else; each is boxed at the leaf, so that the tree stays cheap to compile.

use warp::Filter;
use warp::reply::Reply;

use super::context::{Context, Route};
use super::reply::Failure;
use super::wire::Wire;
use super::{admin, health, intake};

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
    // Everything under /admin is one route: no order of filters decides what answers.
    let admin = warp::path!("admin" / ..)
        .and(with(context))
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Wire>())
        .and(warp::body::stream())
        .then(admin::answer)
        .boxed();
    [
        submit,
        leads().map(|| Failure::MethodNotAllowed("POST").into_response()).boxed(),
        report,
        health().map(|| Failure::MethodNotAllowed("GET, HEAD").into_response()).boxed(),
        admin,
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
