//! Reading: connections that cannot write, and the database as it was at one moment.

use crate::store::db::schema;
use std::path::Path;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use crate::store::db::open;
use crate::store::error::StoreError;

/// ReadPool at once; a read is short, so few are enough.
pub const READ_POOL_SIZE: u32 = 4;

/// Read-only connections, opened when they are needed.
#[derive(Debug, Clone)]
pub struct ReadPool(r2d2::Pool<SqliteConnectionManager>);

impl ReadPool {
    /// ReadPool of a database whose schema is this binary's.
    ///
    /// # Errors
    /// The database is not there, not ours, or of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let first = open::read_only(path)?;
        schema::check_current(&first, path)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(open::reader_flags())
            .with_init(|conn| open::init_reader(conn));
        let pool = r2d2::Pool::builder()
            .max_size(READ_POOL_SIZE)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(5))
            .build_unchecked(manager);
        Ok(Self(pool))
    }

    /// Runs several reads on one snapshot.
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

/// The database as it was at one moment.
#[expect(missing_debug_implementations, reason = "lives for one read")]
pub struct ReadTx<'c>(pub(crate) &'c Connection);
