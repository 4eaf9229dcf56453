//! Rows of `lead_inbox`: inserted, read, and selected by a filter.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::filter::LeadFilter;
use crate::domain::hash_chain::LeadDigestInput;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadView, LeadViews};
use crate::domain::search::lead_text;
use crate::domain::search::matching::has_every_term;
use crate::domain::text::Personal;
use crate::store::error::StoreError;

/// Selects leads with their present status, for [`row_to_lead`]. `l` is `lead_inbox`, `s` is
/// `lead_status`, `v` is `lead_view`.
pub(crate) const SELECT: &str = "SELECT l.audit_seq, l.id, l.created_at_utc, l.name, l.email, l.phone, \
     l.company, l.service, l.message, l.consent, l.source, l.request_id, l.ip_hash, l.meta_json, \
     coalesce(s.status, l.status), l.salt, l.status, \
     v.first_by, v.first_at_utc, v.last_by, v.last_at_utc \
     FROM lead_inbox AS l LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq \
     LEFT JOIN lead_view AS v ON v.audit_seq = l.audit_seq";

/// Inserts a lead as it arrived; `status` is its status at intake.
pub(crate) fn insert(
    conn: &Connection,
    audit_seq: i64,
    lead: &LeadDigestInput<'_>,
    status: LeadStatus,
) -> Result<(), StoreError> {
    conn.prepare_cached(include_str!("insert.sql"))?.execute(params![
        audit_seq,
        lead.id,
        lead.created_at_utc,
        lead.name,
        lead.email,
        lead.phone,
        lead.company,
        lead.service,
        lead.message,
        lead.consent,
        lead.source,
        lead.request_id,
        lead.ip_hash,
        lead.meta_json,
        lead.salt,
        status,
    ])?;
    Ok(())
}

/// Reads a row of [`SELECT`].
pub(crate) fn row_to_lead(row: &Row<'_>) -> rusqlite::Result<Lead> {
    let personal = |i: usize| row.get::<_, String>(i).map(Personal::new);
    let optional =
        |i: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(i)?.map(Personal::new));
    Ok(Lead {
        audit_seq: row.get(0)?,
        id: row.get(1)?,
        created_at_utc: row.get(2)?,
        name: personal(3)?,
        email: personal(4)?,
        phone: optional(5)?,
        company: optional(6)?,
        service: row.get(7)?,
        message: personal(8)?,
        consent: row.get(9)?,
        source: row.get(10)?,
        request_id: row.get(11)?,
        ip_hash: row.get(12)?,
        meta_json: row.get(13)?,
        status: row.get(14)?,
        salt: row.get(15)?,
        views: row_to_views(row)?,
    })
}

fn row_to_views(row: &Row<'_>) -> rusqlite::Result<Option<LeadViews>> {
    let Some(first_actor) = row.get(17)? else { return Ok(None) };
    let first = LeadView { actor: first_actor, at_utc: row.get(18)? };
    let last = LeadView { actor: row.get(19)?, at_utc: row.get(20)? };
    Ok(Some(LeadViews { first, last }))
}

/// A lead by its id or, if no lead has that id, its `request_id`.
pub(crate) fn find(conn: &Connection, id: &str) -> Result<Option<Lead>, StoreError> {
    let mut statement = conn.prepare_cached(&format!(
        "{SELECT} WHERE l.id = ?1 OR l.request_id = ?1 ORDER BY l.id = ?1 DESC LIMIT 1"
    ))?;
    Ok(statement.query_row([id], row_to_lead).optional()?)
}

/// A lead by its `request_id`.
pub(crate) fn find_by_request_id(
    conn: &Connection,
    request_id: &str,
) -> Result<Option<Lead>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE l.request_id = ?1"))?;
    Ok(statement.query_row([request_id], row_to_lead).optional()?)
}

/// The lead whose arrival an audit row records, and its status at intake; `None` if it was erased.
pub(crate) fn find_by_audit_seq(
    conn: &Connection,
    audit_seq: i64,
) -> Result<Option<(Lead, LeadStatus)>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE l.audit_seq = ?1"))?;
    let lead = statement.query_row([audit_seq], |row| Ok((row_to_lead(row)?, row.get(16)?)));
    Ok(lead.optional()?)
}

/// The filter's conditions on the columns of [`SELECT`], each preceded by `AND`, and their values. Its
/// search terms are not among them: see [`matches_terms`].
pub(crate) fn conditions(filter: &LeadFilter) -> (String, Vec<String>) {
    let conditions = [
        ("l.created_at_utc >= ?", filter.period.since.map(|time| time.to_string())),
        ("l.created_at_utc < ?", filter.period.until.map(|time| time.to_string())),
        ("l.service = ?", filter.service.map(|service| service.to_string())),
        ("coalesce(s.status, l.status) = ?", filter.status.map(|status| status.to_string())),
    ];
    let mut sql = String::new();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(if filter.canary {
        " AND l.source = 'canary'"
    } else {
        // Not `l.source <> 'canary'`: that would read the leads where an index is enough.
        " AND l.audit_seq NOT IN (SELECT audit_seq FROM lead_inbox WHERE source = 'canary')"
    });
    if let Some(opened) = filter.opened {
        sql.push_str(if opened {
            " AND v.audit_seq IS NOT NULL"
        } else {
            " AND v.audit_seq IS NULL"
        });
    }
    (sql, values)
}

/// Whether a lead matches the filter's search terms, and is the person's whose leads it asks for.
pub(crate) fn matches_terms(lead: &Lead, filter: &LeadFilter) -> bool {
    filter.terms.as_ref().is_none_or(|terms| has_every_term(terms, lead_text::fields(lead)))
        && filter.person.as_ref().is_none_or(|person| person.has_sent(lead))
}
