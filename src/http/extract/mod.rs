//! Reads parts of a request: the bearer token, the JSON body, the query.

pub(crate) mod bearer;
pub(crate) mod json_body;
pub(crate) mod query;
