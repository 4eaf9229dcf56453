//! The document's part about the admin page.

use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{self, ObjectBuilder, PathItem, Required, Response, Type};

use crate::http::admin::{
    account, account_sessions, audit, events, export, leads, pages, refused, session, setup, stats,
    status,
};
use crate::http::error::ApiError;
use crate::http::extract::cookie;
use crate::http::openapi::responses::{
    Responses, bare_response, content_response, error_responses,
};

#[derive(OpenApi)]
#[openapi(
    paths(
        session::current,
        session::sign_in,
        session::sign_out,
        setup::link,
        setup::propose_factor,
        setup::set_up_account,
        account_sessions::account,
        account::change_password,
        account::propose_factor,
        account::change_factor,
        account::change_recovery_codes,
        account_sessions::end_others,
        account_sessions::end,
        leads::list,
        leads::search,
        leads::open,
        leads::open_found,
        refused::list,
        refused::open,
        stats::stats,
        audit::list,
        status::status,
        export::export,
        events::events,
    ),
    tags(
        (name = "admin", description = "What the admin page reads, for a staff session. Nothing is \
            changed but the account that is signed in or set up; the audit log records each lead that is \
            opened and each export."),
        (name = "page", description = "The admin page and its files."),
    ),
)]
struct AdminDocument;

/// The document's part about the admin page.
pub(crate) fn document() -> openapi::OpenApi {
    let mut document = AdminDocument::openapi();
    let components = document.components.get_or_insert_default();
    for (name, cookie, when) in [
        ("session", cookie::HTTP_NAME, "where clients reach the server over HTTP"),
        ("session_https", cookie::HTTPS_NAME, "where clients reach the server over HTTPS"),
    ] {
        let description = format!("The cookie of a staff session, {when}; signing in sets it.");
        let key = ApiKey::Cookie(ApiKeyValue::with_description(cookie, &description));
        components.add_security_scheme(name, SecurityScheme::ApiKey(key));
    }
    let mut add = |path: &str, item| document.paths.paths.insert(path.to_owned(), item);
    for view in &pages::VIEWS {
        let html = content_response("The admin page, which shows this view.", ["text/html"]);
        let id = PathParameter { name: "id", description: "The lead's id.", example: None };
        let id = view.path.contains("{id}").then_some(id);
        let errors = Responses::new();
        add(view.path, page_file(view.operation_id, view.summary, id, html, errors));
    }
    let script = content_response("A script.", ["text/javascript"]);
    let item = page_file(
        "getServiceWorker",
        "Get the page's service worker",
        None,
        script,
        Responses::new(),
    );
    add("/admin/sw.js", item);
    let types =
        ["text/javascript", "text/css", "image/svg+xml", "image/png", "application/manifest+json"];
    let file = content_response("A script, a style sheet or an image; it never changes.", types);
    let name = PathParameter {
        name: "file",
        description: "The name that the page uses, with a hash of the content; it may contain slashes.",
        example: pages::example_asset(),
    };
    let errors = error_responses([ApiError::NotFound]);
    let item = page_file("getPageFile", "Get a file of the page", Some(name), file, errors);
    add("/admin/assets/{file}", item);
    document
}

struct PathParameter {
    name: &'static str,
    description: &'static str,
    example: Option<String>,
}

/// A path of the page or its files, which need no session.
fn page_file(
    id: &str,
    summary: &str,
    parameter: Option<PathParameter>,
    content: Response,
    errors: Responses,
) -> PathItem {
    let parameter = parameter.map(|PathParameter { name, description, example }| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .example(example.map(Value::from))
    });
    let not_modified = bare_response("Not modified (`If-None-Match`).");
    let success = [("200".to_owned(), content.into()), ("304".to_owned(), not_modified.into())];
    let responses = success.into_iter().chain(errors);
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .description(Some("Needs no session: the page reads its data from `/admin/api`."))
        .tag("page")
        .parameters(Some(parameter))
        .responses(responses.collect::<openapi::Responses>())
        .securities(Some([SecurityRequirement::default()]));
    PathItem::new(HttpMethod::Get, operation)
}
