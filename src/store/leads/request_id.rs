//! What is known of a `request_id`, which identifies a submission for ever.

use rusqlite::Connection;

use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// What is known of a `request_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestIdState {
    Stored,
    Erased,
    Unknown,
}

pub(crate) fn state(conn: &Connection, request_id: &str) -> Result<RequestIdState, StoreError> {
    let sql = "SELECT 1 FROM lead_inbox WHERE request_id = ?1";
    Ok(if conn.prepare_cached(sql)?.exists([request_id])? {
        RequestIdState::Stored
    } else if was_erased(conn, request_id)? {
        RequestIdState::Erased
    } else {
        RequestIdState::Unknown
    })
}

pub(crate) fn was_erased(conn: &Connection, request_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM audit_log WHERE event = 'LEAD_ERASED' AND request_id = ?1";
    Ok(conn.prepare_cached(sql)?.exists([request_id])?)
}

impl ReadTx<'_> {
    /// Whether a `request_id` is stored, or was.
    ///
    /// # Errors
    /// The database's own.
    pub fn request_id_state(&self, request_id: &str) -> Result<RequestIdState, StoreError> {
        state(self.0, request_id)
    }
}
