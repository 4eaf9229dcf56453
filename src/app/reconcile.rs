//! Compares a list of `request_id`s with the stored leads, in constant memory: was one lost?

use std::io::{self, BufRead};

use serde::Serialize;
use thiserror::Error;

use crate::app::import::row_reader::next_line;
use crate::domain::id::RequestId;
use crate::store::error::StoreError;
use crate::store::leads::request_id::RequestIdState;
use crate::store::read::ReadPool;

/// Ids that are looked up in one read transaction: a list that comes in slowly keeps none open. A
/// lead that is stored or erased stays so.
const BATCH_IDS: usize = 1000;
/// Invalid lines that are listed, at most; all are counted.
const MAX_INVALID_LINES: usize = 20;
/// Bytes of a line, at most: more than any id with white space.
const MAX_LINE_BYTES: usize = 1000;

/// The counts of a list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reconciled {
    pub ids: u64,
    pub stored: u64,
    /// Leads that were stored and erased since.
    pub erased: u64,
    pub missing: u64,
    /// Lines that are not ids.
    pub invalid: u64,
    /// The numbers of the first of them.
    pub invalid_lines: Vec<u64>,
}

/// Why a comparison ended early.
#[derive(Debug, Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ids cannot be read, or the missing ones cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// Reads a list with one id per line, and calls `missing` with each that is not stored. Calls
/// `progress` with the number of lines read.
///
/// # Errors
/// [`ReconcileError`]; the ids that were passed to `missing` before are not stored.
pub fn run(
    database: &std::path::Path,
    mut input: impl BufRead,
    missing: &mut dyn FnMut(RequestId) -> io::Result<()>,
    progress: &mut dyn FnMut(u64),
) -> Result<Reconciled, ReconcileError> {
    let readers = ReadPool::open(database)?;
    let mut done = Reconciled::default();
    let mut lines = 0;
    loop {
        let (ids, more) = next_ids(&mut input, &mut lines, &mut done)?;
        let known = readers.read(|tx| {
            ids.iter().map(|id| tx.request_id_state(&id.to_string())).collect::<Result<Vec<_>, _>>()
        })?;
        done.ids += ids.len() as u64;
        for (id, known) in ids.into_iter().zip(known) {
            match known {
                RequestIdState::Stored => done.stored += 1,
                RequestIdState::Erased => done.erased += 1,
                RequestIdState::Unknown => {
                    done.missing += 1;
                    missing(id)?;
                }
            }
        }
        progress(lines);
        if !more {
            return Ok(done);
        }
    }
}

/// The next ids, and whether the list continues after them. Blank lines are skipped.
fn next_ids(
    input: &mut impl BufRead,
    lines: &mut u64,
    done: &mut Reconciled,
) -> io::Result<(Vec<RequestId>, bool)> {
    let mut ids = Vec::with_capacity(BATCH_IDS);
    let mut line = Vec::new();
    while ids.len() < BATCH_IDS {
        line.clear();
        let Some(fits) = next_line(input, &mut line, MAX_LINE_BYTES)? else {
            return Ok((ids, false));
        };
        *lines += 1;
        let text = std::str::from_utf8(&line).unwrap_or("?").trim_start_matches('\u{feff}').trim();
        match RequestId::parse(text) {
            Some(id) if fits => ids.push(id),
            _ if fits && text.is_empty() => {}
            _ => {
                done.invalid += 1;
                if done.invalid_lines.len() < MAX_INVALID_LINES {
                    done.invalid_lines.push(*lines);
                }
            }
        }
    }
    Ok((ids, true))
}
