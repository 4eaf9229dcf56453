//! Files of the wrong owner, symbolic links, and what `check` advises where a file cannot be used. As root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;
use serde_json::Value;

use super::backup::stderr_text;
use super::support::binary::{ServeProcess, command, run, sqlite3, succeed, text};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::lead;

/// The user and group of the service in these tests.
const SERVICE: u32 = 12_345;

/// Whether this process may give files away.
fn is_root() -> bool {
    if !geteuid().is_root() {
        println!("skipped: this needs root");
    }
    geteuid().is_root()
}

fn owner(path: &Path) -> (u32, u32) {
    let meta = fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (meta.uid(), meta.gid())
}

/// Gives a folder and all that is in it to the service.
fn give_to_service(folder: &Path) {
    chown(folder, Some(SERVICE), Some(SERVICE)).expect("given");
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        chown(entry.path(), Some(SERVICE), Some(SERVICE)).expect("given");
    }
}

/// The files in a folder that do not belong to the service.
fn of_others(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let others = entries.filter(|entry| owner(&entry.path()) != (SERVICE, SERVICE));
    others.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A command of the service's user.
fn as_service(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command(folder, arguments);
    command.uid(SERVICE).gid(SERVICE);
    command
}

#[test]
fn what_root_restored_erased_or_backed_up_belonged_to_root_and_kept_the_service_from_starting() {
    if !is_root() {
        return;
    }
    let database = Database::sample();
    let folder = database.folder();
    let erase = |place| {
        let id = database.lead_id(place);
        database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"]);
    };
    give_to_service(folder);
    database.succeed(&["backup", "create", "backup.db"]);
    database.succeed(&["backup", "create", "backup.db"]);
    erase(1);
    database.succeed(&["restore", "backup.db"]);
    assert_eq!(of_others(folder), [""; 0]);
    fs::create_dir(folder.join("kept")).expect("a folder");
    database.succeed(&["backup", "create", "kept/backup.db"]);
    assert_eq!(of_others(&folder.join("kept")), [""; 0]);
    give_to_service(folder);
    // A file that is replaced keeps its owner; a new one is of who makes it.
    database.succeed(&["export", "leads", "-o", "leads.csv"]);
    assert_eq!(of_others(folder), ["leads.csv"]);
    chown(folder.join("leads.csv"), Some(SERVICE), Some(SERVICE)).expect("given");
    database.succeed(&["export", "leads", "-o", "leads.csv"]);
    assert_eq!(of_others(folder), [""; 0]);
    // Nothing keeps the service from working, nor from erasing.
    for arguments in [
        &["audit", "verify"][..],
        &["gdpr", "erase", "--lead", &database.lead_id(2), "--reason", "request", "--yes"],
    ] {
        let output = as_service(folder, arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", stderr_text(&output));
    }

    // A server that root starts for the first time, in the service's folder.
    let new = Database::without_file();
    give_to_service(new.folder());
    let mut server = ServeProcess::spawn(&mut command(new.folder(), &["serve"]));
    post_lead(server.address, &lead());
    assert_eq!(of_others(new.folder()), [""; 0]);
    server.terminate();
    assert_eq!(of_others(new.folder()), [""; 0]);
}

#[test]
fn a_restore_replaced_a_symbolic_link_and_left_the_volume() {
    let database = Database::sample();
    let folder = database.folder();
    database.succeed(&["backup", "create", "backup.db"]);
    fs::create_dir(folder.join("volume")).expect("a folder");
    fs::rename(database.path(), folder.join("volume/real.db")).expect("moved");
    symlink("volume/real.db", database.path()).expect("a link");
    database.succeed(&["restore", "backup.db"]);
    let is_link = |name: &str| fs::symlink_metadata(folder.join(name)).expect("it").is_symlink();
    assert!(is_link("fastcore.db"), "the link was replaced");
    let restored = "SELECT count(*) FROM audit_log WHERE event = 'DATABASE_RESTORED'";
    assert_eq!(sqlite3(&folder.join("volume/real.db"), restored).as_deref(), Ok("1"));

    // So does everything that replaces a file.
    for (name, arguments) in [
        ("leads.csv", &["export", "leads", "-o", "leads.csv"][..]),
        ("jean.json", &["gdpr", "export", "--email", "jean@example.com", "-o", "jean.json"]),
        ("copy.db", &["backup", "create", "copy.db"]),
    ] {
        symlink(format!("volume/{name}"), folder.join(name)).expect("a link");
        for _ in 0..2 {
            database.succeed(arguments);
            assert!(is_link(name), "{name} was replaced");
            assert!(
                !fs::symlink_metadata(folder.join("volume").join(name)).expect("it").is_symlink()
            );
        }
    }
    // A new database goes to where its link leads.
    symlink("volume/new.db", folder.join("new.db")).expect("a link");
    database.succeed(&["migrate", "--database-url", "new.db"]);
    assert!(is_link("new.db") && folder.join("volume/new.db").exists());
}

/// The errors of `check`, as text; none of them may advise a restore.
#[track_caller]
fn errors_without_a_restore(mut command: Command, detail: &str, hint: &str) {
    let output = command.arg("--json").output().expect("it runs");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let errors = findings.as_array().expect("a list").iter();
    let errors: Vec<_> = errors.filter(|finding| finding["level"] == "error").collect();
    assert_eq!(output.status.code(), Some(1), "{findings}");
    let found = |finding: &&&Value| {
        let contains =
            |name: &str, part: &str| finding[name].as_str().is_some_and(|text| text.contains(part));
        contains("detail", detail) && contains("hint", hint)
    };
    assert_eq!(errors.iter().filter(found).count(), 1, "{detail:?}, {hint:?}: {errors:#?}");
    let restore = |finding: &&Value| finding["hint"].to_string().contains("restore");
    assert!(!errors.iter().copied().any(|finding| restore(&finding)), "{errors:#?}");
}

#[test]
fn check_advised_a_restore_for_files_that_it_may_not_open() {
    if !is_root() {
        return;
    }
    let database = Database::sample();
    let folder = database.folder();
    chown(folder, Some(SERVICE), Some(SERVICE)).expect("given");
    let check = || as_service(folder, &["check"]);
    let path = text(folder).to_owned() + "/fastcore.db";
    let chown_database = "as root: chown 12345:12345 'fastcore.db'";
    errors_without_a_restore(check(), "belongs to root, not to 12345", chown_database);
    errors_without_a_restore(check(), "Permission denied", chown_database);
    // Root can read it, and says the same.
    errors_without_a_restore(command(folder, &["check"]), "belongs to root", chown_database);
    give_to_service(folder);
    fs::write(folder.join("fastcore.db.erased"), "").expect("written");
    fs::set_permissions(folder.join("fastcore.db.erased"), fs::Permissions::from_mode(0o600))
        .expect("a mode");
    errors_without_a_restore(check(), "fastcore.db.erased belongs to root", "chown 12345:12345");
    // The folder of another user.
    give_to_service(folder);
    let mut stranger = command(folder, &["check", "--database-url", &path]);
    stranger.current_dir("/").uid(SERVICE + 1).gid(SERVICE + 1);
    errors_without_a_restore(stranger, "Permission denied", "run the check as the service's user");
}

#[test]
fn check_advised_a_restore_for_databases_of_another_version_or_program() {
    let database = Database::sample();
    let check = || command(database.folder(), &["check"]);
    database.tamper_sql(
        "INSERT INTO refinery_schema_history SELECT 900, 'later', applied_on, checksum
         FROM refinery_schema_history LIMIT 1",
    );
    errors_without_a_restore(check(), "newer than this binary", "newer binary");
    database.tamper_sql(
        "DELETE FROM refinery_schema_history WHERE version >=
         (SELECT max(version) FROM refinery_schema_history WHERE version < 900)",
    );
    errors_without_a_restore(check(), "1 are pending", "fastcore migrate");

    let foreign = Database::without_file();
    sqlite3(&foreign.path(), "CREATE TABLE t (a)").expect("a database");
    let check = command(foreign.folder(), &["check"]);
    errors_without_a_restore(check, "another program", "names the wrong file");
}

#[test]
fn a_dumped_database_was_called_another_program_s() {
    let database = Database::sample();
    let dump = sqlite3(&database.path(), ".dump").expect("a dump");
    let copy = Database::without_file();
    let load = Command::new("sqlite3").arg(copy.path()).arg(dump).output().expect("it runs");
    assert!(load.status.success(), "{load:?}");
    let output = copy.run(&["audit", "verify"]);
    let said = stderr_text(&output);
    let mark = "PRAGMA application_id = 1178817093";
    assert!(said.contains(mark) && said.contains("fastcore.db"), "{said}");
    errors_without_a_restore(command(copy.folder(), &["check"]), mark, "check again");
    sqlite3(&copy.path(), mark).expect("marked");
    assert!(run(copy.folder(), &["audit", "verify"]).status.success());
    succeed(copy.folder(), &["lead", "list"]);
}
