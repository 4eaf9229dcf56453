//! Reads: a pool of connections that cannot write, and read transactions.

use std::path::Path;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use crate::store::db::{open, schema};
use crate::store::error::StoreError;

/// Connections of a pool; a read is short, so few are enough.
pub const READ_POOL_SIZE: u32 = 4;
/// How long a read waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Read-only connections, opened when they are needed.
#[derive(Debug, Clone)]
pub struct ReadPool(r2d2::Pool<SqliteConnectionManager>);

impl ReadPool {
    /// A pool for a database whose schema is this binary's.
    ///
    /// # Errors
    /// The database is missing, is not FASTCore's, or is of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (first, mode) = open::reader(path)?;
        schema::check_current(&first, path)?;
        let manager = SqliteConnectionManager::file(mode.uri(path))
            .with_flags(mode.flags())
            .with_init(move |conn| mode.init(conn));
        let pool = r2d2::Pool::builder()
            .max_size(READ_POOL_SIZE)
            .min_idle(Some(0))
            .connection_timeout(CONNECTION_TIMEOUT)
            .build_unchecked(manager);
        Ok(Self(pool))
    }

    /// Runs several reads in one transaction: they see the database as it is at one moment.
    ///
    /// # Errors
    /// The database's own.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&ReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let conn = self.0.get().map_err(|e| StoreError::Io(e.to_string()))?;
        let transaction = conn.unchecked_transaction()?;
        read(&ReadTx(&transaction))
    }
}

/// A read transaction.
#[expect(missing_debug_implementations, reason = "lives for one read")]
pub struct ReadTx<'c>(pub(crate) &'c Connection);
