//! The bodies of signing in and of accounts for the document, made from the limits that the extractors apply.

use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Type};

use crate::domain::password::Password;
use crate::domain::staff::AccountName;
use crate::http::openapi::body::{self, Property, body, required};
use crate::http::openapi::filter_schemas::text;

body!(
    /// The credentials of an account.
    SignInBody,
    "SignInRequest",
    [
        required("name", text().examples(["jean"])),
        required("password", secret()),
        optional(
            "code",
            text()
                .description(Some(
                    "If the account has a second factor: six digits of the app, or a recovery code.",
                ))
                .examples(["123456"]),
        ),
    ]
);
body!(
    /// The token of a link, which is the fragment of its address.
    SetupLinkBody,
    "SetupLinkRequest",
    [required("token", text())]
);
body!(
    /// The account that is set up by a link.
    SetupEnrolmentBody,
    "SetupEnrolmentRequest",
    setup_properties()
);
body!(
    /// The account that is set up by a link, and the second factor that was proposed for it.
    SetupBody,
    "SetupRequest",
    setup_properties().into_iter().chain([
        optional("enrolment", text().description(Some("Required where the link requires it."))),
        optional("code", code()),
    ])
);
body!(
    /// The present password.
    PresentPasswordBody,
    "PresentPasswordRequest",
    [present_password()]
);
body!(
    /// The present password and a new one.
    PasswordChangeBody,
    "PasswordChangeRequest",
    [present_password(), required("new_password", new_password())]
);
body!(
    /// The present password, and the second factor that was proposed.
    FactorChangeBody,
    "FactorChangeRequest",
    [present_password(), required("enrolment", text()), required("code", code())]
);

fn setup_properties() -> [Property; 3] {
    let pattern = format!(r"^\s*[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}\s*$", AccountName::MAX_CHARS - 1);
    let what = format!("For the first account: {}.", AccountName::RULE);
    let name = text().pattern(Some(pattern)).description(Some(what)).examples(["jean"]);
    [required("token", text()), optional("name", name), required("password", new_password())]
}

fn present_password() -> Property {
    required("password", secret())
}

fn new_password() -> ObjectBuilder {
    secret()
        .min_length(Some(Password::MIN_CHARS))
        .max_length(Some(Password::MAX_BYTES))
        .description(Some(Password::RULE))
}

fn code() -> ObjectBuilder {
    text().description(Some("The first code of the app.")).examples(["123456"])
}

/// A property that may be left out or `null`.
fn optional(name: &'static str, schema: ObjectBuilder) -> Property {
    let schema = schema.schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    body::optional(name, schema)
}

fn secret() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}
