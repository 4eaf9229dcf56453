//! The link of `fastcore demo` that signs a browser in. Not one of the server's own routes.

use std::future::ready;

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::http::context::HttpContext;
use crate::http::extract::cookie;
use crate::http::router::Routes;

/// A link that opens a session: whoever has it is signed in. For a temporary database on a loopback
/// address alone.
#[derive(Clone)]
pub(crate) struct SignInLink {
    secret: String,
    session_token: String,
}

impl std::fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInLink")
    }
}

impl SignInLink {
    /// A link to the session with this token.
    pub(crate) fn new(session_token: String) -> Self {
        Self { secret: uuid::Uuid::new_v4().simple().to_string(), session_token }
    }

    /// The path of the link.
    pub(crate) fn path(&self) -> String {
        format!("/admin/demo/{}", self.secret)
    }

    /// Adds the link to the server's routes.
    pub(crate) fn add_to(self, routes: Routes, context: &HttpContext) -> Routes {
        let origin = context.origin.clone();
        let path = self.path();
        let is_link = move |requested: warp::path::FullPath| {
            let same = requested.as_str() == path;
            ready(if same { Ok(()) } else { Err(warp::reject::not_found()) })
        };
        warp::get()
            .and(warp::path::full())
            .and_then(is_link)
            .untuple_one()
            .map(move || {
                let mut response: Response = StatusCode::SEE_OTHER.into_response();
                let headers = response.headers_mut();
                headers.insert(LOCATION, HeaderValue::from_static("/admin"));
                cookie::set_session(&origin, headers, &self.session_token);
                response
            })
            .or(routes)
            .unify()
            .boxed()
    }
}
