//! Error responses of the document: one for each status, with every error as an example that is
//! made by the code that answers.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{
    Content, ContentBuilder, Object, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    Schema, Type,
};
use utoipa::{IntoResponses, ToSchema};

use crate::app::intake::Refusal;
use crate::app::staff::sign_in::SignInError;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::http::error::{ApiError, FieldErrorDto};
use crate::http::extract::body;
use crate::http::extract::fields::Fields;
use crate::http::extract::query::Query;
use crate::store::error::StoreError;

/// Responses by their status.
pub(crate) type Responses = BTreeMap<String, RefOr<Response>>;

macro_rules! error_set {
    ($(#[$doc:meta])* $name:ident, $errors:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                error_responses($errors)
            }
        }
    };
}

pub(crate) use error_set;

error_set!(
    /// The errors of a path whose parameter names something that may not exist.
    NotFoundError,
    [ApiError::NotFound]
);
error_set!(
    /// The errors of the metrics.
    MetricsErrors,
    token_errors().into_iter().chain([ApiError::NotFound])
);
error_set!(
    /// The errors of the intake of leads.
    IntakeErrors,
    {
        let errors = [
            parse_error(b"{\"name\": ").kept_if(true),
            parse_error(br#"{"name": "J", "email": "jean@example", "consent": "yes", "meta": {}}"#)
                .kept_if(true),
            Refusal::Conflict(vec!["message"]).into(),
            Refusal::Erased.into(),
            StoreError::Full.into(),
        ];
        let body_errors = body_errors(body::JSON).into_iter().map(|error| {
            let is_media = error.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
            error.kept_if(is_media)
        });
        token_errors().into_iter().chain(errors).chain(body_errors)
    }
);
error_set!(
    /// The errors of a read by somebody who is signed in.
    AdminErrors,
    admin_errors()
);
error_set!(
    /// [`AdminErrors`], and those of an invalid filter.
    FilterErrors,
    filter_errors()
);
error_set!(
    /// [`FilterErrors`], and those of one lead.
    LeadErrors,
    filter_errors().into_iter().chain([ApiError::NotFound, ApiError::ERASED])
);
error_set!(
    /// The errors of the list of refused submissions.
    RefusedListErrors,
    {
        let mut query = Query::parse("settled=perhaps");
        query.settled();
        admin_errors().into_iter().chain(query.check().err())
    }
);
error_set!(
    /// The errors of one refused submission.
    RefusedErrors,
    admin_errors().into_iter().chain([ApiError::NotFound])
);
error_set!(
    /// The errors of signing in.
    SignInErrors,
    {
        let errors = [SignInError::Wrong, SignInError::WrongCode, SignInError::CodeRequired];
        errors.map(ApiError::from).into_iter().chain(form_errors())
    }
);
error_set!(
    /// The errors of signing out.
    SignOutErrors,
    [ApiError::CROSS_ORIGIN, StoreError::Full.into()]
);
error_set!(
    /// The errors of setting an account up by a link.
    SetupErrors,
    [ApiError::LinkExpired, ApiError::wrong_code(), ApiError::enrolment_expired()]
        .into_iter()
        .chain(form_errors())
);
error_set!(
    /// The errors of changing one's own account.
    OwnAccountErrors,
    own_account_errors()
);
error_set!(
    /// [`OwnAccountErrors`], and that of an account without a second factor.
    RecoveryCodeErrors,
    own_account_errors().into_iter().chain([ApiError::NoSecondFactor])
);
error_set!(
    /// The errors of ending sessions of one's own account.
    OwnSessionErrors,
    [ApiError::UNAUTHENTICATED, ApiError::CROSS_ORIGIN, StoreError::Full.into()]
);

fn own_account_errors() -> Vec<ApiError> {
    let errors = [ApiError::UNAUTHENTICATED, ApiError::WrongPassword];
    let more = [ApiError::wrong_code(), ApiError::enrolment_expired()];
    errors.into_iter().chain(form_errors()).chain(more).collect()
}

pub(crate) fn admin_errors() -> [ApiError; 3] {
    [ApiError::UNAUTHENTICATED, ApiError::CROSS_ORIGIN, StoreError::Locked.into()]
}

fn filter_errors() -> Vec<ApiError> {
    let mut query = Query::parse("since=yesterday&until=2026-02-30");
    query.period();
    admin_errors().into_iter().chain(query.check().err()).collect()
}

/// The errors of a form that a page of the server sends.
fn form_errors() -> Vec<ApiError> {
    let mut empty = Fields::default();
    empty.required("name");
    empty.required("password");
    let errors = [ApiError::CROSS_ORIGIN, ApiError::TooManyRequests(60), StoreError::Full.into()];
    let invalid = [Fields::parse(b"{\"name\": ").err(), empty.check().err()];
    errors.into_iter().chain(invalid.into_iter().flatten()).chain(body_errors(body::JSON)).collect()
}

/// The errors of a request without a bearer token that is accepted.
fn token_errors() -> [ApiError; 3] {
    ["Missing Authorization header", "Invalid auth scheme", "Invalid token"]
        .map(ApiError::Unauthorized)
}

/// The errors of reading a body of this media type.
pub(crate) fn body_errors(media_type: &'static str) -> [ApiError; 7] {
    [
        ApiError::NOT_ONE_HOST,
        ApiError::BROKEN_BODY,
        ApiError::HEAD_TIMEOUT,
        ApiError::BODY_TIMEOUT,
        ApiError::PayloadTooLarge,
        ApiError::UnsupportedMediaType(media_type),
        ApiError::UnsupportedContentEncoding,
    ]
}

/// The error of a body that is not a lead.
fn parse_error(body: &[u8]) -> ApiError {
    match NewLead::parse(body) {
        Err(LeadParseError::NotJson(detail)) => ApiError::InvalidJson(detail),
        Err(LeadParseError::Invalid { errors, .. }) => ApiError::Validation(errors),
        Ok(_) => ApiError::Internal,
    }
}

/// One response for each status, with every error of that status as an example.
pub(crate) fn error_responses(errors: impl IntoIterator<Item = ApiError>) -> Responses {
    let mut statuses: BTreeMap<String, Vec<ApiError>> = BTreeMap::new();
    for error in errors {
        statuses.entry(error.status().as_u16().to_string()).or_default().push(error);
    }
    statuses.into_iter().map(|(status, all)| (status, error_response(&all).into())).collect()
}

fn error_response(errors: &[ApiError]) -> Response {
    let mut lines: Vec<String> =
        errors.iter().map(|error| format!("`{}`: {}.", error.code(), cause(error))).collect();
    lines.dedup();
    let mut content = ContentBuilder::new().schema(Some(error_schema(errors)));
    let mut response = ResponseBuilder::new().description(lines.join(" "));
    for (index, error) in errors.iter().enumerate() {
        let value = serde_json::from_str(&error.body()).ok();
        let example = ExampleBuilder::new().summary(cause(error)).value(value);
        let name = match index {
            0 => error.code().to_owned(),
            n => format!("{}_{}", error.code(), n + 1),
        };
        content = content.examples_from_iter([(name, example.build())]);
        if let Some((name, _)) = error.header() {
            let (name, description) = if name == ALLOW {
                ("Allow", "The methods that the path accepts.")
            } else if name == RETRY_AFTER {
                ("Retry-After", "Seconds to wait.")
            } else if name == ACCEPT {
                ("Accept", "The media type that is accepted, if it is another.")
            } else if name == ACCEPT_ENCODING {
                ("Accept-Encoding", "`identity`, if the body is compressed.")
            } else {
                debug_assert_eq!(name, WWW_AUTHENTICATE);
                ("WWW-Authenticate", "`Bearer`.")
            };
            response = response.header(name, text_header(description));
        }
    }
    response.content("application/json", content.build()).build()
}

/// The body of these errors. Its codes are an enumeration, by which a generated client can tell the
/// errors apart; its title is the name of the component that [`name_schemas`] makes.
fn error_schema(errors: &[ApiError]) -> Object {
    let codes: BTreeSet<&str> = errors.iter().map(ApiError::code).collect();
    let is_validation = codes.contains("validation_error");
    let is_kept = errors.iter().any(|error| matches!(error, ApiError::Kept(_)));
    let detail: RefOr<Schema> = if is_validation {
        let item = Ref::from_schema_name(FieldErrorDto::name());
        ArrayBuilder::new().description(Some("Every invalid field.")).items(item).into()
    } else {
        text("A sentence for people.").into()
    };
    let code = text("The error code, for programs.").enum_values(Some(codes.clone()));
    // A constant `false` becomes an enumeration of the text "false" in some generators.
    let ok = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some("Always false."))
        .examples([false]);
    let kept = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(
            "True where the submission is kept for staff to see, so that the site may say that its message has \
             arrived; left out otherwise.",
        ))
        .examples([true]);
    let object = ObjectBuilder::new()
        .title(Some(error_name(&codes, is_kept)))
        .description(Some("An error."))
        .property("ok", ok)
        .property("error", code)
        .property("detail", detail);
    let object = if is_kept { object.property("kept", kept) } else { object };
    object.required("ok").required("error").required("detail").build()
}

/// `not_found` is `NotFoundErrorResponse`: neither `Error` nor `TimeoutError`, which languages have
/// already.
/// Those that may be kept have a name of their own.
fn error_name(codes: &BTreeSet<&str>, is_kept: bool) -> String {
    let names = codes.iter().map(|code| {
        let words = code.trim_end_matches("_error").split('_');
        words.map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>()
    });
    let kept = if is_kept { "Refused" } else { "" };
    format!("{kept}{}ErrorResponse", names.collect::<Vec<_>>().join("Or"))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// Makes a component of every schema of a response that has a title, so that all responses with the
/// same errors have one type in a generated client.
pub(crate) fn name_schemas(document: &mut OpenApi) {
    let schemas = &mut document.components.get_or_insert_default().schemas;
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.delete].into_iter().flatten();
        for response in operations.flat_map(|of| of.responses.responses.values_mut()) {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut() {
                let RefOr::T(Content { schema: Some(schema), .. }) = content else { continue };
                let RefOr::T(Schema::Object(object)) = schema else { continue };
                let Some(name) = object.title.take() else { continue };
                let reference = RefOr::Ref(Ref::from_schema_name(&name));
                schemas.insert(name, std::mem::replace(schema, reference));
            }
        }
    }
}

/// A response without a body.
pub(crate) fn bare_response(description: &str) -> Response {
    ResponseBuilder::new().description(description).build()
}

/// A response of text or bytes, of one of these media types.
pub(crate) fn content_response<'t>(
    description: &str,
    media_types: impl IntoIterator<Item = &'t str>,
) -> Response {
    let text =
        || ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let response = ResponseBuilder::new().description(description);
    media_types.into_iter().fold(response, |r, of| r.content(of, text().build())).build()
}

pub(crate) fn text_header(description: &str) -> Header {
    let mut header = Header::new(Object::with_type(Type::String));
    header.description = Some(description.to_owned());
    header
}

/// When the server returns this error.
fn cause(error: &ApiError) -> &'static str {
    match error {
        ApiError::BadRequest(_) => {
            "the body is incomplete or malformed, or there is not one `Host` header"
        }
        ApiError::InvalidJson(_) => "the body is not JSON in UTF-8",
        ApiError::Unauthorized(_) => {
            "the token, the session, the password or the code is missing or wrong"
        }
        ApiError::WrongPassword => "the present password is wrong",
        ApiError::NoSecondFactor => "the account has no second factor",
        ApiError::NotFound => "there is no resource at this path",
        ApiError::MethodNotAllowed(_) => "the path accepts other methods, named in `Allow`",
        ApiError::Timeout(_) => "the head did not arrive within 5 s, or the body within 8 s",
        ApiError::DuplicateRequestId(_) => "this `request_id` is stored with other content",
        ApiError::LeadErased(_) => "it belonged to a lead that was erased; nothing is stored",
        ApiError::LinkExpired => "the link is invalid, already used, or expired",
        ApiError::CodeRequired => "the password is correct, and the account has a second factor",
        ApiError::Forbidden(_) => "the request comes from a page of another origin",
        ApiError::TooManyRequests(_) => "too many attempts to sign in",
        ApiError::ExportBusy(_) => "another export is not over yet",
        ApiError::PayloadTooLarge => "the body is larger than 64 KiB",
        ApiError::UnsupportedMediaType(_) => "the body is of another media type",
        ApiError::UnsupportedContentEncoding => {
            "the body is compressed or has another `Content-Encoding` than `identity`"
        }
        ApiError::Validation(_) => "a field is invalid; `detail` lists all invalid fields",
        ApiError::Internal => "a defect; the log contains the cause",
        ApiError::Kept(refusal) => cause(refusal),
        ApiError::Unavailable(_) => {
            "the database cannot be used now (disk full, queue full, shutting down); nothing was stored"
        }
    }
}
