//! The rows of both tables as the proof reads them: borrowed, their texts as the bytes that someone
//! may have put there.

use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};

use crate::domain::audit::{AuditRow, RawChainEntry};
use crate::domain::hash_chain::{ChainEntry, LeadDigestInput};
use crate::store::db::btree::Table;

/// Every row, for [`raw_chain_entry`].
pub(crate) const AUDIT_LOG: Table<10> =
    Table { name: "audit_log", columns: AuditRow::COLUMNS, key: 0 };

/// A row of [`AUDIT_LOG`], borrowed.
pub(crate) fn raw_chain_entry<'r>(row: &[ValueRef<'r>; 10]) -> FromSqlResult<RawChainEntry<'r>> {
    let [
        seq,
        id,
        created_at_utc,
        event,
        actor,
        lead_id,
        request_id,
        status_code,
        details_json,
        hash,
    ] = row;
    Ok(RawChainEntry {
        link: ChainEntry {
            seq: seq.as_i64()?,
            id: text(id)?,
            created_at_utc: text(created_at_utc)?,
            event: text(event)?,
            actor: text_or_null(actor)?,
            lead_id: text_or_null(lead_id)?,
            request_id: text_or_null(request_id)?,
            status_code: status_code.as_i64_or_null()?,
            details_json: text_or_null(details_json)?,
        },
        hash: text(hash)?,
    })
}

/// Every lead, in the order of its audit rows, for [`as_received`].
pub(crate) const LEAD_INBOX: Table<16> = Table {
    name: "lead_inbox",
    columns: [
        "id",
        "created_at_utc",
        "name",
        "email",
        "phone",
        "company",
        "service",
        "message",
        "consent",
        "source",
        "request_id",
        "ip_hash",
        "meta_json",
        "status",
        "salt",
        "audit_seq",
    ],
    key: 15,
};

/// The columns under a lead's digest and, not under it, the status that it came with; of a row of
/// [`LEAD_INBOX`], borrowed.
pub(crate) fn as_received<'r>(
    row: &[ValueRef<'r>; 16],
) -> FromSqlResult<(LeadDigestInput<'r, [u8]>, &'r [u8])> {
    let [
        id,
        created_at_utc,
        name,
        email,
        phone,
        company,
        service,
        message,
        consent,
        source,
        request_id,
        ip_hash,
        meta_json,
        status,
        salt,
        _,
    ] = row;
    let columns = LeadDigestInput {
        salt: salt.as_blob()?,
        id: text(id)?,
        created_at_utc: text(created_at_utc)?,
        name: text(name)?,
        email: text(email)?,
        phone: text_or_null(phone)?,
        company: text_or_null(company)?,
        service: text_or_null(service)?,
        message: text(message)?,
        // A number that is neither 0 nor 1 is no consent: it would pass for 1 under the digest.
        consent: match consent.as_i64()? {
            0 => false,
            1 => true,
            other => return Err(FromSqlError::OutOfRange(other)),
        },
        source: text(source)?,
        request_id: text(request_id)?,
        ip_hash: text(ip_hash)?,
        meta_json: text_or_null(meta_json)?,
    };
    Ok((columns, text(status)?))
}

/// The bytes of a text, whatever they are.
pub(crate) fn text<'r>(value: &ValueRef<'r>) -> FromSqlResult<&'r [u8]> {
    match value {
        ValueRef::Text(text) => Ok(text),
        _ => Err(FromSqlError::InvalidType),
    }
}

fn text_or_null<'r>(value: &ValueRef<'r>) -> FromSqlResult<Option<&'r [u8]>> {
    match value {
        ValueRef::Null => Ok(None),
        value => text(value).map(Some),
    }
}
