//! Checks the refused submissions that are kept: against their audit rows, and each body against its fingerprint.

use rusqlite::{Connection, Row};

use crate::domain::refused::fingerprint;
use crate::store::audit::findings::Findings;
use crate::store::error::StoreError;

/// Checks each, and that they are counted as they are.
///
/// # Errors
/// The database's own.
pub(crate) fn check(conn: &Connection, findings: &mut Findings) -> Result<(), StoreError> {
    // A backup of an older version has no such table.
    if !conn.table_exists(None, "refused_submission")? {
        return Ok(());
    }
    let mut statement = conn.prepare(
        "SELECT r.id, r.audit_seq, r.status_code, r.media_type, r.content_encoding, r.fingerprint, b.body,
             EXISTS (SELECT 1 FROM audit_log AS a WHERE a.seq = r.audit_seq AND a.event = 'LEAD_REJECTED'
                     AND a.created_at_utc = r.received_at_utc AND a.status_code IS r.status_code
                     AND a.request_id IS r.request_id),
             r.lead_id IS NULL OR EXISTS (SELECT 1 FROM audit_log AS a WHERE a.lead_id = r.lead_id)
         FROM refused_submission AS r LEFT JOIN refused_body AS b USING (audit_seq) ORDER BY r.audit_seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        check_row(row, findings)?;
    }
    let differ = "SELECT 1 FROM refused_total
                  WHERE (kept_rows, kept_bytes) IS NOT
                        (SELECT count(*), coalesce(sum(size), 0) FROM refused_submission)
                     OR kept_bytes IS NOT (SELECT coalesce(sum(length(body)), 0) FROM refused_body)";
    if conn.prepare(differ)?.exists([])? {
        findings
            .add("refused submissions: their count or size differs from what is kept".to_owned());
    }
    Ok(())
}

fn check_row(row: &Row<'_>, findings: &mut Findings) -> Result<(), StoreError> {
    let (id, seq): (String, i64) = (row.get(0)?, row.get(1)?);
    let header = |at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    let recorded: Vec<u8> = row.get(5)?;
    let body = row.get_ref(6)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    match body {
        None => findings.add(format!("refused submission {id}: its body is missing")),
        Some(body) if recorded != fingerprint(row.get(2)?, &header(3)?, &header(4)?, body) => {
            findings.add(format!(
                "refused submission {id} was altered: its body is not the one that was kept"
            ));
        }
        Some(_) => {}
    }
    if !row.get::<_, bool>(7)? {
        findings.add(format!("refused submission {id}: audit row {seq} does not record it"));
    }
    if !row.get::<_, bool>(8)? {
        findings
            .add(format!("refused submission {id}: no audit row names the lead that it became"));
    }
    Ok(())
}
