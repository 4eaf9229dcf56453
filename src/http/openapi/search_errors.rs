//! Error responses of searches and exports for the document.

use utoipa::IntoResponses;

use crate::app::export::error::ExportError;
use crate::http::error::ApiError;
use crate::http::extract::body;
use crate::http::extract::query::Query;
use crate::http::openapi::responses::{
    Responses, admin_errors, body_errors, error_responses, error_set,
};

error_set!(
    /// The errors of a search.
    SearchErrors,
    search_errors()
);
error_set!(
    /// [`SearchErrors`], and those of one lead.
    SearchedLeadErrors,
    search_errors().into_iter().chain([ApiError::NotFound, ApiError::ERASED])
);
error_set!(
    /// The errors of an export, whose filter is a form.
    ExportErrors,
    {
        let mut query = Query::parse_form(b"since=yesterday&format=exe");
        query.period();
        query.export_format();
        let errors = [ExportError::Busy.into(), ExportError::DiskLimit(0).into()];
        let all = admin_errors().into_iter().chain(query.check().err()).chain(errors);
        all.chain(body_errors(body::FORM))
    }
);
/// The errors of a filter in a JSON body.
fn search_errors() -> Vec<ApiError> {
    let invalid =
        Query::parse_json(br#"{"since": "yesterday", "limit": "all"}"#).map(|mut query| {
            query.period();
            query.lead_page();
            query.check().err()
        });
    let not_json = Query::parse_json(b"{\"q\": ").err();
    let errors = admin_errors().into_iter().chain(invalid.ok().flatten()).chain(not_json);
    errors.chain(body_errors(body::JSON)).collect()
}
