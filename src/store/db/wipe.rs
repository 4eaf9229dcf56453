//! Takes what is left of deleted rows out of the file. `secure_delete` overwrites a deleted row
//! where it lies, but not the copies that SQLite leaves in the unused middle of a page when it
//! moves rows to another page.

use crate::store::db::open;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::store::db::{btree, checkpoint};
use crate::store::error::StoreError;

/// Pages that are cleaned in one transaction: leads wait no longer than for that.
const BATCH: usize = 128;
/// How often progress is told, in pages.
const STEP: i64 = 10_000;
/// How long to wait for others to end their reading.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// The first byte of a page on a chain of overflow or free pages is that of a page number; it
/// could be taken for the kind of a b-tree page from here on (128 GiB).
const MOST_PAGES: i64 = 0x0200_0000;

/// Cleans every page, then empties the write-ahead log, which holds the pages as they were.
/// Returns how many pages held something.
pub(crate) fn scrub(conn: &Connection, progress: &mut dyn FnMut(u64)) -> Result<usize, StoreError> {
    // What a large statement puts aside must not go to a file.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    let cleaned = match unclean(conn, progress)? {
        Some(pages) => {
            pages.chunks(BATCH).try_for_each(|pages| clean_pages(conn, pages))?;
            pages.len()
        }
        None => {
            conn.execute_batch("VACUUM")?;
            0
        }
    };
    empty_log(conn)?;
    Ok(cleaned)
}

/// The pages that are not clean; none where that cannot be found out page by page.
fn unclean(
    conn: &Connection,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Vec<i64>>, StoreError> {
    let count: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if count >= MOST_PAGES || !btree::gives_pages(conn)? {
        return Ok(None);
    }
    let mut statement = conn.prepare("SELECT pgno, data FROM sqlite_dbpage('main')")?;
    let mut rows = statement.query([])?;
    let (mut pages, mut page) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        page.clear();
        page.extend_from_slice(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
        if clean(number, &mut page) {
            pages.push(number);
        }
        if number % STEP == 0 {
            progress(number.unsigned_abs());
        }
    }
    Ok(Some(pages))
}

fn clean_pages(conn: &Connection, pages: &[i64]) -> Result<(), StoreError> {
    let tx = rusqlite::Transaction::new_unchecked(conn, rusqlite::TransactionBehavior::Immediate)?;
    for number in pages {
        let page: rusqlite::Result<Vec<u8>> =
            tx.prepare_cached(btree::PAGE)?.query_row([number], |row| row.get(0));
        // A page that is gone since was cut off with the end of the file.
        let Ok(mut page) = page else { continue };
        if clean(*number, &mut page) {
            let write = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1";
            tx.prepare_cached(write)?.execute(params![number, page])?;
        }
    }
    Ok(tx.commit()?)
}

/// Overwrites what a b-tree page does not use (sqlite.org/fileformat2.html, section 1.6): the
/// middle between the list of its cells and the cells, and the blocks freed among them. Says
/// whether something was there.
fn clean(number: i64, page: &mut [u8]) -> bool {
    let header = btree::header(number);
    let word = |page: &[u8], at: usize| btree::half(page, at).map_or(0, usize::from);
    let Some(kind) = page.get(header) else { return false };
    let cells_at = header
        + match kind {
            0x02 | 0x05 => 12,
            0x0a | 0x0d => 8,
            _ => return false,
        };
    let unused = cells_at + 2 * word(page, header + 3);
    let content = match word(page, header + 5) {
        0 => 65_536,
        at => at,
    };
    let mut found = wipe(page, unused, content);
    let mut block = word(page, header + 1);
    // Freed blocks lie in rising order; anything else is damage, which is not for here.
    while block >= content && block + 4 <= page.len() {
        let (next, size) = (word(page, block), word(page, block + 2));
        found |= wipe(page, block + 4, block + size);
        if next <= block {
            break;
        }
        block = next;
    }
    found
}

fn wipe(page: &mut [u8], from: usize, to: usize) -> bool {
    let found = page.get(from..to).is_some_and(|bytes| bytes.iter().any(|b| *b != 0));
    if found {
        page[from..to].fill(0);
    }
    found
}

/// Empties the write-ahead log beside a server that goes on writing.
pub(crate) fn empty_log(conn: &Connection) -> Result<(), StoreError> {
    let deadline = Instant::now() + PATIENCE;
    while !checkpoint::empty(conn) {
        if Instant::now() > deadline {
            return Err(StoreError::TracesHeld);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Removes what deleted rows have left in unused parts of the file and in the WAL, while a server may
/// be running. Calls `progress` with the number of pages read.
///
/// # Errors
/// [`StoreError::TracesHeld`] while another process keeps an old read transaction open.
pub fn wipe_deleted(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<usize, StoreError> {
    scrub(&open::writable_in_turn(path)?, progress)
}
