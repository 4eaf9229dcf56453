//! What the operator decides about the headers of responses.

use std::sync::Arc;

/// What the headers of every response depend on.
#[derive(Debug, Clone, Default)]
pub struct HeaderPolicy {
    /// The only origins that get CORS headers.
    pub cors_origins: Arc<[String]>,
    /// Whether clients reach the server over HTTPS, and are to do so from then on.
    pub is_https: bool,
}
