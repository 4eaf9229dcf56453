//! Did we lose one? The `request_id`s of a list that are not stored, in constant memory.

use std::io::{self, BufRead};

use serde::Serialize;
use thiserror::Error;

use crate::app::import::read::next_line;
use crate::domain::id::RequestId;
use crate::store::error::StoreError;
use crate::store::leads::request_id::RequestIdState;
use crate::store::read::ReadPool;

/// How many ids are looked up at one moment. What was stored or erased before the first is so at
/// every later moment, too, and a list that comes in slowly keeps no snapshot open.
const CHUNK: usize = 1000;
/// More lines that are no ids are only counted.
const MOST: usize = 20;
/// Longer than any id with white space around it.
const LONGEST: usize = 1000;

/// What a list comes to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reconciled {
    pub ids: u64,
    pub stored: u64,
    /// Of leads that were stored, and erased since.
    pub erased: u64,
    pub missing: u64,
    /// Lines that are no ids.
    pub invalid: u64,
    /// The first of them.
    pub invalid_lines: Vec<u64>,
}

/// Why a list was not gone through to its end.
#[derive(Debug, Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ids cannot be read, or the missing ones not be written: {0}")]
    Io(#[from] io::Error),
}

/// Goes through a list of one id a line, and gives those that are not stored to `missing`. Calls
/// `progress` with the lines behind it.
///
/// # Errors
/// [`ReconcileError`]; what was given until then is missing indeed.
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
        let known = readers.read(|snapshot| {
            ids.iter()
                .map(|id| snapshot.request_id_state(&id.to_string()))
                .collect::<Result<Vec<_>, _>>()
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

/// The next ids, and whether the list goes on behind them. Blank lines are passed over.
fn next_ids(
    input: &mut impl BufRead,
    lines: &mut u64,
    done: &mut Reconciled,
) -> io::Result<(Vec<RequestId>, bool)> {
    let mut ids = Vec::with_capacity(CHUNK);
    let mut line = Vec::new();
    while ids.len() < CHUNK {
        line.clear();
        let Some(fits) = next_line(input, &mut line, LONGEST)? else { return Ok((ids, false)) };
        *lines += 1;
        let text = std::str::from_utf8(&line).unwrap_or("?").trim_start_matches('\u{feff}').trim();
        match RequestId::parse(text) {
            Some(id) if fits => ids.push(id),
            _ if fits && text.is_empty() => {}
            _ => {
                done.invalid += 1;
                if done.invalid_lines.len() < MOST {
                    done.invalid_lines.push(*lines);
                }
            }
        }
    }
    Ok((ids, true))
}
