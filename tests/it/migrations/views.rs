//! Who opened a lead was only in the audit log before there was a table for it.

use refinery::Target;

use super::embedded;
use crate::support::admin::{self, Browser};
use crate::support::binary::ServeProcess;
use crate::support::database::Database;
use crate::support::{IS_INDEXED, sql, wait_until};

const VIEWS: &str = "SELECT * FROM lead_view ORDER BY audit_seq";
const LISTED: &str = "SELECT * FROM lead_search_filter ORDER BY audit_seq";
/// The newest schema without the table.
const OLD: u32 = 11;

/// A database whose first lead was opened twice, the second once, and the others never.
fn with_views() -> Database {
    let database = Database::sample();
    admin::add_account(database.folder(), "jean");
    let mut server = ServeProcess::start(database.folder());
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    for place in [1, 2, 1] {
        browser.read(&format!("/admin/api/leads/{}", database.lead_id(place)));
    }
    assert!(wait_until(|| database.one(IS_INDEXED) == "1"));
    server.terminate();
    database
}

/// The same rows in the older schema.
fn as_old_schema(made: &Database) -> Database {
    let old = Database::without_file();
    let mut conn = old.sqlite();
    let target = Target::Version(OLD.try_into().expect("small"));
    embedded::migrations::runner().set_target(target).run(&mut conn).expect("migrations");
    conn.execute("ATTACH ?1 AS made", [made.path().to_str()]).expect("the other database");
    conn.execute_batch(
        "INSERT INTO main.audit_log SELECT * FROM made.audit_log;
         INSERT INTO main.lead_inbox SELECT * FROM made.lead_inbox;
         INSERT INTO main.lead_status SELECT * FROM made.lead_status;
         INSERT INTO main.lead_search_status SELECT status, key, audit_seq, service FROM made.lead_search_filter",
    )
    .expect("rows");
    conn.pragma_update(None, "user_version", OLD).expect("a version");
    old
}

#[test]
fn views_of_the_audit_log_are_in_the_table_after_the_migration() {
    let made = with_views();
    let rows = |database: &Database, query: &str| sql::rows(&database.sqlite(), query);
    let views = rows(&made, VIEWS);
    let seqs: Vec<_> = views.iter().map(|row| row[0].as_deref().expect("a number")).collect();
    assert_eq!(seqs, ["1", "2"]);
    assert!(views[0][2] < views[0][4] && views[1][2] == views[1][4], "first and last: {views:?}");
    let old = as_old_schema(&made);
    old.succeed(&["migrate"]);
    assert_eq!(rows(&old, VIEWS), views);
    assert_eq!(rows(&old, LISTED), rows(&made, LISTED));
    old.succeed(&["audit", "verify"]);
}

#[test]
fn the_table_of_views_is_rebuilt_from_the_audit_log() {
    let database = with_views();
    let kept = sql::rows(&database.sqlite(), VIEWS);
    for change in [
        "UPDATE lead_view SET first_by = 'staff:x' WHERE audit_seq = 1",
        "UPDATE lead_view SET last_at_utc = first_at_utc WHERE audit_seq = 1",
        "DELETE FROM lead_view WHERE audit_seq = 2",
        "INSERT INTO lead_view SELECT 4, first_by, first_at_utc, last_by, last_at_utc FROM lead_view WHERE audit_seq = 1",
    ] {
        database.tamper_sql(change);
        let verified = database.run(&["audit", "verify"]);
        assert_eq!(verified.status.code(), Some(4), "{change}: {verified:?}");
        database.succeed(&["lead", "rebuild-status"]);
        assert_eq!(sql::rows(&database.sqlite(), VIEWS), kept, "{change}");
        database.succeed(&["audit", "verify"]);
    }
    let erased = database.lead_id(2);
    database.succeed(&["gdpr", "erase", "--lead", &erased, "--reason", "request", "--yes"]);
    assert_eq!(sql::rows(&database.sqlite(), VIEWS), kept[..1]);
    database.succeed(&["audit", "verify"]);
}
