//! Opens connections with the pragmas that each needs, after checking that the file is FASTCore's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::db::{disk_usage, lock};
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::sidecar_path;

/// `application_id` of the first migration: "FCRE".
const APPLICATION_ID: i32 = 1_178_817_093;
/// Bytes of the file's header, where it starts, and where `application_id` is in it
/// (<https://sqlite.org/fileformat2.html>, section 1.3).
pub(crate) const HEADER_SIZE: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const APPLICATION_ID_OFFSET: usize = 68;
/// SQLite before 3.51.3 can lose commits when two connections write and checkpoint at once
/// (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_LIBRARY: i32 = 3_051_003;
/// How long a statement waits for another process's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// How often a command asks for a lock that a busy server releases only for moments, and how many times.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
const MAX_POLLS: i32 = 10_000;
/// SQLite's smallest page, and so the smallest database file.
const MIN_FILE_SIZE: u64 = 512;
/// The writer's page cache: the pages of a large database's random indexes that are used again soon.
const WRITER_CACHE_KIB: i32 = 4 * 1024;
/// What Litestream creates in a database. At its start, it looks whether the last frame that it has copied is
/// where it was in the WAL, and if so, takes it that nothing is missing in between. Frames that SQLite leaves
/// behind what it writes from the start again would deceive it, and its replica would lack leads. (Only for
/// its sake: a file that becomes shorter costs a sustained load time.)
const REPLICATOR_TABLE: &str = "_litestream_seq";

/// Opens the database for writing, and creates it (mode 0600) if it is missing. The flag says whether it
/// was created.
pub(crate) fn read_write(path: &Path) -> Result<(Connection, bool), StoreError> {
    check_library()?;
    let created = create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, "writing", e))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // If the file is another program's, closing it must not checkpoint its WAL.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if check_identity(&conn, path)? == 0 {
        // Before anything else, so that an interrupted start leaves a file that is known as FASTCore's.
        mark_as_own(&conn).map_err(|e| cannot_open(path, "writing", e))?;
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    if !created {
        make_private(path)?;
    }
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|e| cannot_open(path, "writing", e))?;
    if mode != "wal" {
        let cause =
            format!("its file system does not support a write-ahead log (journal mode {mode})");
        return Err(StoreError::CannotOpen { path: path.into(), purpose: "writing", cause });
    }
    conn.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;
         PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -{WRITER_CACHE_KIB};"
    ))?;
    if conn.table_exists(None, REPLICATOR_TABLE)? {
        conn.pragma_update(None, "journal_size_limit", 0)?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    Ok((conn, created))
}

/// Opens the database for writing while a server may store one lead after the other. SQLite's own busy
/// handler waits up to 100 ms between two attempts and can miss every moment in which the lock is free.
pub(crate) fn open_with_busy_poll(path: &Path) -> Result<Connection, StoreError> {
    let (conn, _) = read_write(path)?;
    conn.busy_handler(Some(|polls| {
        std::thread::sleep(POLL_INTERVAL);
        polls < MAX_POLLS
    }))?;
    Ok(conn)
}

/// Opens the database for reading only.
pub(crate) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    reader(path).map(|(conn, _)| conn)
}

/// Opens the database for reading only. Returns also how, for more connections of the kind.
pub(crate) fn reader(path: &Path) -> Result<(Connection, ReadMode), StoreError> {
    check_library()?;
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing(path.into()));
    }
    read_in(ReadMode::Shared, path).or_else(|error| match ReadMode::without_writing(path) {
        Some(mode) => read_in(mode, path).map_err(|_| error),
        None => Err(error),
    })
}

fn read_in(mode: ReadMode, path: &Path) -> Result<(Connection, ReadMode), StoreError> {
    let conn = Connection::open_with_flags(mode.uri(path), mode.flags())
        .map_err(|e| cannot_open(path, "reading", e))?;
    mode.init(&conn)?;
    check_identity(&conn, path)?;
    Ok((conn, mode))
}

/// How a reader opens a database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadMode {
    /// While others write. Creates the shared-memory file of the WAL if it is missing.
    Shared,
    /// A file without a WAL that nobody changes.
    Immutable,
    /// A file with a WAL that nobody changes; the index of the WAL is in memory.
    Unshared,
}

impl ReadMode {
    /// The mode that creates no file, for a disk on which none can be: it must be full or read-only, and no
    /// other process may have the database open.
    fn without_writing(path: &Path) -> Option<Self> {
        if !disk_usage::refuses_writes(path) || lock::check_unused(path).is_err() {
            return None;
        }
        let has_wal = fs::metadata(sidecar_path(path, "-wal")).is_ok_and(|meta| meta.len() > 0);
        Some(if has_wal { Self::Unshared } else { Self::Immutable })
    }

    pub(crate) fn flags(self) -> OpenFlags {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::Shared => flags,
            _ => flags | OpenFlags::SQLITE_OPEN_URI,
        }
    }

    /// What to open with [`Self::flags`].
    pub(crate) fn uri(self, path: &Path) -> PathBuf {
        let parameters = match self {
            Self::Shared => return path.to_owned(),
            Self::Immutable => "?immutable=1",
            Self::Unshared => "?vfs=unix-none",
        };
        let mut uri = b"file:".to_vec();
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").bytes()),
                _ => uri.push(*byte),
            }
        }
        uri.extend(parameters.bytes());
        PathBuf::from(OsString::from_vec(uri))
    }

    pub(crate) fn init(self, conn: &Connection) -> rusqlite::Result<()> {
        conn.busy_timeout(BUSY_TIMEOUT)?;
        if matches!(self, Self::Unshared) {
            conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        }
        conn.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
        )
    }
}

fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        return Err(StoreError::OldLibrary(rusqlite::version().to_owned()));
    }
    Ok(())
}

/// Creates the file if it is missing. SQLite gives the files next to it the same mode.
fn create_private(path: &Path) -> Result<bool, StoreError> {
    let owner = FileOwner::of_database(path);
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            let given = owner.and_then(|owner| owner.give(&file));
            given.map(|()| true).map_err(|e| cannot_write(path, &e))
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(cannot_write(path, &e)),
    }
}

/// Removes the permissions of group and others from the database and the files next to it. Only for a file
/// that is known as FASTCore's: any other keeps its mode.
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

/// Refuses a file that is not a database, or is another program's, before anything in it is changed.
/// Returns the number of objects in its schema.
fn check_identity(conn: &Connection, path: &Path) -> Result<i32, StoreError> {
    // SQLite takes a file smaller than a page for an empty database, and would overwrite it.
    if fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && (1..MIN_FILE_SIZE).contains(&meta.len()))
    {
        return Err(StoreError::NotADatabase(path.into()));
    }
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i32>(0));
    let objects = number("SELECT count(*) FROM sqlite_schema").map_err(|e| match e.into() {
        damaged @ StoreError::Corrupt(_) if !is_not_a_database(path) => damaged,
        other => cannot_open(path, "reading", other),
    })?;
    if objects > 0 && number("PRAGMA application_id")? != APPLICATION_ID {
        let own = number(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
             AND name IN ('audit_log', 'lead_inbox', 'refinery_schema_history')",
        )?;
        let path = path.into();
        return Err(if own == 3 { StoreError::Unmarked(path) } else { StoreError::Foreign(path) });
    }
    Ok(objects)
}

/// Whether a file with this header is a database of FASTCore.
pub(crate) fn is_own_header(header: &[u8; HEADER_SIZE]) -> bool {
    header.starts_with(MAGIC)
        && header[APPLICATION_ID_OFFSET..].starts_with(&APPLICATION_ID.to_be_bytes())
}

/// Marks a new file as FASTCore's, so that it can be recognised before anything else is in it.
pub(crate) fn mark_as_own(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Whether the file lacks SQLite's header string. Only called when SQLite has refused the file.
fn is_not_a_database(path: &Path) -> bool {
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
