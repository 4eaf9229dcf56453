//! The columns of an exported row: those of the table, with the present status.

use crate::domain::audit::AuditRow;
use crate::domain::lead::Lead;
use crate::domain::text::Personal;

/// A value of a row.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Number(i64),
    Bool(bool),
}

/// A row's values, in the order of its columns.
pub(crate) type Row<'a> = [Cell<'a>];

/// ExportSource the rows are called, and their columns.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
}

pub(crate) static LEADS: Table = Table { name: "leads", columns: &Lead::COLUMNS };
pub(crate) static AUDIT_LOG: Table = Table { name: "audit", columns: &AuditRow::COLUMNS };

pub(crate) fn lead(lead: &Lead) -> [Cell<'_>; 14] {
    [
        Cell::Text(&lead.id),
        Cell::Text(&lead.created_at_utc),
        Cell::Text(lead.name.as_str()),
        Cell::Text(lead.email.as_str()),
        personal(lead.phone.as_ref()),
        personal(lead.company.as_ref()),
        text(lead.service.as_deref()),
        Cell::Text(lead.message.as_str()),
        Cell::Bool(lead.consent),
        Cell::Text(&lead.source),
        Cell::Text(&lead.request_id),
        Cell::Text(&lead.ip_hash),
        text(lead.meta_json.as_deref()),
        Cell::Text(&lead.status),
    ]
}

pub(crate) fn audit(row: &AuditRow) -> [Cell<'_>; 10] {
    [
        Cell::Number(row.seq),
        Cell::Text(&row.id),
        Cell::Text(&row.created_at_utc),
        Cell::Text(&row.event),
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
