//! Rows read straight from a table's pages, in the order of their keys: half the time that SQLite
//! takes to hand out every column of every row. The pages are SQLite's own, of the snapshot that
//! the connection is in; their form is that of <https://sqlite.org/fileformat2.html>, sections 1.6
//! and 2.1.

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Rows, Statement};

use crate::store::error::StoreError;

/// Deeper than any tree of SQLite's (`BTCURSOR_MAX_DEPTH`).
const DEEPEST: usize = 20;
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;
/// SQLite takes no file whose pages hold less.
const LEAST_USABLE: usize = 480;
/// The file's own header, before that of the first page.
const FILE_HEADER: usize = 100;

/// Gives a page by its number.
pub(crate) const PAGE: &str = "SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1";

/// Whether the library gives out pages.
pub(crate) fn gives_pages(conn: &Connection) -> Result<bool, StoreError> {
    let module = "SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'";
    Ok(conn.prepare(module)?.exists([])?)
}

/// Where the header of a page begins.
pub(crate) fn header(number: i64) -> usize {
    if number == 1 { FILE_HEADER } else { 0 }
}

/// A table whose rows are read in the order of their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<const N: usize> {
    pub(crate) name: &'static str,
    /// In the order of the table.
    pub(crate) columns: [&'static str; N],
    /// Which of them is the `INTEGER PRIMARY KEY`.
    pub(crate) key: usize,
}

impl<const N: usize> Table<N> {
    /// The statement that gives the same rows as [`Pages`].
    pub(crate) fn select(&self) -> String {
        let Self { name, columns, key } = self;
        format!("SELECT {} FROM {name} ORDER BY {}", columns.join(", "), columns[*key])
    }
}

/// Rows, one at a time.
pub(crate) trait Source<const N: usize> {
    /// Goes to the next row; says whether there is one.
    fn advance(&mut self) -> Result<bool, StoreError>;
    /// The key of the row that it is at.
    fn key(&self) -> Result<i64, StoreError>;
    /// The columns of that row.
    fn values(&self) -> Result<[ValueRef<'_>; N], StoreError>;
}

/// SQLite's own way, for a file or a library that the pages cannot be had of.
pub(crate) struct Selected<'s, const N: usize> {
    rows: Rows<'s>,
    key_column: usize,
}

impl<'s, const N: usize> Selected<'s, N> {
    /// The rows of [`Table::select`].
    pub(crate) fn of(select: &'s mut Statement<'_>, table: &Table<N>) -> Result<Self, StoreError> {
        Ok(Self { rows: select.query([])?, key_column: table.key })
    }
}

impl<const N: usize> Source<N> for Selected<'_, N> {
    fn advance(&mut self) -> Result<bool, StoreError> {
        self.rows.advance()?;
        Ok(self.rows.get().is_some())
    }

    fn key(&self) -> Result<i64, StoreError> {
        Ok(self.rows.get().map_or(Ok(0), |row| row.get(self.key_column))?)
    }

    fn values(&self) -> Result<[ValueRef<'_>; N], StoreError> {
        let mut values = [ValueRef::Null; N];
        if let Some(row) = self.rows.get() {
            for (i, value) in values.iter_mut().enumerate() {
                *value = row.get_ref(i)?;
            }
        }
        Ok(values)
    }
}

/// The way through the tree of a table, at one of its rows.
pub(crate) struct Pages<'c, const N: usize> {
    read: Statement<'c>,
    /// Bytes of a page that hold anything.
    usable: usize,
    key_column: usize,
    /// From the root to the leaf.
    path: Vec<Page>,
    /// Pages that were read to their end, for those to come.
    spare: Vec<Vec<u8>>,
    /// No row has more bytes than the file.
    longest: usize,
    key: Option<i64>,
    record: Record,
}

/// Where the row's record is.
enum Record {
    /// In the leaf.
    Here { at: usize, length: usize },
    /// Put together from the leaf and its overflow pages.
    Gathered(Vec<u8>),
}

struct Page {
    number: u32,
    bytes: Vec<u8>,
    /// Where its list of cells begins.
    cells: usize,
    count: usize,
    /// The cell, or the last child, that is next.
    next: usize,
    leaf: bool,
}

impl<'c, const N: usize> Pages<'c, N> {
    /// None where the table is not as this binary makes it, or where the library gives out no pages.
    pub(crate) fn of(conn: &'c Connection, table: &Table<N>) -> Result<Option<Self>, StoreError> {
        let encoding: String = conn.query_row("PRAGMA encoding", [], |row| row.get(0))?;
        if encoding != "UTF-8" || !gives_pages(conn)? {
            return Ok(None);
        }
        let as_made = table.columns.iter().enumerate().map(|(i, name)| match i == table.key {
            true => format!("{name} INTEGER"),
            false => (*name).to_owned(),
        });
        let as_made = as_made.collect::<Vec<_>>().join(", ");
        let root: Option<u32> = conn
            .query_row(include_str!("btree_root.sql"), [table.name, &as_made], |row| row.get(0))
            .optional()?;
        let Some(root) = root else { return Ok(None) };
        let mut pages = Self {
            read: conn.prepare(PAGE)?,
            usable: 0,
            key_column: table.key,
            path: Vec::new(),
            spare: Vec::new(),
            longest: 0,
            key: None,
            record: Record::Here { at: 0, length: 0 },
        };
        let first = pages.bytes(1)?;
        let reserved = first.get(20).copied().ok_or_else(|| malformed(1))?;
        pages.usable = first.len().saturating_sub(usize::from(reserved));
        if pages.usable < LEAST_USABLE {
            return Err(malformed(1));
        }
        let count: u32 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        pages.longest = pages.usable.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX));
        pages.descend(root)?;
        Ok(Some(pages))
    }

    fn bytes(&mut self, number: u32) -> Result<Vec<u8>, StoreError> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        let mut rows = self.read.query([number])?;
        let row = rows.next()?.ok_or_else(|| malformed(number))?;
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(|_| malformed(number))?);
        Ok(bytes)
    }

    fn descend(&mut self, number: u32) -> Result<(), StoreError> {
        let bytes = self.bytes(number)?;
        if self.path.len() == DEEPEST {
            return Err(malformed(number));
        }
        self.path.push(Page::of(number, bytes).ok_or_else(|| malformed(number))?);
        Ok(())
    }

    /// Takes a row in its leaf: its length, its key, and as much of it as lies there.
    fn take(&mut self, at: usize) -> Result<(), StoreError> {
        let page = self.path.last().ok_or_else(|| malformed(0))?;
        let fail = || malformed(page.number);
        let (length, at) = varint(&page.bytes, at).ok_or_else(fail)?;
        let (key, at) = varint(&page.bytes, at).ok_or_else(fail)?;
        let length = usize::try_from(length).map_err(|_| fail())?;
        // Keys rise; otherwise a page could lead back to one before it, for ever.
        if length > self.longest || self.key.is_some_and(|last| key <= last) {
            return Err(fail());
        }
        let here = local(length, self.usable);
        let part = page.bytes.get(at..at + here).ok_or_else(fail)?;
        self.key = Some(key);
        if here == length {
            self.record = Record::Here { at, length };
            return Ok(());
        }
        let mut record = part.to_vec();
        let mut overflow = word(&page.bytes, at + here).ok_or_else(fail)?;
        while record.len() < length {
            let bytes = self.bytes(overflow)?;
            let size = (length - record.len()).min(self.usable - 4);
            let fail = || malformed(overflow);
            record.extend_from_slice(bytes.get(4..4 + size).ok_or_else(fail)?);
            overflow = word(&bytes, 0).ok_or_else(fail)?;
            self.spare.push(bytes);
        }
        self.record = Record::Gathered(record);
        Ok(())
    }
}

impl<const N: usize> Source<N> for Pages<'_, N> {
    fn advance(&mut self) -> Result<bool, StoreError> {
        while let Some(page) = self.path.last_mut() {
            let fail = || malformed(page.number);
            let next = page.next;
            page.next += 1;
            if page.leaf && next < page.count {
                let at = page.cell(next).ok_or_else(fail)?;
                self.take(at)?;
                return Ok(true);
            }
            if page.leaf || next > page.count {
                self.spare.extend(self.path.pop().map(|page| page.bytes));
                continue;
            }
            // Behind the last cell, the child that is in the header.
            let child = if next < page.count { page.cell(next) } else { Some(page.cells - 4) };
            let child = child.and_then(|at| word(&page.bytes, at)).ok_or_else(fail)?;
            self.descend(child)?;
        }
        Ok(false)
    }

    fn key(&self) -> Result<i64, StoreError> {
        self.key.ok_or_else(|| malformed(0))
    }

    fn values(&self) -> Result<[ValueRef<'_>; N], StoreError> {
        let page = self.path.last().ok_or_else(|| malformed(0))?;
        let record = match &self.record {
            Record::Here { at, length } => page.bytes.get(*at..at + length),
            Record::Gathered(record) => Some(record.as_slice()),
        };
        let mut values = record.and_then(columns).ok_or_else(|| malformed(page.number))?;
        values[self.key_column] = ValueRef::Integer(self.key()?);
        Ok(values)
    }
}

impl Page {
    fn of(number: u32, bytes: Vec<u8>) -> Option<Self> {
        let header = header(i64::from(number));
        let leaf = match *bytes.get(header)? {
            LEAF => true,
            INTERIOR => false,
            _ => return None,
        };
        let count = usize::from(half(&bytes, header + 3)?);
        let cells = header + if leaf { 8 } else { 12 };
        Some(Self { number, bytes, cells, count, next: 0, leaf })
    }

    fn cell(&self, n: usize) -> Option<usize> {
        half(&self.bytes, self.cells + 2 * n).map(usize::from)
    }
}

/// How much of a record lies in the leaf, where so many bytes of a page are usable.
fn local(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fits = least + (length - least) % (usable - 4);
    if fits <= most { fits } else { least }
}

/// The columns of a record; those that it lacks are NULL.
fn columns<const N: usize>(record: &[u8]) -> Option<[ValueRef<'_>; N]> {
    let (header, mut at) = varint(record, 0)?;
    let header = usize::try_from(header).ok().filter(|header| *header <= record.len())?;
    let mut body = header;
    let mut values = [ValueRef::Null; N];
    for value in &mut values {
        if at >= header {
            break;
        }
        let (kind, next) = varint(record, at)?;
        at = next;
        let kind = usize::try_from(kind).ok()?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let bytes = record.get(body..body.checked_add(length)?)?;
        body += length;
        *value = match kind {
            0 => ValueRef::Null,
            1..=6 => ValueRef::Integer(integer(bytes)),
            7 => ValueRef::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
            8 => ValueRef::Integer(0),
            9 => ValueRef::Integer(1),
            _ if kind % 2 == 0 => ValueRef::Blob(bytes),
            _ => ValueRef::Text(bytes),
        };
    }
    (at <= header).then_some(values)
}

/// A big-endian number in two's complement.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|b| *b > 127) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, b| number << 8 | i64::from(*b))
}

/// A number of one to nine bytes, and where what follows it begins.
fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let first = *bytes.get(at)?;
    if first < 128 {
        return Some((i64::from(first), at + 1));
    }
    let mut number = 0;
    for i in 0..8 {
        let byte = *bytes.get(at + i)?;
        number = number << 7 | i64::from(byte & 127);
        if byte < 128 {
            return Some((number, at + i + 1));
        }
    }
    Some((number << 8 | i64::from(*bytes.get(at + 8)?), at + 9))
}

pub(crate) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn malformed(page: u32) -> StoreError {
    StoreError::Corrupt(format!("page {page} is malformed"))
}

#[cfg(test)]
mod tests;
