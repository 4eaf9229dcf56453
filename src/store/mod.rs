//! SQLite: the one place that names rusqlite, r2d2 and refinery.

mod audit;
mod backup;
mod btree;
mod check;
mod error;
mod figures;
mod health;
mod import;
mod lead;
mod ledger;
mod list;
mod lock;
mod migrate;
mod open;
mod page;
mod privacy;
mod question;
mod rest;
mod restore;
mod rows;
mod scrub;
mod seal;
mod search;
mod snapshot;
pub mod staff;
mod state;
mod tx;
mod verify;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use backup::{Stop, Taken, Tell};
pub use error::StoreError;
pub use health::Health;
pub use import::Fate;
pub use lead::{Intake, Known, Stored};
pub use ledger::Ledger;
pub use list::Count;
pub use lock::ServerLock;
pub use migrate::{Migrated, Step};
pub use page::AuditFilter;
pub use privacy::{Erased, Found, Whose};
pub use restore::Restored;
pub use snapshot::{READERS, Readers, Snapshot};
pub use state::Sizes;
pub use tx::WriteTx;
pub use verify::Report;
pub use writer::{Answers, Writer, WriterThread, ended_within};

use crate::clock::Clock;
use crate::domain;
use crate::domain::audit::NewEvent;
use crate::domain::chain::Receipt;
use crate::domain::import::ImportedLead;
use crate::domain::lead::NewLead;
use crate::domain::status::Status;

/// Prepares the database for use: makes it where there is none, applies pending migrations.
/// The flag says whether the database was made.
///
/// # Errors
/// The file cannot be used or written, is not ours, is newer, or a server has it open.
pub fn migrate(path: &Path, clock: &Clock, actor: &str) -> Result<(Migrated, bool), StoreError> {
    let (mut conn, created) = open::writable(path)?;
    Ok((migrate::apply(&mut conn, path, true, clock, actor)?, created))
}

/// The migrations that this binary knows, and which of them the database has.
///
/// # Errors
/// The database cannot be read.
pub fn migrations(path: &Path) -> Result<Vec<Step>, StoreError> {
    migrate::steps(&open::read_only(path)?)
}

/// Starts the writer of a database whose schema is current. When it returns, the write-ahead log
/// is empty and a commit has been proved. The answers to what is submitted go to `deliver`, all of
/// a commit at once, which gives them where it is best to.
///
/// # Errors
/// The schema is not this binary's, the log is held by another process, or nothing can be written.
pub fn start_writer(
    path: &Path,
    clock: &Clock,
    deliver: impl Fn(Answers) + Send + 'static,
) -> Result<(Writer, WriterThread, Arc<Health>), StoreError> {
    let (conn, _) = open::writable(path)?;
    migrate::check_current(&conn, path)?;
    wal::empty_at_start(&conn, path)?;
    tx::prove(&conn, &domain::time::stamp(clock.now()))?;
    open::trust_types(&conn)?;
    let health = Arc::new(Health::default());
    health.proved();
    let service = writer::Service { health: Arc::clone(&health), deliver: Box::new(deliver) };
    let (writer, thread) = Writer::start(conn, clock.clone(), Some(service))?;
    Ok((writer, thread, health))
}

/// The commands' way to write: beside a running server, without emptying the log first.
///
/// # Errors
/// As [`start_writer`].
pub fn writer_beside(path: &Path, clock: &Clock) -> Result<(Writer, WriterThread), StoreError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing(path.into()));
    }
    lock::check_unreplaced(path)?;
    let conn = open::writable_in_turn(path)?;
    migrate::check_current(&conn, path)?;
    Writer::start(conn, clock.clone(), None)
}

/// Stores a submission with its audit row, or tells what its `request_id` is already.
///
/// # Errors
/// The database's own; nothing of the submission is stored then.
pub fn submit(tx: &mut WriteTx<'_>, lead: &NewLead) -> Result<Intake, StoreError> {
    lead::submit(tx, lead)
}

/// Stores a lead of the first service with its audit row, unless it is there already or was erased.
///
/// # Errors
/// The database's own; nothing of the lead is stored then.
pub fn import(tx: &mut WriteTx<'_>, lead: &ImportedLead, actor: &str) -> Result<Fate, StoreError> {
    import::import(tx, lead, actor)
}

/// Changes a lead's status. Returns the one before; `None` if there is no such lead.
///
/// # Errors
/// The database's own.
pub fn set_status(
    tx: &mut WriteTx<'_>,
    id: &str,
    to: Status,
    actor: &str,
) -> Result<Option<String>, StoreError> {
    lead::set_status(tx, id, to, actor)
}

/// Makes the projection of the present statuses anew from the audit log. Returns how many it has.
///
/// # Errors
/// The database's own.
pub fn rebuild_status(tx: &mut WriteTx<'_>) -> Result<usize, StoreError> {
    lead::rebuild_status(tx)
}

/// Writes that somebody has opened a lead. Says whether it is there.
///
/// # Errors
/// The database's own.
pub fn note_viewed(tx: &mut WriteTx<'_>, id: &str, actor: &str) -> Result<bool, StoreError> {
    lead::note_viewed(tx, id, actor)
}

/// Takes the index that leads are found by so many audit rows further along the audit log.
///
/// # Errors
/// The database's own.
pub fn advance_search(tx: &mut WriteTx<'_>, step: u32) -> Result<(), StoreError> {
    search::advance(tx, step)
}

/// Erases those leads that a snapshot found and that are still there, and those that came behind
/// a place in the audit log since, if any; each is noted in the ledger before.
///
/// # Errors
/// The database's own; the ledger cannot be written.
pub fn erase(
    tx: &mut WriteTx<'_>,
    ledger: &mut Ledger,
    found: &[Found],
    since: Option<(&Whose, i64)>,
    reason: &str,
    actor: &str,
) -> Result<Vec<Erased>, StoreError> {
    let new = since.map_or(Ok(Vec::new()), |(whose, at)| privacy::find(tx.conn, whose, at))?;
    ledger.note(found.iter().chain(&new).map(|lead| lead.lead_id.as_str()))?;
    let erased = found.iter().chain(&new).map(|lead| privacy::erase(tx, lead, reason, actor));
    erased.filter_map(Result::transpose).collect()
}

/// Takes what deleted rows have left in unused parts of the file and in the write-ahead log out
/// of both, beside a running server. Calls `progress` with the pages read.
///
/// # Errors
/// [`StoreError::TracesHeld`] while another process keeps reading what was before.
pub fn scrub(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<usize, StoreError> {
    scrub::scrub(&open::writable_in_turn(path)?, progress)
}

/// Adds a row to the audit log.
///
/// # Errors
/// The database's own.
pub fn append(tx: &mut WriteTx<'_>, event: &NewEvent<'_>) -> Result<Receipt, StoreError> {
    tx.append(event)
}

/// Proves the audit log and every lead against it, whatever state the file is in.
///
/// # Errors
/// The file cannot be opened; damage inside it is a finding of the report instead.
pub fn verify(
    path: &Path,
    receipts: &[Receipt],
    progress: &mut dyn FnMut(u64),
) -> Result<Report, StoreError> {
    verify::verify(&open::read_only(path)?, receipts, false, progress)
}

/// What SQLite finds wrong with the file: indexes that lack a row, pages that belong to nothing.
///
/// # Errors
/// The file cannot be read at all.
pub fn check_file(path: &Path) -> Result<Vec<String>, StoreError> {
    check::file(&open::read_only(path)?)
}

/// How many leads are in the ledger of erasures and still there, and how many erased ones are not
/// in it.
///
/// # Errors
/// The database or the ledger cannot be read.
pub fn check_ledger(path: &Path) -> Result<(usize, usize), StoreError> {
    check::ledger(path)
}

/// Makes a backup of a database beside whoever writes to it: one moment's state in one file with an
/// end mark, checked before it is put in its place.
///
/// # Errors
/// The database cannot be read or does not verify; the file cannot be written.
pub fn backup(
    source: &Path,
    target: &Path,
    stop: &Stop,
    tell: &mut Tell<'_>,
) -> Result<Taken, StoreError> {
    backup::create(source, target, stop, tell)
}

/// Proves a backup; `unsealed` takes one without an end mark.
///
/// # Errors
/// The file is cut, altered, or newer than this binary; other faults are findings of the report.
pub fn verify_backup(
    path: &Path,
    unsealed: bool,
    tell: &mut Tell<'_>,
) -> Result<Report, StoreError> {
    backup::prove(path, unsealed, tell)
}

/// Puts a backup in the place of a database, with pending migrations applied and every lead in the
/// ledger erased again; the old files are kept under another name. At every moment the old
/// database or the new one is there. `unsealed` takes a backup without an end mark.
///
/// # Errors
/// Another process has the database open, or the backup is cut, altered, broken or newer; the
/// database is as it was then.
pub fn restore(
    backup: &Path,
    database: &Path,
    unsealed: bool,
    clock: &Clock,
    actor: &str,
    lock: &ServerLock,
    tell: &mut Tell<'_>,
) -> Result<Restored, StoreError> {
    restore::restore(backup, database, unsealed, clock, actor, lock, tell)
}

/// Whether a file ends as a backup does; not whether it is whole.
#[must_use]
pub fn is_backup(path: &Path) -> bool {
    seal::has_mark(path)
}

/// Whether a backup may be put at a path: nothing is there, or another backup.
#[must_use]
pub fn may_hold_backup(path: &Path) -> bool {
    backup::may_replace(path)
}

/// A file beside the database: `fastcore.db` and `.lock` make `fastcore.db.lock`.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
