//! The columns of an exported row: those of the table, with the present status.

use crate::domain::audit::AuditRow;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::store::refused::query::RefusedEntry;

/// A value of a row.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Number(i64),
    Bool(bool),
    Time(Timestamp),
}

/// A row's values, in the order of its columns.
pub(crate) type ExportRow<'a> = [Cell<'a>];

/// The name of the exported table, and its columns.
pub(crate) struct ExportColumns {
    pub(crate) table: &'static str,
    pub(crate) names: &'static [&'static str],
}

pub(crate) static LEADS: ExportColumns = ExportColumns { table: "leads", names: &Lead::COLUMNS };
pub(crate) static AUDIT_LOG: ExportColumns =
    ExportColumns { table: "audit", names: &AuditRow::COLUMNS };

/// `body` is the body as text; `body_hex` has its bytes where that is not exact.
pub(crate) static REFUSED: ExportColumns = ExportColumns {
    table: "refused",
    names: &[
        "id",
        "received_at_utc",
        "times",
        "last_at_utc",
        "status_code",
        "faults_json",
        "media_type",
        "content_encoding",
        "request_id",
        "settled_at_utc",
        "lead_id",
        "audit_seq",
        "body",
        "body_hex",
    ],
};

pub(crate) fn refused<'a>(
    refused: &'a RefusedEntry,
    body: &'a str,
    body_hex: Option<&'a str>,
) -> [Cell<'a>; 14] {
    [
        Cell::Text(&refused.id),
        Cell::Time(refused.received_at_utc),
        Cell::Number(refused.times),
        Cell::Time(refused.last_at_utc),
        Cell::Number(refused.status_code),
        Cell::Text(&refused.faults_json),
        text(refused.media_type.as_deref()),
        text(refused.content_encoding.as_deref()),
        text(refused.request_id.as_deref()),
        refused.settled_at_utc.map_or(Cell::Null, Cell::Time),
        text(refused.lead_id.as_deref()),
        Cell::Number(refused.audit_seq),
        Cell::Text(body),
        text(body_hex),
    ]
}

pub(crate) fn lead(lead: &Lead) -> [Cell<'_>; 14] {
    [
        Cell::Text(&lead.id),
        Cell::Time(lead.created_at_utc),
        Cell::Text(lead.name.as_str()),
        Cell::Text(lead.email.as_str()),
        personal(lead.phone.as_ref()),
        personal(lead.company.as_ref()),
        text(lead.service.map(LeadService::as_str)),
        Cell::Text(lead.message.as_str()),
        Cell::Bool(lead.consent),
        Cell::Text(&lead.source),
        Cell::Text(&lead.request_id),
        Cell::Text(&lead.ip_hash),
        text(lead.meta_json.as_deref()),
        Cell::Text(lead.status.as_str()),
    ]
}

/// `created_at` is the text of the row's `created_at_utc`.
pub(crate) fn audit<'a>(row: &'a AuditRow, created_at: &'a str) -> [Cell<'a>; 10] {
    [
        Cell::Number(row.seq),
        Cell::Text(&row.id),
        Cell::Text(created_at),
        Cell::Text(row.event.as_str()),
        text(row.actor.as_deref()),
        text(row.lead_id.as_deref()),
        text(row.request_id.as_deref()),
        row.status_code.map_or(Cell::Null, Cell::Number),
        text(row.details_json.as_deref()),
        Cell::Text(&row.hash),
    ]
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Null, Cell::Text)
}

fn personal(text: Option<&Personal>) -> Cell<'_> {
    text.map_or(Cell::Null, |t| Cell::Text(t.as_str()))
}
