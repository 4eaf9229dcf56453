//! Opens connections, each with every pragma that it needs; makes sure first that the file is ours.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// `application_id` of the first migration: "FCRE".
const APPLICATION_ID: i32 = 1_178_817_093;
/// SQLite before 3.51.3 can lose commits when two connections write and checkpoint at once
/// (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_LIBRARY: i32 = 3_051_003;
/// How long a statement waits for another process's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// How often a command asks for a lock that a busy server gives up only for moments, and how many times.
const TURN: Duration = Duration::from_millis(1);
const TURNS: i32 = 10_000;
/// The smallest page of SQLite's, and so the smallest file that holds a database.
const SMALLEST: u64 = 512;
/// The writer's page cache in KiB: the hot pages of a large database's random index.
const WRITER_CACHE_KIB: i32 = 4 * 1024;

/// Opens the database to write, and creates it (mode 0600) where there is none.
/// The flag says whether it was created.
pub(crate) fn read_write(path: &Path) -> Result<(Connection, bool), StoreError> {
    check_library()?;
    let created = create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, "writing", e))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Were the file another program's, closing it would empty its write-ahead log into it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if check_identity(&conn, path)? == 0 {
        // Before anything else, so that a start that is cut off leaves a file that is known as ours.
        conn.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(|e| cannot_open(path, "writing", e))?;
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    if !created {
        make_private(path)?;
    }
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|e| cannot_open(path, "writing", e))?;
    if mode != "wal" {
        let cause = format!("its file system cannot hold a write-ahead log (journal mode {mode})");
        return Err(StoreError::CannotOpen { path: path.into(), purpose: "writing", cause });
    }
    // Not temp_store = MEMORY: SQLite would then keep its statement journals in pieces of 1 KiB.
    conn.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;
         PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -{WRITER_CACHE_KIB};"
    ))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok((conn, created))
}

/// Opens the database to write beside a server that stores one lead after the other. SQLite's own
/// waiting, up to 100 ms between two looks, can miss every moment in which the lock is free.
pub(crate) fn open_with_busy_poll(path: &Path) -> Result<Connection, StoreError> {
    let (conn, _) = read_write(path)?;
    conn.busy_handler(Some(|asked| {
        std::thread::sleep(TURN);
        asked < TURNS
    }))?;
    Ok(conn)
}

/// Opens the database to read alone.
pub(crate) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    check_library()?;
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing(path.into()));
    }
    let conn = Connection::open_with_flags(path, reader_flags())
        .map_err(|e| cannot_open(path, "reading", e))?;
    init_reader(&conn)?;
    check_identity(&conn, path)?;
    Ok(conn)
}

pub(crate) fn reader_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

pub(crate) fn init_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
    )
}

fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        return Err(StoreError::OldLibrary(rusqlite::version().to_owned()));
    }
    Ok(())
}

/// Makes the file where there is none. SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> Result<bool, StoreError> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(cannot_write(path, &e)),
    }
}

/// Takes the group's and others' rights from the database and the files beside it. Only for a
/// file that is known to be ours: any other keeps its mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let name = sidecar_path(path, suffix);
        let Ok(meta) = fs::metadata(&name) else { continue };
        if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&name, fs::Permissions::from_mode(0o600))
                .map_err(|e| cannot_write(path, &e))?;
        }
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> StoreError {
    StoreError::CannotOpen { path: path.into(), purpose: "writing", cause: error.to_string() }
}

/// Refuses a file that is no database, or another program's, before anything of it is changed.
/// Returns how many objects its schema has.
fn check_identity(conn: &Connection, path: &Path) -> Result<i32, StoreError> {
    // SQLite takes a file of less than a page for an empty database, and would write over it.
    if fs::metadata(path).is_ok_and(|meta| meta.is_file() && (1..SMALLEST).contains(&meta.len())) {
        return Err(StoreError::NotADatabase(path.into()));
    }
    let one = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i32>(0));
    let objects = one("SELECT count(*) FROM sqlite_schema").map_err(|e| match e.into() {
        damaged @ StoreError::Corrupt(_) if !is_not_a_database(path) => damaged,
        other => cannot_open(path, "reading", other),
    })?;
    if objects > 0 && one("PRAGMA application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign(path.into()));
    }
    Ok(objects)
}

/// Whether the file lacks SQLite's first sixteen bytes. Only asked when SQLite has refused the file.
fn is_not_a_database(path: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let head = fs::File::open(path).and_then(|mut file| {
        let mut head = [0; MAGIC.len()];
        io::Read::read_exact(&mut file, &mut head).map(|()| head)
    });
    head.map_or(true, |head| head != MAGIC)
}

fn cannot_open(path: &Path, purpose: &'static str, error: impl Into<StoreError>) -> StoreError {
    match error.into() {
        StoreError::Corrupt(_) => StoreError::NotADatabase(path.into()),
        StoreError::Io(cause) | StoreError::Sqlite(cause) => {
            StoreError::CannotOpen { path: path.into(), purpose, cause }
        }
        full @ StoreError::Full => {
            StoreError::CannotOpen { path: path.into(), purpose, cause: full.to_string() }
        }
        other => other,
    }
}
