//! `export --format postgres`: a real PostgreSQL loads it, and every row is equal.

use std::fs;
use std::process::Output;

use serde_json::Value;

use super::support::database::Database;
use super::support::export::{LEAD_COLUMNS, edge_case_leads, stored};
use super::support::postgres::Postgres;
use super::support::{reference_hashes, sql};

/// Exports to a file and loads that.
fn move_out(database: &Database, what: &str, server: &Postgres, name: &str) -> Output {
    let file = format!("{what}.sql");
    database.succeed(&["export", what, "--format", "postgres", "-o", &file]);
    server.load(name, &database.folder().join(file))
}

fn assert_loaded(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("COMMIT\n"), "{output:?}");
}

/// The rows of a query as text, by way of JSON, which keeps every character.
fn rows(
    server: &Postgres,
    name: &str,
    columns: &[String],
    table: &str,
) -> Vec<Vec<Option<String>>> {
    let columns = columns.join(", ");
    let order = if table == "audit_log" { "seq" } else { "created_at_utc, id" };
    let sql = format!("SELECT json_build_array({columns}) FROM {table} ORDER BY {order}");
    let row = |line: &str| serde_json::from_str::<Vec<Option<String>>>(line).expect(line);
    server.query(name, &sql).lines().map(row).collect()
}

/// A column as text, times and truths in our form.
fn as_text(column: &str) -> String {
    match column {
        "created_at_utc" => {
            r#"to_char(created_at_utc AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#.into()
        }
        other => format!("{other}::text"),
    }
}

#[test]
fn every_lead_and_its_status_is_equal_in_postgresql() {
    let Some(server) = Postgres::start() else { return };
    for (name, database) in [("difficult", edge_case_leads()), ("sample", Database::sample())] {
        server.create(name);
        assert_loaded(&move_out(&database, "leads", &server, name));
        let columns = LEAD_COLUMNS.map(as_text);
        let mut expected = stored(&database);
        expected.sort_by(|a, b| (&a[1], &a[0]).cmp(&(&b[1], &b[0])));
        let loaded = rows(&server, name, &columns, "lead_inbox");
        assert_eq!(loaded, expected);
    }
    assert_eq!(
        server.query("sample", "SELECT status FROM lead_inbox WHERE phone IS NULL"),
        "processing"
    );
}

#[test]
fn the_chain_verifies_in_postgresql_and_its_audit_log_is_append_only() {
    let Some(server) = Postgres::start() else { return };
    let database = Database::sample();
    server.create("moved");
    assert_loaded(&move_out(&database, "audit", &server, "moved"));
    let columns: Vec<String> =
        reference_hashes::CHAINED.split(", ").chain(["hash"]).map(as_text).collect();
    let loaded = rows(&server, "moved", &columns, "audit_log");
    assert_eq!(loaded.len(), 9);
    let mut previous = [0; 32];
    for row in &loaded {
        previous = reference_hashes::hash(&previous, &row[..9]);
        assert_eq!(row[9].as_deref(), Some(sql::hex(&previous).as_str()));
    }
    for change in [
        "UPDATE audit_log SET actor = 'x' WHERE seq = 3",
        "DELETE FROM audit_log WHERE seq = 3",
        "DELETE FROM audit_log WHERE false",
        "TRUNCATE audit_log",
    ] {
        let said = server.try_query("moved", change).expect_err(change);
        assert!(said.contains("append-only"), "{change}: {said}");
    }
    // The service whose tables these are adds its rows without seq and hash.
    let id = "gen_random_uuid()";
    server.query("moved", &format!("INSERT INTO audit_log (id, event, request_id) VALUES ({id}, 'LEAD_RECEIVED', {id}), ({id}, 'X', {id})"));
    assert_eq!(
        server.query("moved", "SELECT count(*) FROM audit_log WHERE actor = 'site_ingest'"),
        "10"
    );
}

#[test]
fn the_files_load_in_any_order_and_reloading_changes_nothing() {
    let Some(server) = Postgres::start() else { return };
    let database = Database::sample();
    for (name, order) in [("one", ["leads", "audit"]), ("other", ["audit", "leads"])] {
        server.create(name);
        for what in order {
            assert_loaded(&move_out(&database, what, &server, name));
        }
        let count =
            "SELECT (SELECT count(*) FROM lead_inbox) || ' ' || (SELECT max(seq) FROM audit_log)";
        let before = server.query(name, count);
        for what in order {
            let again = server.load(name, &database.folder().join(format!("{what}.sql")));
            let said = String::from_utf8_lossy(&again.stderr);
            assert_eq!(again.status.code(), Some(3), "{said}");
            assert!(said.contains("already exists") && !said.contains("Dupont"), "{said}");
        }
        assert_eq!(server.query(name, count), before);
    }
}

#[test]
fn the_postgresql_tables_match_the_fastapi_service() {
    let Some(server) = Postgres::start() else { return };
    let database = Database::empty();
    server.create("empty");
    for what in ["leads", "audit"] {
        assert_loaded(&move_out(&database, what, &server, "empty"));
    }
    let sql = "SELECT table_name || '.' || column_name || ' ' || udt_name
            || coalesce('(' || character_maximum_length || ')', '') || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
            || coalesce(' DEFAULT ' || column_default, '')
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
    insta::assert_snapshot!(server.query("empty", sql));
}

#[test]
fn a_truncated_script_loads_nothing() {
    let Some(server) = Postgres::start() else { return };
    let database = Database::sample();
    server.create("cut");
    database.succeed(&["export", "leads", "--format", "postgres", "-o", "leads.sql"]);
    let path = database.folder().join("leads.sql");
    let script = fs::read_to_string(&path).expect("a script");
    let end = script.find("\n\\.\n").expect("the end of the rows");
    for length in [end / 2, end, end + 3, script.len() - "COMMIT;\n".len()] {
        fs::write(&path, &script[..length]).expect("a file");
        let output = server.load("cut", &path);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("COMMIT"), "{output:?}");
        assert_eq!(
            server.query("cut", "SELECT count(*) FROM pg_tables WHERE tablename = 'lead_inbox'"),
            "0"
        );
    }
}

#[test]
fn a_postgresql_export_is_audited() {
    let database = Database::sample();
    let output = database.run(&["export", "leads", "--format", "postgres"]);
    assert!(output.status.success());
    let sql = "SELECT details_json FROM audit_log WHERE event = 'LEADS_EXPORTED'";
    let reported: Value = serde_json::from_str(&database.one(sql)).expect("JSON");
    let hash = sql::hex(&<sha2::Sha256 as sha2::Digest>::digest(&output.stdout));
    assert_eq!(
        (&reported["format"], &reported["rows"], &reported["sha256"]),
        (&"postgres".into(), &5.into(), &hash.into())
    );
}
