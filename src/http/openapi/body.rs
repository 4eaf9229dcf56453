//! How a request body is described: an object of properties.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A property of a body.
pub(crate) struct Property {
    name: &'static str,
    schema: RefOr<Schema>,
    is_required: bool,
}

pub(crate) fn required(name: &'static str, schema: impl Into<RefOr<Schema>>) -> Property {
    Property { name, schema: schema.into(), is_required: true }
}

pub(crate) fn optional(name: &'static str, schema: impl Into<RefOr<Schema>>) -> Property {
    Property { name, schema: schema.into(), is_required: false }
}

pub(crate) fn object(
    description: &str,
    properties: impl IntoIterator<Item = Property>,
) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(description));
    let object = properties.into_iter().fold(object, |object, property| {
        let object = object.property(property.name, property.schema);
        if property.is_required { object.required(property.name) } else { object }
    });
    object.into()
}

/// Defines a body: an object of these properties. Its comment is its description in the document.
macro_rules! body {
    ($(#[doc = $doc:literal])+ $body:ident, $name:literal, $properties:expr) => {
        $(#[doc = $doc])+
        pub(crate) struct $body;

        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::http::openapi::body::object(concat!($($doc),+).trim(), $properties)
            }
        }

        impl utoipa::ToSchema for $body {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}
pub(crate) use body;
