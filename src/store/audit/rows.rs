//! Rows read for verification: each text as the bytes that are stored, whatever they are.

use std::borrow::Cow;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::domain::audit::AuditEvent;
use crate::domain::hash_chain::{ChainEntry, LeadDigestInput};

/// Every audit row in the order of the chain, for [`RawAuditRow::from_row`].
pub(crate) const SELECT_AUDIT_ROWS: &str = "\
    SELECT seq, id, created_at_utc, event, actor, lead_id, request_id, status_code, details_json, hash
    FROM audit_log ORDER BY seq";

/// The lead of an audit row, for [`RawLead::from_row`].
pub(crate) const SELECT_LEAD: &str = "\
    SELECT salt, id, created_at_utc, name, email, phone, company, service, message, consent, source,
           request_id, ip_hash, meta_json, status
    FROM lead_inbox WHERE audit_seq = ?1";

/// A row of `audit_log`.
pub(crate) struct RawAuditRow<'r> {
    pub(crate) entry: ChainEntry<'r, [u8]>,
    pub(crate) hash: &'r [u8],
}

impl<'r> RawAuditRow<'r> {
    /// Reads a row of [`SELECT_AUDIT_ROWS`]; fails if a column has the wrong type.
    pub(crate) fn from_row(row: &'r Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            entry: ChainEntry {
                seq: row.get(0)?,
                id: text(row, 1)?,
                created_at_utc: text(row, 2)?,
                event: text(row, 3)?,
                actor: text_or_null(row, 4)?,
                lead_id: text_or_null(row, 5)?,
                request_id: text_or_null(row, 6)?,
                status_code: row.get(7)?,
                details_json: text_or_null(row, 8)?,
            },
            hash: text(row, 9)?,
        })
    }

    /// The event, if this binary knows it.
    pub(crate) fn event(&self) -> Option<AuditEvent> {
        std::str::from_utf8(self.entry.event).ok()?.parse().ok()
    }

    /// The id of the lead; empty if the row has none.
    pub(crate) fn lead_id(&self) -> Cow<'r, str> {
        String::from_utf8_lossy(self.entry.lead_id.unwrap_or_default())
    }
}

/// A row of `lead_inbox`.
pub(crate) struct RawLead<'r> {
    /// The columns that the digest covers.
    pub(crate) columns: LeadDigestInput<'r, [u8]>,
    /// The status at intake, which the digest does not cover.
    pub(crate) status: &'r [u8],
}

impl<'r> RawLead<'r> {
    /// Reads a row of [`SELECT_LEAD`]; fails if a column has the wrong type.
    pub(crate) fn from_row(row: &'r Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            columns: LeadDigestInput {
                salt: row.get_ref(0)?.as_blob()?,
                id: text(row, 1)?,
                created_at_utc: text(row, 2)?,
                name: text(row, 3)?,
                email: text(row, 4)?,
                phone: text_or_null(row, 5)?,
                company: text_or_null(row, 6)?,
                service: text_or_null(row, 7)?,
                message: text(row, 8)?,
                consent: zero_or_one(row, 9)?,
                source: text(row, 10)?,
                request_id: text(row, 11)?,
                ip_hash: text(row, 12)?,
                meta_json: text_or_null(row, 13)?,
            },
            status: text(row, 14)?,
        })
    }
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    match row.get_ref(column)? {
        ValueRef::Text(text) => Ok(text),
        other => Err(wrong_type(row, column, other)),
    }
}

fn text_or_null<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => text(row, column).map(Some),
    }
}

/// The digest covers a truth value, so 2 must not pass as `true`.
fn zero_or_one(row: &Row<'_>, column: usize) -> rusqlite::Result<bool> {
    match row.get_ref(column)? {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        other => Err(wrong_type(row, column, other)),
    }
}

fn wrong_type(row: &Row<'_>, column: usize, value: ValueRef<'_>) -> rusqlite::Error {
    let name = row.as_ref().column_name(column).unwrap_or_default().to_owned();
    rusqlite::Error::InvalidColumnType(column, name, value.data_type())
}
