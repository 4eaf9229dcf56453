//! What `fastcore check` looks at around a database: its files' owners and modes, its disk, leftovers.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use rustix::fs::{Access, access};

use crate::app::atomic_file::{self, DATABASE_FILES};
use crate::app::backup::folder::BackupSchedule;
use crate::app::leftovers::{self, Leftover};
use crate::app::status::finding::Finding;
use crate::app::status::thresholds::{self, Level, MIB};
use crate::clock::Clock;
use crate::store::db::disk_usage;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{folder_of, sidecar_path};
use crate::store::privacy::backup_ledger;

/// Why the database cannot be read at all, if so.
pub(crate) fn unreadable(database: &Path) -> Option<Finding> {
    let shown = database.display();
    let error = fs::File::open(database).err()?;
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            "`fastcore serve` creates it; --database-url names another path".to_owned()
        }
        io::ErrorKind::PermissionDenied => access_hint(database),
        _ => format!("look at the file (`ls -l '{shown}'`) and at its disk (`dmesg`)"),
    };
    Some(Finding::error("database", format!("{shown}: {error}"), hint))
}

/// What to do where a file of the database cannot be opened.
pub(crate) fn access_hint(database: &Path) -> String {
    let folder = folder_of(database);
    let (owner, folder_owner) = (owner_of(database), owner_of(folder));
    match (owner, folder_owner) {
        (Some(owner), Some(of_folder)) if owner.uid != of_folder.uid => {
            chown_hint(of_folder, database)
        }
        (owner, of_folder) => match owner.or(of_folder) {
            Some(owner) => format!("run the check as the service's user, {}", user_name(owner.uid)),
            None => "run the check as the service's user".to_owned(),
        },
    }
}

/// Whether the disk of the database is read-only, or a file of it cannot be written.
pub(crate) fn unwritable(database: &Path) -> Option<Finding> {
    let folder = folder_of(database);
    if disk_usage::is_read_only(database) {
        let detail = format!("the disk of {} is read-only: leads are refused", database.display());
        let hint = "find the cause in `dmesg`, then `mount -o remount,rw` its disk";
        return Some(Finding::error("access", detail, hint));
    }
    let existing = DATABASE_FILES.map(|suffix| sidecar_path(database, suffix));
    let denied = |path: &Path, mode| path.exists() && access(path, mode).is_err();
    if denied(folder, Access::WRITE_OK | Access::EXEC_OK) {
        let detail = format!("no file can be created in {}", folder.display());
        return Some(Finding::error("access", detail, access_hint(database)));
    }
    let path = existing.iter().find(|path| denied(path, Access::READ_OK | Access::WRITE_OK))?;
    let detail = format!("{} cannot be read and written", path.display());
    Some(Finding::error("access", detail, access_hint(database)))
}

/// The files whose owners and modes are checked: those of the database, and the ledger in the folder of its
/// scheduled backups.
pub(crate) fn checked_files(database: &Path, schedule: Option<&BackupSchedule>) -> Vec<PathBuf> {
    let mut files = DATABASE_FILES.map(|suffix| sidecar_path(database, suffix)).to_vec();
    let ledger = schedule.map(|schedule| backup_ledger::path_in(&schedule.folder, database));
    let ledger = ledger.filter(|path| !files.iter().any(|file| atomic_file::is_same(file, path)));
    files.extend(ledger);
    files
}

/// Whether all files belong to one user: what runs as root must not leave files that the service cannot
/// open.
pub(crate) fn owners(database: &Path, files: &[PathBuf]) -> Vec<Finding> {
    let Some(owner) = owner_of(database) else { return Vec::new() };
    let mut findings = Vec::new();
    let folder = folder_of(database);
    let of_folder = owner_of(folder).filter(|of_folder| of_folder.uid != 0);
    // Many services run in a folder of root's, but none runs as root in another's.
    let expected = of_folder.unwrap_or(owner);
    for path in files {
        if let Some(found) = owner_of(path).filter(|found| found.uid != expected.uid) {
            let (found, expected_name) = (user_name(found.uid), user_name(expected.uid));
            let detail = format!("{} belongs to {found}, not to {expected_name}", path.display());
            findings.push(Finding::error("owners", detail, chown_hint(expected, path)));
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::ok("owners", format!("all files belong to {}", user_name(owner.uid))));
    }
    findings
}

fn owner_of(path: &Path) -> Option<FileOwner> {
    fs::metadata(path).ok().map(|meta| FileOwner::of(&meta))
}

fn chown_hint(owner: FileOwner, path: &Path) -> String {
    let group = uzers::get_group_by_gid(owner.gid);
    let group = group.map_or_else(|| owner.gid.to_string(), |g| g.name().to_string_lossy().into());
    format!("as root: chown {}:{group} '{}'", user_name(owner.uid), path.display())
}

fn user_name(uid: u32) -> String {
    let user = uzers::get_user_by_uid(uid);
    user.map_or_else(|| uid.to_string(), |user| user.name().to_string_lossy().into_owned())
}

/// Whether others can read or change the files.
pub(crate) fn modes(database: &Path, files: &[PathBuf]) -> Vec<Finding> {
    let mode = |path: &Path| fs::metadata(path).map(|meta| permissions(&meta));
    let mut findings: Vec<Finding> = (files.iter())
        .filter_map(|path| {
            let mode = mode(path).ok().filter(|mode| mode & 0o077 != 0)?;
            let path = path.display();
            let detail = format!("{path} can be used by others (mode {mode:03o})");
            Some(Finding::error("modes", detail, format!("chmod 600 '{path}'")))
        })
        .collect();
    let folder = folder_of(database);
    if let Some(mode) = mode(folder).ok().filter(|mode| mode & 0o022 != 0) {
        let shown = folder.display();
        let detail = format!("others can put files into the folder {shown} (mode {mode:03o})");
        findings.push(Finding::error("modes", detail, format!("chmod go-w '{shown}'")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("modes", "only the owner can use the files"));
    }
    findings
}

fn permissions(meta: &Metadata) -> u32 {
    meta.permissions().mode() & 0o777
}

/// The free space on the database's disk; leads are refused while less than the reserve is free.
pub(crate) fn disk_space(database: &Path, reserve: u64) -> Finding {
    let free = match disk_usage::free_bytes(folder_of(database)) {
        Ok(free) => free,
        Err(e) => return Finding::error("disk", e.to_string(), access_hint(database)),
    };
    let size = fs::metadata(database).map_or(0, |meta| meta.len());
    let detail = format!("{} MiB are free; the database has {} MiB", free / MIB, size / MIB);
    match thresholds::disk_level(free, size, reserve) {
        Level::Ok => Finding::ok("disk", detail),
        Level::Warning => {
            let hint = "free some space: an upgrade and a backup need twice the database's size";
            Finding::warning("disk", detail, hint)
        }
        Level::Error => {
            let reserve = ByteSize(reserve);
            let hint = format!(
                "free some space: leads are refused below {reserve:.0} (FASTCORE_DISK_RESERVE)"
            );
            Finding::error("disk", detail, hint)
        }
    }
}

pub(crate) fn wal_size(database: &Path) -> Finding {
    let size = fs::metadata(sidecar_path(database, "-wal")).map_or(0, |meta| meta.len());
    let detail = format!("the WAL has {} MiB", size / MIB);
    match thresholds::wal_level(size) {
        Level::Ok => Finding::ok("log", detail),
        level => {
            let shown = database.display();
            let hint = format!("a program keeps reading: `fuser '{shown}'` names the processes");
            Finding::new(level, "log", detail, hint)
        }
    }
}

/// Files with personal data that nobody needs any more.
pub(crate) fn leftovers(database: &Path, clock: &Clock) -> Vec<Finding> {
    let days = leftovers::MAX_AGE_DAYS;
    let finding = |file: Leftover| {
        let path = file.path.display();
        let detail = format!("{path} contains leads, also leads erased since");
        let hint = format!(
            "when it is not needed any more: rm '{path}'; a server does so after {days} days"
        );
        Finding::warning("leftover", detail, hint)
    };
    leftovers::list(database, clock.now().into()).into_iter().map(finding).collect()
}
