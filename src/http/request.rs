//! A request as the handlers receive it.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;

use crate::http::context::HttpContext;
use crate::http::error::ApiError;
use crate::http::extract::body;
use crate::http::extract::body::BodyStream;
use crate::http::extract::query::Query;
use crate::http::middleware::client_address::client_address;
use crate::http::server::connection::ConnectionInfo;

/// A request whose path and method have a handler.
pub(crate) struct HttpRequest {
    pub(crate) context: HttpContext,
    pub(crate) headers: HeaderMap,
    /// The value of the path's parameter, not percent-decoded; empty if the path has none.
    pub(crate) path_param: String,
    pub(crate) query: Query,
    pub(crate) connection: ConnectionInfo,
    pub(crate) body: BodyStream,
    /// The account of the session, once that was found.
    pub(crate) account: AccountCell,
}

/// The account that a request comes from, for the request log; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountCell(Arc<OnceLock<String>>);

impl AccountCell {
    /// Keeps the first account that is set.
    pub(crate) fn set(&self, account: &str) {
        let _ = self.0.set(account.to_owned());
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl HttpRequest {
    /// The client's address; `None` where clients are not told apart.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        client_address(self.connection.peer, &self.headers, &self.context.trusted_proxies)
    }

    /// Reads the body, which must be JSON by its media type and at most 64 KiB.
    pub(crate) async fn read_json(&mut self) -> Result<Bytes, ApiError> {
        self.read_body(body::JSON).await
    }

    /// Reads the body, which must be that of a form.
    pub(crate) async fn read_form(&mut self) -> Result<Bytes, ApiError> {
        self.read_body(body::FORM).await
    }

    /// Reads the body, of whatever media type.
    pub(crate) async fn read_raw(&mut self) -> Result<Bytes, ApiError> {
        let body = std::mem::replace(&mut self.body, Box::pin(stream::empty()));
        body::read(&self.headers, body, self.context.body_timeout).await
    }

    async fn read_body(&mut self, media_type: &'static str) -> Result<Bytes, ApiError> {
        let body = self.read_raw().await?;
        body::check(&self.headers, &body, media_type)?;
        Ok(body::without_bom(body))
    }
}
