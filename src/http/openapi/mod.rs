//! The OpenAPI document: made from the types that the handlers read and return, its error examples
//! by the code that answers. The handlers use `responses`, `params` and `lead_schema`; `document`
//! and `admin` assemble the document from the handlers.

pub(crate) mod account_bodies;
pub(crate) mod admin;
pub(crate) mod bodies;
pub(crate) mod body;
pub mod document;
pub(crate) mod filter_schemas;
pub(crate) mod lead_schema;
pub(crate) mod params;
pub(crate) mod responses;
pub(crate) mod search_errors;
