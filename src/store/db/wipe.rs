//! Overwrites what deleted rows have left in unused parts of the file. `secure_delete` overwrites a
//! deleted row where it is, but not the copies that SQLite leaves in the unused middle of a page when
//! it moves rows to another page.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::store::db::{open, wal_checkpoint};
use crate::store::error::StoreError;

/// Pages that are overwritten in one transaction: the longest that leads wait.
const PAGES_PER_TRANSACTION: usize = 64;
/// Pages between two calls of the progress function.
const PROGRESS_INTERVAL: i64 = 10_000;
/// How long a command waits for readers of old pages, and how often it looks. What they keep for longer is
/// overwritten by the server.
const READER_TIMEOUT: Duration = Duration::from_millis(500);
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// The first byte of an overflow or free page is that of a page number. From this number on (128 GiB),
/// it could be taken for the type of a b-tree page.
const MAX_PAGES: i64 = 0x0200_0000;
/// The file's header, which comes before that of the first page.
const FILE_HEADER_SIZE: usize = 100;

/// Whether erased leads may still be legible in unused parts of the file or in the WAL.
pub(crate) fn is_pending(conn: &Connection) -> Result<bool, StoreError> {
    Ok(last_erasure(conn)? > wiped_through(conn)?)
}

/// The last audit row that records an erasure; 0 if there is none.
fn last_erasure(conn: &Connection) -> Result<i64, StoreError> {
    // The index on `event` is partial: without the second condition, SQLite does not use it.
    let sql = "SELECT coalesce(max(seq), 0) FROM audit_log
               WHERE event IN ('LEAD_ERASED', 'REFUSED_ERASED', 'REFUSED_PURGED')
                 AND event <> 'LEAD_RECEIVED'";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Up to which audit row erasures are wiped.
pub(crate) fn wiped_through(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT wiped_through FROM erasure_wipe";
    let through = conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(through.unwrap_or(0))
}

/// Records that erasures are wiped up to an audit row.
pub(crate) fn record_wiped(conn: &Connection, through: i64) -> Result<(), StoreError> {
    let sql = "UPDATE erasure_wipe SET wiped_through = max(wiped_through, ?1)";
    conn.prepare_cached(sql)?.execute([through])?;
    Ok(())
}

/// What a wipe has to do.
pub(crate) struct WipePlan {
    /// The last erasure that it covers.
    pub(crate) through: i64,
    /// The pages with something in their unused parts; `None` if single pages cannot be examined.
    pub(crate) pages: Option<Vec<i64>>,
}

impl WipePlan {
    /// Examines every page. Calls `progress` with the number of pages read.
    pub(crate) fn scan(
        conn: &Connection,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, StoreError> {
        Ok(Self { through: last_erasure(conn)?, pages: dirty_pages(conn, progress)? })
    }
}

/// Removes what deleted rows have left in unused parts of the file and in the WAL, for a command, while a
/// server may be running. Calls `progress` with the number of pages read. Returns whether all was done; if
/// not, another process keeps an old read transaction open.
///
/// # Errors
/// The database's own.
pub fn wipe_deleted(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<bool, StoreError> {
    let conn = open::open_with_busy_poll(path)?;
    // What a large statement sets aside must not go to a temporary file.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    let plan = WipePlan::scan(&conn, progress)?;
    match plan.pages {
        Some(pages) => pages.chunks(PAGES_PER_TRANSACTION).try_for_each(|pages| {
            let tx = Transaction::new_unchecked(&conn, TransactionBehavior::Immediate)?;
            wipe_pages(&tx, pages)?;
            Ok::<_, StoreError>(tx.commit()?)
        })?,
        None => conn.execute_batch("VACUUM")?,
    }
    // The WAL has the pages as they were.
    let deadline = Instant::now() + READER_TIMEOUT;
    while !wal_checkpoint::try_truncate(&conn) {
        if Instant::now() > deadline {
            return Ok(false);
        }
        std::thread::sleep(RETRY_DELAY);
    }
    record_wiped(&conn, plan.through)?;
    Ok(true)
}

fn dirty_pages(
    conn: &Connection,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Vec<i64>>, StoreError> {
    let count: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let has_dbpage = "SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'";
    if count >= MAX_PAGES || !conn.prepare(has_dbpage)?.exists([])? {
        return Ok(None);
    }
    let mut statement = conn.prepare("SELECT pgno, data FROM sqlite_dbpage('main')")?;
    let mut rows = statement.query([])?;
    let mut dirty = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, mut page): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if zero_unused(number, &mut page) {
            dirty.push(number);
        }
        if number % PROGRESS_INTERVAL == 0 {
            progress(number.unsigned_abs());
        }
    }
    Ok(Some(dirty))
}

/// Overwrites the unused parts of pages, in the transaction of the caller.
pub(crate) fn wipe_pages(conn: &Connection, pages: &[i64]) -> Result<(), StoreError> {
    let mut read = conn.prepare_cached("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")?;
    let mut write = conn.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
    for number in pages {
        // A page that is not there any more was cut off with the end of the file.
        let page = read.query_row([number], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let Some(mut page) = page else { continue };
        if zero_unused(*number, &mut page) {
            write.execute(params![number, page])?;
        }
    }
    Ok(())
}

/// Zeroes what a b-tree page does not use (<https://sqlite.org/fileformat2.html>, section 1.6): the
/// gap between the cell pointers and the cells, and the free blocks between cells. Returns whether
/// anything was there.
fn zero_unused(number: i64, page: &mut [u8]) -> bool {
    let header = if number == 1 { FILE_HEADER_SIZE } else { 0 };
    let cell_pointers = match page.get(header) {
        Some(0x02 | 0x05) => header + 12,
        Some(0x0a | 0x0d) => header + 8,
        _ => return false,
    };
    let gap = cell_pointers + 2 * read_u16(page, header + 3);
    let cells = match read_u16(page, header + 5) {
        0 => 65_536,
        offset => offset,
    };
    let mut found = zero(page, gap, cells);
    let mut block = read_u16(page, header + 1);
    // Free blocks are in rising order; anything else is damage, which is not handled here.
    while block >= cells && block + 4 <= page.len() {
        let (next, size) = (read_u16(page, block), read_u16(page, block + 2));
        found |= zero(page, block + 4, block + size);
        if next <= block {
            break;
        }
        block = next;
    }
    found
}

/// A big-endian number; 0 beyond the end of the page.
fn read_u16(page: &[u8], offset: usize) -> usize {
    page.get(offset..offset + 2)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, |bytes| usize::from(u16::from_be_bytes(bytes)))
}

fn zero(page: &mut [u8], from: usize, to: usize) -> bool {
    let found = page.get(from..to).is_some_and(|bytes| bytes.iter().any(|b| *b != 0));
    if found {
        page[from..to].fill(0);
    }
    found
}
