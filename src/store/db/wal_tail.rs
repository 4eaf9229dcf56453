//! The tail of the write-ahead log (WAL): what is left in its file of the time before SQLite began to write it
//! from the start again. A program that replicates the database, as Litestream does, keeps a read transaction
//! open all the time, so that the file is never truncated and the tail can stay for months.
//!
//! To be used while the caller has the write lock. The format: <https://sqlite.org/fileformat2.html>,
//! section 4.1.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

const HEADER_SIZE: usize = 32;
const FRAME_HEADER_SIZE: usize = 24;
/// Where the size of a page and the salts are in the header, and the salts in that of a frame.
const PAGE_SIZE: std::ops::Range<usize> = 8..12;
const SALTS: std::ops::Range<usize> = 16..24;
const FRAME_SALTS: std::ops::Range<usize> = 8..16;

/// Which beginning of the WAL this is: SQLite changes the salts each time that it writes the file from the
/// start. Before it does, all frames are in the database file, and nobody reads them any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalStart(Option<[u8; 8]>);

/// The present beginning of a database's WAL.
pub(crate) fn start_of(database: &Path) -> Result<WalStart, StoreError> {
    let path = sidecar_path(database, "-wal");
    let header = open(&path).and_then(|file| file.map_or(Ok(None), |file| header_of(&file)));
    Ok(WalStart(header.map_err(StoreError::at(&path))?.map(|(salts, _)| salts)))
}

/// Cuts off what is left from before the present beginning, if this is not `start` any more. Returns whether
/// nothing is left of what was written up to `start`.
pub(crate) fn cut_if_restarted(database: &Path, start: WalStart) -> Result<bool, StoreError> {
    if start_of(database)? == start {
        return Ok(false);
    }
    let path = sidecar_path(database, "-wal");
    cut(&path).map_err(StoreError::at(&path))?;
    Ok(true)
}

fn cut(path: &Path) -> io::Result<()> {
    let Some(file) = open(path)? else { return Ok(()) };
    let Some((salts, page_size)) = header_of(&file)? else { return Ok(()) };
    let mut end = HEADER_SIZE as u64;
    let mut frame = [0; FRAME_HEADER_SIZE];
    while read_at(&file, &mut frame, end)? && frame[FRAME_SALTS] == salts {
        end += FRAME_HEADER_SIZE as u64 + u64::from(page_size);
    }
    // The last frame of the present beginning is whole: SQLite has committed it, or nobody will read it.
    if end < file.metadata()?.len() {
        file.set_len(end)?;
    }
    file.sync_all()
}

/// SQLite locks the database file and the shared-memory file, never the WAL: to close it drops no lock.
fn open(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The salts and the size of a page; `None` if the WAL is empty.
fn header_of(file: &File) -> io::Result<Option<([u8; 8], u32)>> {
    let mut header = [0; HEADER_SIZE];
    if !read_at(file, &mut header, 0)? {
        return Ok(None);
    }
    let (mut salts, mut page_size) = ([0; 8], [0; 4]);
    salts.copy_from_slice(&header[SALTS]);
    page_size.copy_from_slice(&header[PAGE_SIZE]);
    Ok(Some((salts, u32::from_be_bytes(page_size))))
}

/// Fills a buffer; `false` if the file ends before.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, offset) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::open::read_write;
    use rusqlite::Connection;

    fn connect(path: &Path) -> Connection {
        let conn = Connection::open(path).expect("a database");
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 0",
        )
        .expect("a WAL");
        conn
    }

    fn fill(conn: &Connection, text: &str) {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                   INSERT INTO t SELECT ?1 || hex(zeroblob(200)) FROM n";
        conn.execute(sql, [text]).expect("rows");
    }

    fn checkpoint(conn: &Connection, mode: &str) {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        conn.query_row(&sql, [], |_| Ok(())).expect("a checkpoint");
    }

    fn cut_in_transaction(conn: &Connection, path: &Path, start: WalStart) -> bool {
        conn.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
        let done = cut_if_restarted(path, start).expect("a cut");
        conn.execute_batch("COMMIT").expect("a commit");
        done
    }

    #[test]
    fn only_the_tail_is_cut_and_readers_and_writers_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let size = || std::fs::metadata(sidecar_path(&path, "-wal")).expect("a WAL").len();
        let (writer, reader) = (connect(&path), connect(&path));
        let count = |conn: &Connection, text: &str| {
            let sql = "SELECT count(*) FROM t WHERE x LIKE ?1 || '%'";
            conn.query_row(sql, [text], |row| row.get::<_, i64>(0)).expect("a count")
        };
        writer.execute_batch("CREATE TABLE t (x)").expect("a table");
        fill(&writer, "old");
        let start = start_of(&path).expect("a start");
        let before = size();

        // An old reader: the WAL is not restarted, and nothing is cut.
        reader.execute_batch("BEGIN").expect("a transaction");
        assert_eq!(count(&reader, "old"), 500);
        fill(&writer, "new");
        checkpoint(&writer, "PASSIVE");
        fill(&writer, "new");
        assert!(!cut_in_transaction(&writer, &path, start));
        assert!(size() > before);
        assert_eq!((count(&reader, "old"), count(&reader, "new")), (500, 0));
        reader.execute_batch("COMMIT").expect("the end of it");

        // A reader since the checkpoint: the WAL is restarted, but cannot be truncated.
        checkpoint(&writer, "PASSIVE");
        reader.execute_batch("BEGIN").expect("a transaction");
        assert_eq!(count(&reader, "new"), 1000);
        writer.execute_batch("INSERT INTO t VALUES ('last')").expect("a row");
        checkpoint(&writer, "TRUNCATE");
        assert!(size() > before);
        assert!(cut_in_transaction(&writer, &path, start));
        assert!(size() < before / 2, "{}", size());
        assert_eq!((count(&reader, "new"), count(&reader, "last")), (1000, 0));
        assert_eq!((count(&writer, "new"), count(&writer, "last")), (1000, 1));
        fill(&writer, "more");
        reader.execute_batch("COMMIT").expect("the end of it");
        assert_eq!((count(&reader, "more"), count(&reader, "last")), (500, 1));
        let faults: String = reader
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("an integrity check");
        assert_eq!(faults, "ok");
    }

    #[test]
    fn litestream_found_its_last_frame_in_the_tail_and_did_not_copy_what_came_after_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let open = || read_write(&path).expect("a connection").0;
        let size = || std::fs::metadata(sidecar_path(&path, "-wal")).expect("a WAL").len();
        open()
            .execute_batch("CREATE TABLE t (x); CREATE TABLE _litestream_seq (id)")
            .expect("tables");
        let (conn, _other) = (open(), open());
        fill(&conn, "a");
        let copied = size();
        fill(&conn, "b");
        checkpoint(&conn, "PASSIVE");
        conn.execute_batch("INSERT INTO t VALUES ('c')").expect("a row");
        // Cut short, the WAL shows Litestream that it has to copy everything.
        assert!(size() < copied, "{}", size());
    }

    #[test]
    fn a_wal_that_is_empty_or_missing_has_no_tail() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let missing = start_of(&path).expect("a start");
        assert!(!cut_if_restarted(&path, missing).expect("a cut"));
        let conn = connect(&path);
        conn.execute_batch("CREATE TABLE t (x)").expect("a table");
        let start = start_of(&path).expect("a start");
        assert_ne!(start, missing);
        checkpoint(&conn, "TRUNCATE");
        assert!(cut_if_restarted(&path, start).expect("a cut"));
    }
}
