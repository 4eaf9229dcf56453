//! LiveEvent the page's part of the document says: its paths, what they answer, and who may ask.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    self, ContentBuilder, ObjectBuilder, PathItem, RefOr, Required, Response, ResponseBuilder,
    Schema, Type,
};
use utoipa::{IntoResponses, OpenApi, PartialSchema, ToSchema};

use crate::app::live::event::LiveEvent;
use crate::app::staff::sign_in::SignInError;
use crate::http::admin::export::FORMATS;
use crate::http::admin::session::{COOKIE_OF_HTTP, COOKIE_OF_HTTPS, Fields};
use crate::http::admin::{
    ASSETS, READ, SESSION_METHODS, audit, events, export, foreign, leads, session, signed_out,
    stats, status,
};
use crate::http::error::ApiError;
use crate::http::extract::query::Query;
use crate::http::openapi::{any_request, of};
use crate::store::error::StoreError;

type Responses = BTreeMap<String, RefOr<Response>>;

#[derive(OpenApi)]
#[openapi(
    paths(
        session::who,
        session::sign_in,
        session::sign_out,
        session::first,
        leads::page,
        leads::open,
        stats::answer,
        audit::page,
        status::answer,
        export::answer,
        events::answer,
    ),
    tags(
        (name = "admin", description = "LiveEvent the admin page reads, for a staff session. Apart from \
            signing in and out and creating the very first account, nothing is changed: what is \
            looked at and taken out is told in the audit log."),
        (name = "page", description = "The admin page and its files."),
    ),
)]
struct Document;

/// The views of the page, each with the name and the words of its operation.
const VIEWS: [(&str, &str, &str); 7] = [
    ("/admin", "viewInbox", "The inbox"),
    ("/admin/leads/{id}", "viewLead", "A lead"),
    ("/admin/stats", "viewFigures", "Figures"),
    ("/admin/audit", "viewAuditLog", "The audit log"),
    ("/admin/status", "viewState", "The server's state"),
    ("/admin/setup", "viewWelcome", "Making the first account"),
    ("/admin/sign-in", "viewSignIn", "Signing in"),
];

/// `{file*}` as a document can say it.
const FILE_IN_DOCUMENT: &str = "/admin/assets/{file}";

/// The page's part of the document.
pub(crate) fn document() -> openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    for (name, cookie, when) in [
        ("session", COOKIE_OF_HTTP, "where clients reach the server by HTTP"),
        ("session_https", COOKIE_OF_HTTPS, "where clients reach the server by HTTPS"),
    ] {
        let what = format!("The cookie of a staff session, {when}; signing in sets it.");
        let key = ApiKey::Cookie(ApiKeyValue::with_description(cookie, &what));
        components.add_security_scheme(name, SecurityScheme::ApiKey(key));
    }
    let mut add = |path: &str, item| document.paths.paths.insert(path.to_owned(), item);
    for (path, id, summary) in VIEWS {
        let html = content("It shows what the session may see.", ["text/html"]);
        let lead = Named { name: "id", what: "Of a lead.", example: None };
        let lead = path.contains("{id}").then_some(lead);
        add(path, page(id, summary, lead, of(any_request(READ)), html));
    }
    let files = ["text/javascript", "text/css", "image/svg+xml", "text/plain", "application/json"];
    let file = content("A script, a style sheet or an image: it never changes.", files);
    let name = Named {
        name: "file",
        what: "As the page names it, with a hash of the content; it may have slashes.",
        example: ASSETS.example(),
    };
    let refused = of(any_request(READ).into_iter().chain([ApiError::NotFound]));
    add(FILE_IN_DOCUMENT, page("pageFile", "A file of the page", Some(name), refused, file));
    document
}

/// An answer of bytes or text.
fn content<'t>(what: &str, types: impl IntoIterator<Item = &'t str>) -> Response {
    let text =
        || ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let response = ResponseBuilder::new().description(what);
    types.into_iter().fold(response, |r, of| r.content(of, text().build())).build()
}

/// A name in a path.
struct Named<'n> {
    name: &'n str,
    what: &'n str,
    example: Option<String>,
}

/// Of the page and its files, which anyone may have.
fn page(
    id: &str,
    summary: &str,
    name: Option<Named<'_>>,
    refused: Responses,
    content: Response,
) -> PathItem {
    let name = name.map(|Named { name, what, example }| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(what))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .example(example.map(Value::from))
    });
    let known = Response::new("It is as the client knows it (`If-None-Match`).");
    let answers = [("200".to_owned(), content.into()), ("304".to_owned(), known.into())];
    let responses = answers.into_iter().chain(refused);
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .tag("page")
        .parameters(Some(name))
        .responses(responses.collect::<openapi::Responses>())
        .securities(Some([SecurityRequirement::default()]));
    PathItem::new(HttpMethod::Get, operation)
}

/// Why somebody who is signed in may not get what they ask for.
pub(crate) struct Read;

/// [`Read`], where a filter may be wrong.
pub(crate) struct Filtered;

/// [`Filtered`], of one lead.
pub(crate) struct OneLead;

/// Why nobody is signed in.
pub(crate) struct NotSignedIn;

/// Why a session is not ended.
pub(crate) struct NotSignedOut;

/// Why there is no first account.
pub(crate) struct NoFirstAccount;

macro_rules! refusals {
    ($of:ty, $failures:expr) => {
        impl IntoResponses for $of {
            fn responses() -> Responses {
                of($failures)
            }
        }
    };
}

refusals!(Read, read());
refusals!(Filtered, filtered());
refusals!(OneLead, filtered().into_iter().chain([ApiError::NotFound, leads::erased()]));
refusals!(
    NotSignedOut,
    [foreign(), StoreError::Full.into()].into_iter().chain(any_request(SESSION_METHODS))
);
refusals!(NotSignedIn, {
    let refused =
        [SignInError::Wrong, SignInError::WrongCode, SignInError::CodeRequired].map(ApiError::from);
    refused.into_iter().chain(posted(SESSION_METHODS))
});
refusals!(NoFirstAccount, [ApiError::LinkExpired].into_iter().chain(posted("POST")));

fn read() -> Vec<ApiError> {
    let failures = [signed_out(), StoreError::Locked.into()];
    failures.into_iter().chain(any_request(READ)).collect()
}

fn filtered() -> Vec<ApiError> {
    let mut query = Query::read("since=yesterday&until=2026-02-30");
    query.period();
    read().into_iter().chain(query.check().err()).collect()
}

/// LiveEvent a body from the page may be refused for.
fn posted(methods: &'static str) -> Vec<ApiError> {
    let mut empty = Fields::default();
    empty.required("name");
    empty.required("password");
    let refused = [
        foreign(),
        ApiError::Timeout("The body did not arrive in time"),
        ApiError::PayloadTooLarge,
        ApiError::UnsupportedMediaType,
        ApiError::TooManyRequests(60),
        StoreError::Full.into(),
    ];
    let unread = [Fields::read(b"{\"name\": ").err(), empty.check().err()];
    refused.into_iter().chain(unread.into_iter().flatten()).chain(any_request(methods)).collect()
}

/// The file, by the media type of its form.
pub(crate) struct ExportedFile;

impl IntoResponses for ExportedFile {
    fn responses() -> Responses {
        let types = FORMATS.map(|format| format.extension_and_media_type().1);
        let types = types.map(|of| of.split(';').next().unwrap_or(of));
        let mut file = content("The leads, as a file.", types);
        let mut name = Header::new(ObjectBuilder::new().schema_type(Type::String));
        name.description = Some("`attachment`, with a name for the file.".to_owned());
        file.headers.insert("Content-Disposition".to_owned(), name.into());
        BTreeMap::from([("200".to_owned(), file.into())])
    }
}

/// An event of the stream, whose data is JSON in text.
pub(crate) struct LiveEventSchema;

impl PartialSchema for LiveEventSchema {
    fn schema() -> RefOr<Schema> {
        let mut schema = LiveEvent::schema();
        let RefOr::T(Schema::OneOf(events)) = &mut schema else { return schema };
        for event in &mut events.items {
            let RefOr::T(Schema::Object(event)) = event else { continue };
            let Some(data) = event.properties.get_mut("data") else { continue };
            let of_data = serde_json::to_value(&*data).unwrap_or_default();
            *data = ObjectBuilder::new()
                .schema_type(Type::String)
                .content_media_type("application/json")
                .extensions(Some(Extensions::from_iter([("contentSchema", of_data)])))
                .into();
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[0-9]+$"))
                .description(Some("Its place in the audit log: for `Last-Event-ID`."));
            event.properties.insert("id".to_owned(), id.into());
            event.required.push("id".to_owned());
        }
        schema
    }
}

impl ToSchema for LiveEventSchema {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        LiveEvent::schemas(schemas);
    }
}
