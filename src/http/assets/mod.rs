//! The embedded files of the admin page and of the API documentation page, with content
//! negotiation, entity tags and caching.

pub(crate) mod docs_page;
pub(crate) mod negotiate;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, Response as HttpResponse, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use warp::reply::{Reply, Response};

use crate::http::assets::negotiate::accepts;

/// The files that the build script wrote: `admin/…` and `docs/…`, each with its compressed forms
/// next to it as `….br` and `….gz`; of large files only these.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Embedded;

/// How long clients may keep a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caching {
    /// The client asks each time whether the file has changed.
    Revalidate,
    /// For a file whose name contains the hash of its content.
    Immutable,
}

/// A file in all its forms.
pub(crate) struct Asset {
    media_type: &'static str,
    plain: Plain,
    /// In the order of preference.
    compressed: Vec<Representation>,
}

/// The form without a content coding.
enum Plain {
    Stored(Representation),
    /// A large file of this path is embedded compressed alone.
    Packed(String),
}

/// The plain forms of large files that clients have asked for.
static UNPACKED: Mutex<BTreeMap<String, &'static Representation>> = Mutex::new(BTreeMap::new());

/// One form of a file.
struct Representation {
    /// The content coding; none for the plain form.
    coding: Option<&'static str>,
    bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

impl Asset {
    /// An embedded file. Its compressed forms are not files of their own.
    pub(crate) fn embedded(path: &str) -> Option<Self> {
        if path.ends_with(".br") || path.ends_with(".gz") {
            return None;
        }
        let representation = |coding, suffix| {
            let file = Embedded::get(&format!("{path}{suffix}"))?;
            Some(Representation { coding, sha256: file.metadata.sha256_hash(), bytes: file.data })
        };
        let compressed = [representation(Some("br"), ".br"), representation(Some("gzip"), ".gz")];
        let compressed: Vec<_> = compressed.into_iter().flatten().collect();
        let packed = || (!compressed.is_empty()).then(|| Plain::Packed(path.to_owned()));
        let plain = representation(None, "").map(Plain::Stored).or_else(packed)?;
        Some(Self { media_type: media_type(path), plain, compressed })
    }

    /// A file made at run time.
    pub(crate) fn generated(media_type: &'static str, plain: &'static [u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let gzip = encoder.write_all(plain).and_then(|()| encoder.finish()).unwrap_or_default();
        let representation = |coding, bytes: Cow<'static, [u8]>| Representation {
            coding,
            sha256: Sha256::digest(&bytes).into(),
            bytes,
        };
        Self {
            media_type,
            plain: Plain::Stored(representation(None, plain.into())),
            compressed: vec![representation(Some("gzip"), gzip.into())],
        }
    }

    /// The file in the best form that the client accepts; 304 if the client has it already.
    pub(crate) fn respond(&self, headers: &HeaderMap, caching: Caching) -> Response {
        let accepted = |r: &&Representation| r.coding.is_none_or(|coding| accepts(headers, coding));
        let representation = match (self.compressed.iter().find(accepted), &self.plain) {
            (Some(compressed), _) => compressed,
            (None, Plain::Stored(plain)) => plain,
            (None, Plain::Packed(path)) => unpacked(path),
        };
        let etag = representation.etag();
        let known = headers.typed_get::<IfNoneMatch>();
        let is_known = |etag: &ETag| known.is_some_and(|known| !known.precondition_passes(etag));
        let mut response = if etag.as_ref().is_some_and(is_known) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            match representation.bytes.clone() {
                // Served from the binary without a copy.
                Cow::Borrowed(bytes) => HttpResponse::new(bytes).into_response(),
                Cow::Owned(bytes) => HttpResponse::new(bytes).into_response(),
            }
        };
        let headers = response.headers_mut();
        if let Some(etag) = etag {
            headers.typed_insert(etag);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching.header()));
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Some(coding) = representation.coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

/// The plain form of a file that is embedded compressed alone; unpacked once.
fn unpacked(path: &str) -> &'static Representation {
    let mut known = UNPACKED.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(path.to_owned()).or_insert_with(|| {
        let packed = Embedded::get(&format!("{path}.gz")).map(|file| file.data).unwrap_or_default();
        let mut bytes = Vec::new();
        if let Err(error) = GzDecoder::new(&*packed).read_to_end(&mut bytes) {
            tracing::error!(%error, path, "an embedded file cannot be unpacked");
        }
        let bytes: &'static [u8] = bytes.leak();
        let sha256 = Sha256::digest(bytes).into();
        Box::leak(Box::new(Representation { coding: None, bytes: bytes.into(), sha256 }))
    })
}

impl Representation {
    /// A strong entity tag: each form has its own.
    fn etag(&self) -> Option<ETag> {
        let (half, _) = self.sha256.split_first_chunk::<16>()?;
        format!("\"{:032x}\"", u128::from_be_bytes(*half)).parse().ok()
    }
}

impl Caching {
    fn header(self) -> &'static str {
        match self {
            Self::Revalidate => "no-cache",
            Self::Immutable => "public, max-age=31536000, immutable",
        }
    }
}

/// The name of a script in a folder, as an example for the OpenAPI document.
pub(crate) fn example_script(folder: &str) -> Option<String> {
    Embedded::iter().find_map(|path| {
        let name = path.strip_prefix(folder)?.strip_prefix('/')?;
        // Of a large file there are compressed forms alone.
        let name = name.strip_suffix(".br").unwrap_or(name);
        (name.ends_with(".js") && !name.contains('/')).then(|| name.to_owned())
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
