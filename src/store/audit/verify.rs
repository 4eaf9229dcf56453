//! Verifies the audit log: its schema, its sequence, its hash chain, every lead against the digest in its audit row,
//! and the refused submissions. Plain SELECTs in one read transaction and in constant memory; it writes
//! nothing.

use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use crate::domain::hash_chain::ChainPosition;
use crate::store::audit::findings::Findings;
use crate::store::audit::row_checker::RowChecker;
use crate::store::db::integrity::{self, IntegrityReport};
use crate::store::db::{open, schema};
use crate::store::error::StoreError;

/// Steps of SQLite's virtual machine between two calls of the interrupt function.
pub(crate) const STEPS_PER_CALL: i32 = 1000;

/// What was found; valid if there is no finding.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    pub valid: bool,
    pub audit_rows: u64,
    pub leads: u64,
    /// The last row, as `SEQ:HASH`; `None` while the log is empty.
    pub head: Option<String>,
    /// The first findings: those of audit rows in the order of the log, then the others.
    pub findings: Vec<String>,
    /// The number of all findings.
    pub finding_count: u64,
    /// A fault of the search index, which is not a finding: nothing of a lead is lost by it.
    #[serde(skip)]
    pub index_fault: Option<String>,
}

/// Verifies the audit log and every lead against it, whatever state the file is in.
///
/// # Errors
/// The file cannot be opened; damage inside it is a finding of the report.
pub fn verify_database(
    path: &Path,
    receipts: &[ChainPosition],
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyReport, StoreError> {
    verify(&open::read_only(path)?, receipts, false, progress)
}

/// [`verify_database`] until `interrupt` returns true; what it returns then has no meaning.
pub(crate) fn verify_until(
    path: &Path,
    interrupt: impl FnMut() -> bool + Send + 'static,
) -> Result<VerifyReport, StoreError> {
    let conn = open::read_only(path)?;
    conn.progress_handler(STEPS_PER_CALL, Some(interrupt))?;
    verify(&conn, &[], false, &mut |_| {})
}

/// Verifies everything in one read transaction; with `whole_file`, runs SQLite's integrity check too.
pub(crate) fn verify(
    conn: &Connection,
    receipts: &[ChainPosition],
    whole_file: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyReport, StoreError> {
    let tx = conn.unchecked_transaction()?;
    let mut findings = Findings::default();
    let schema = check_schema(&tx, &mut findings);
    let mut checker = RowChecker::new(receipts, findings);
    let verified = schema.and_then(|()| checker.verify(&tx, progress));
    let RowChecker { rows, leads, head, mut findings, .. } = checker;
    // A page that cannot be read is a finding too.
    if let Some(cause) = read_failure(verified)? {
        let seq = head.seq;
        findings.add(format!("after audit row {seq}, the database cannot be read: {cause}"));
    }
    let mut index_fault = None;
    if whole_file {
        let checked = check_file(&tx, &mut findings).map(|fault| index_fault = fault);
        if let Some(cause) = read_failure(checked)? {
            findings.add(format!("the file cannot be checked: {cause}"));
        }
    }
    Ok(VerifyReport {
        valid: findings.count == 0,
        audit_rows: rows,
        leads,
        head: (rows > 0).then(|| head.to_string()),
        findings: findings.first,
        finding_count: findings.count,
        index_fault,
    })
}

/// Why the database cannot be read, if that is the failure.
fn read_failure(result: Result<(), StoreError>) -> Result<Option<String>, StoreError> {
    match result {
        Ok(()) => Ok(None),
        Err(StoreError::Corrupt(cause) | StoreError::Sqlite(cause) | StoreError::Io(cause)) => {
            Ok(Some(cause))
        }
        Err(other) => Err(other),
    }
}

/// Compares the text of tables, indexes and triggers with what this binary creates.
fn check_schema(conn: &Connection, findings: &mut Findings) -> Result<(), StoreError> {
    if schema::is_pending(conn)? {
        // An older backup: its schema is that of its version.
        return Ok(());
    }
    let expected = schema::reference_schema()?;
    let found = schema::schema(conn)?;
    for (name, sql) in &expected {
        match found.iter().find(|(n, _)| n == name) {
            None => findings.add(format!("schema: {name} is missing")),
            Some((_, text)) if text != sql => {
                findings.add(format!("schema: {name} was altered"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in found.iter().filter(|(n, _)| !expected.iter().any(|(e, _)| e == n)) {
        findings.add(format!("schema: {name} does not belong to FASTCore"));
    }
    Ok(())
}

/// Runs SQLite's integrity check. Returns a fault of the search index, if there is one.
fn check_file(conn: &Connection, findings: &mut Findings) -> Result<Option<String>, StoreError> {
    let IntegrityReport { faults, index_faults } = integrity::check(conn)?;
    for fault in faults {
        findings.add(format!("the file: {fault}"));
    }
    Ok(index_faults.into_iter().next())
}
