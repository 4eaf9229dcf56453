//! Reads parts of a request: the bearer token, the session cookie, the query, the body.

pub(crate) mod bearer_auth;
pub(crate) mod body;
pub(crate) mod cookie;
pub(crate) mod fields;

pub(crate) mod query;
