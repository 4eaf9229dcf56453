//! Verifies backups.

use std::path::Path;

use crate::store::audit::verify::{STEPS_PER_CALL, VerifyReport, verify};
use crate::store::backup::checksum_trailer;
use crate::store::backup::progress::ProgressFn;
use crate::store::db::{open, schema};
use crate::store::error::StoreError;

/// Verifies a backup. A copy that another tool made has no checksum trailer and is only accepted with
/// `no_checksum`; a bit that changed in a part that no row uses is not noticed then.
///
/// # Errors
/// The file cannot be opened or is not FASTCore's; its content does not match its trailer.
pub fn verify_backup(
    path: &Path,
    no_checksum: bool,
    progress: &mut ProgressFn<'_>,
) -> Result<VerifyReport, StoreError> {
    if !no_checksum {
        checksum_trailer::verify(path, &mut |_| Ok(()), &mut |bytes| {
            progress("MB read", bytes / 1_000_000)
        })?;
    }
    verify_file(path, || false, progress)
}

/// Verifies the whole file. `interrupt` is called again and again and returns whether to stop.
pub(crate) fn verify_file(
    path: &Path,
    interrupt: impl FnMut() -> bool + Send + 'static,
    progress: &mut ProgressFn<'_>,
) -> Result<VerifyReport, StoreError> {
    let conn = open::read_only(path)?;
    schema::check_known(&conn, path)?;
    conn.progress_handler(STEPS_PER_CALL, Some(interrupt))?;
    verify(&conn, &[], true, &mut |rows| progress("audit rows checked", rows))
}
