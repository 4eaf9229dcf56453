//! The commands `lead`, `token` and `completions`: their output, what they write to the database,
//! and their exit statuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::support::binary::{self, read_all};
use super::support::database::Database;
use super::support::redact::redact;
use super::support::{lead, sql};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The places of the leads that a list has, in its order; text and JSON have the same.
fn listed(database: &Database, filter: &[&str]) -> Vec<i64> {
    let place = |id: &str| {
        let place = database.one(&format!("SELECT audit_seq FROM lead_inbox WHERE id = '{id}'"));
        place.parse().expect("a number")
    };
    let leads = parsed(&database.succeed(&[&["lead", "list", "--json"], filter].concat()));
    let leads = leads.as_array().expect("a list");
    let places: Vec<i64> = leads.iter().map(|l| place(l["id"].as_str().expect("an id"))).collect();
    let text = database.succeed(&[&["lead", "list"], filter].concat());
    let ids = text.lines().map(|l| l.split_whitespace().nth(2).expect("an id"));
    assert_eq!(ids.map(place).collect::<Vec<_>>(), places, "{text}");
    places
}

/// The moment at which a lead was stored.
fn moment(database: &Database, place: i64) -> String {
    database.one(&format!("SELECT created_at_utc FROM lead_inbox WHERE audit_seq = {place}"))
}

/// Leads of three days, which no server stores within one test.
fn of_three_days() -> Database {
    let database = Database::sample();
    database.tamper_sql(
        "UPDATE lead_inbox SET created_at_utc = '2026-01-0' || min(audit_seq, 3) || 'T23:59:59.999999Z';
         UPDATE lead_inbox SET created_at_utc = '2026-01-03T00:00:00.000000Z' WHERE audit_seq = 3;",
    );
    database.forget_search();
    database
}

#[test]
fn lead_list_shows_the_newest_first_up_to_the_limit() {
    let database = Database::sample();
    assert_eq!(listed(&database, &[]), [5, 4, 3, 2, 1]);
    assert_eq!(listed(&database, &["--limit", "2"]), [5, 4]);
    assert_eq!(listed(&database, &["--limit", "0"]), [0; 0]);
    assert_eq!(listed(&Database::empty(), &[]), [0; 0]);
    let many: Vec<Value> = (0..51).map(|_| lead()).collect();
    assert_eq!(listed(&Database::with(&many), &[]).len(), 50, "fifty unless asked otherwise");
}

#[test]
fn since_and_until_take_whole_days_or_microseconds() {
    let database = of_three_days();
    let cases: [(&[&str], &[i64]); 12] = [
        (&["--since", "2026-01-02"], &[5, 4, 3, 2]),
        (&["--until", "2026-01-02"], &[2, 1]),
        (&["--since", "2026-01-02", "--until", "2026-01-02"], &[2]),
        (&["--since", "2026-01-04"], &[]),
        (&["--until", "2025-12-31"], &[]),
        (&["--since", "2026-01-03T00:00:00Z"], &[5, 4, 3]),
        (&["--since", "2026-01-03T00:00:00.000001Z"], &[5, 4]),
        (&["--until", "2026-01-03T00:00:00Z"], &[2, 1]),
        (&["--until", "2026-01-03T00:00:00.000001Z"], &[3, 2, 1]),
        (&["--since", "2026-01-03T01:00:00+01:00", "--until", "2026-01-03T00:00:00.5Z"], &[3]),
        (&["--since", "2026-01-03", "--until", "2026-01-01"], &[]),
        (&["--since", "2026-01-03", "--service", "cabines"], &[4]),
    ];
    for (filter, expected) in cases {
        assert_eq!(listed(&database, filter), expected, "{filter:?}");
    }
    for wrong in ["yesterday", "2026-13-01", "2026-02-30", "01/02/2026", ""] {
        let output = database.run(&["lead", "list", "--since", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn lead_list_filters_by_service_and_status() {
    let database = Database::sample();
    assert_eq!(listed(&database, &["--service", "ponts"]), [3]);
    assert_eq!(listed(&database, &["--service", "autre"]), [0; 0]);
    assert_eq!(listed(&database, &["--status", "processing"]), [2]);
    assert_eq!(listed(&database, &["--status", "received"]), [5, 4, 3, 1]);
    assert_eq!(listed(&database, &["--status", "received", "--service", "diagnostic"]), [1]);
    for wrong in [["--service", "Ponts"], ["--status", "done"], ["--limit", "-1"]] {
        let output = database.run(&[&["lead", "list"], wrong.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn search_matches_word_prefixes_ignoring_accents_and_case() {
    let database = Database::sample();
    let cases: [(&str, &[i64]); 13] = [
        ("lefevre", &[3]),
        ("LEFÈVRE", &[3]),
        ("lef", &[3]),
        ("fevre", &[]),
        ("oeuvrard", &[3]),
        ("Œuv", &[3]),
        ("electricite generale", &[3]),
        ("zoe elec compresseur", &[3]),
        ("zoe acme", &[]),
        ("jean@example", &[5, 4, 3, 2, 1]),
        ("33612345678", &[5, 4, 3, 1]),
        ("deuxième,  LIGNE", &[5]),
        ("100%", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(listed(&database, &["--query", query]), expected, "{query}");
    }
    assert_eq!(listed(&database, &["--query", "jean", "--limit", "1"]), [5]);
    assert_eq!(listed(&database, &["--query", "dupont", "--service", "cabines"]), [4]);
}

#[test]
fn lead_show_takes_the_lead_id_or_the_request_id() {
    let database = Database::sample();
    let id = database.lead_id(2);
    let request_id = database.one("SELECT request_id FROM lead_inbox WHERE audit_seq = 2");
    let shown = parsed(&database.succeed(&["lead", "show", &id, "--json"]));
    let expected = json!({
        "id": id, "created_at_utc": moment(&database, 2), "status": "processing",
        "first_view": null, "last_view": null,
        "name": "Jean Dupont", "email": "jean@example.com", "phone": null, "company": null,
        "service": null, "message": lead()["message"], "consent": false,
        "source": "fast-techservices.com", "request_id": request_id, "ip_hash": "abc123def456",
        "meta": {"user_agent_hash": "xyz789", "timestamp_utc": "2024-01-03T10:30:45.123456Z"},
        "receipt": database.receipts[1], "digest_valid": true, "timeline": shown["timeline"],
    });
    assert_eq!(shown, expected);
    let timeline = shown["timeline"].as_array().expect("a list").clone();
    let events: Vec<_> = timeline.iter().map(|r| (r["seq"].clone(), r["event"].clone())).collect();
    assert_eq!(events, [(json!(2), json!("LEAD_RECEIVED")), (json!(9), json!("LEAD_PROCESSED"))]);
    for other in [request_id.clone(), id.to_uppercase(), request_id.to_uppercase()] {
        assert_eq!(parsed(&database.succeed(&["lead", "show", &other, "--json"])), shown);
    }
    let text = database.succeed(&["lead", "show", &id]).replace(&shell_actor(), "cli:<user>");
    insta::assert_snapshot!(redact(&text));
    insta::assert_snapshot!("lead_list", redact(&database.succeed(&["lead", "list"])));
}

#[test]
fn lead_show_marks_an_altered_lead_as_invalid() {
    let database = Database::sample();
    let id = database.lead_id(3);
    database.tamper_sql("UPDATE lead_inbox SET company = 'Other' WHERE audit_seq = 3");
    assert_eq!(parsed(&database.succeed(&["lead", "show", &id, "--json"]))["digest_valid"], false);
    assert!(database.succeed(&["lead", "show", &id]).contains("INVALID"));
}

/// The actor of what this user does from the shell.
fn shell_actor() -> String {
    let user = Command::new("id").arg("-un").output().expect("id");
    format!("cli:{}", String::from_utf8_lossy(&user.stdout).trim())
}

#[test]
fn a_status_change_is_audited() {
    let database = Database::sample();
    let (id, request_id) = (
        database.lead_id(3),
        database.one("SELECT request_id FROM lead_inbox WHERE audit_seq = 3"),
    );
    let row = database.one("SELECT quote(name) || status FROM lead_inbox WHERE audit_seq = 3");
    let actor = shell_actor();
    let mut from = "received";
    for (by, to) in
        [(&id, "processing"), (&request_id, "resolved"), (&id, "archived"), (&id, "received")]
    {
        database.succeed(&["lead", "set-status", by, to]);
        let sql = "SELECT event, actor, lead_id, request_id, status_code, details_json FROM audit_log ORDER BY seq DESC LIMIT 1";
        let reported = sql::rows(&database.sqlite(), sql).remove(0);
        let details = format!(r#"{{"from":"{from}","to":"{to}"}}"#);
        let expected = [
            Some("LEAD_PROCESSED"),
            Some(&actor),
            Some(&id),
            Some(&request_id),
            None,
            Some(&details),
        ];
        assert_eq!(reported, expected.map(|c| c.map(str::to_owned)));
        assert!(listed(&database, &["--status", to]).contains(&3));
        assert!(!listed(&database, &["--status", from]).contains(&3), "{from}");
        from = to;
    }
    let now = database.one("SELECT quote(name) || status FROM lead_inbox WHERE audit_seq = 3");
    assert_eq!(now, row, "the lead's own row never changes");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn setting_the_same_status_again_writes_nothing() {
    let database = Database::sample();
    for (place, status) in [(2, "processing"), (3, "received")] {
        let before = database.dump();
        database.succeed(&["lead", "set-status", &database.lead_id(place), status]);
        assert_eq!(database.dump(), before);
    }
}

#[test]
fn an_unknown_lead_is_a_one_line_error() {
    let database = Database::sample();
    let before = database.dump();
    for id in ["00000000-0000-4000-8000-000000000000", "nothing", "", "' OR 1 = 1 --", "\u{1b}[31m"]
    {
        for arguments in [vec!["lead", "show", id], vec!["lead", "set-status", id, "resolved"]] {
            let output = database.run(&arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            assert!(output.stdout.is_empty());
            assert_eq!(stderr_text(&output).lines().count(), 1, "{}", stderr_text(&output));
            assert!(!stderr_text(&output).contains('\u{1b}'));
        }
    }
    let output = database.run(&["lead", "set-status", &database.lead_id(1), "done"]);
    assert_eq!(output.status.code(), Some(2), "there is no such status");
    assert_eq!(database.dump(), before);
}

#[test]
fn control_characters_of_a_lead_never_reach_the_terminal() {
    // What moves the cursor, sets the title, reorders text or hides it.
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{8}\u{7f}";
    let hidden = "\u{202e}txt.exe\u{202c}\u{2066}\u{2069}\u{200f}\u{200b}\u{61c}\u{feff}";
    let mut hostile = lead();
    hostile["message"] = json!(format!("Bonjour\r\n{evil}{hidden} bonjour bonjour\u{2028}fin"));
    hostile["name"] = json!(format!("Jean{hidden}"));
    hostile["company"] = json!(format!("ACME{hidden}SAS"));
    hostile["phone"] = json!(format!("06{}", hidden.chars().take(3).collect::<String>()));
    hostile["meta"]["source"] = json!(format!("site{hidden}"));
    hostile["meta"]["ip_hash"] = json!(format!("abc{hidden}"));
    hostile["meta"]["user_agent_hash"] = json!(format!("xyz{hidden}"));
    let database = Database::with(&[hostile.clone()]);
    let id = database.lead_id(1);
    for command in [vec!["lead", "list"], vec!["lead", "show", &id], vec!["audit", "list"]] {
        let text = database.succeed(&command);
        let raw = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
        };
        assert_eq!(text.chars().find(raw), None, "{command:?}: {text:?}");
        assert!(text.contains("\\u{202e}"), "it is shown, not dropped: {text}");
    }
    // As data they are exact.
    let shown = parsed(&database.succeed(&["lead", "show", &id, "--json"]));
    assert_eq!(shown["message"], hostile["message"]);
}

#[test]
fn lead_list_prints_exactly_one_line_per_lead() {
    let mut long = lead();
    long["message"] = json!("une ligne\n".repeat(100));
    let database = Database::with(&[long, lead()]);
    assert_eq!(database.succeed(&["lead", "list"]).lines().count(), 2);
}

#[test]
fn token_new_prints_a_long_random_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens: Vec<String> = (0..3).map(|_| binary::succeed(folder.path(), &["token"])).collect();
    for token in &tokens {
        let token = token.strip_suffix('\n').expect("one line");
        assert!(
            token.len() == 64 && token.bytes().all(|b| b"0123456789abcdef".contains(&b)),
            "{token}"
        );
    }
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "it is kept nowhere");
}

#[test]
fn completions_exist_for_every_shell() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let script = binary::succeed(folder.path(), &["completions", shell]);
        assert!(script.contains("fastcore") && script.contains("set-status"), "{shell}");
    }
    assert_eq!(binary::run(folder.path(), &["completions", "cmd"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        binary::succeed(folder.path(), &["man", "."]);
    }
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a page");
    assert!(page("fastcore.1").contains("Exit status: 0 done"));
    assert!(page("fastcore-serve.1").contains("FASTCORE_LISTEN"));
    assert!(page("fastcore-lead-set-status.1").contains("fastcore lead set"));
    let (status, log) = binary::run_to_exit(&mut binary::command(folder.path(), &["man", "none"]));
    assert_eq!((status, log.lines().count()), (1, 1));
    assert!(log.starts_with("fastcore: none: No such file"), "{log}");
}

#[test]
fn usage_errors_exit_2_and_help_exits_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong: [&[&str]; 8] = [
        &[],
        &["frobnicate"],
        &["lead"],
        &["lead", "show"],
        &["lead", "list", "--nothing"],
        &["audit", "list", "--limit", "many"],
        &["export"],
        &["export", "leads", "--format", "pdf"],
    ];
    for arguments in wrong {
        let output = binary::run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    assert!(binary::succeed(folder.path(), &["--version"]).starts_with("fastcore "));
    let output =
        binary::run(folder.path(), &["lead", "list", "--database-url", "postgresql://x/y"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// The subcommands that a help text names.
fn subcommands(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    let entries = list.lines().take_while(|line| line.starts_with("  "));
    let names = entries.filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

/// The help of a command and of its subcommands.
fn help(folder: &Path, command: &[&str]) -> String {
    let text = binary::succeed(folder, &[command, &["--help"]].concat());
    let names = subcommands(&text).into_iter();
    let below: String = names.map(|name| help(folder, &[command, &[name]].concat())).collect();
    format!("===== fastcore {} =====\n{text}\n{below}", command.join(" "))
}

#[test]
fn the_help_of_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = binary::succeed(folder.path(), &["--help"]);
    insta::assert_snapshot!("help", text);
    let names = subcommands(&text);
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        insta::assert_snapshot!(format!("help_{name}"), help(folder.path(), &[name]));
    }
}

#[test]
fn every_command_without_a_database_fails_in_one_line_and_creates_none() {
    let database = Database::without_file();
    let commands: [&[&str]; 9] = [
        &["lead", "list"],
        &["lead", "show", "x"],
        &["lead", "set-status", "x", "resolved"],
        &["audit", "list"],
        &["audit", "head"],
        &["audit", "verify"],
        &["export", "leads"],
        &["export", "audit", "-o", "audit.csv"],
        &["migrate", "status"],
    ];
    let mut messages = String::new();
    for command in commands {
        let output = database.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let message = stderr_text(&output);
        assert_eq!(message.lines().count(), 1, "{command:?}: {message}");
        messages.push_str(&format!("{}: {message}", command.join(" ")));
        assert!(output.stdout.is_empty());
        assert_eq!(fs::read_dir(database.folder()).expect("a folder").count(), 0, "{command:?}");
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn a_closed_output_pipe_is_not_an_error() {
    let database = Database::sample();
    let id = database.lead_id(1);
    let commands: [&[&str]; 8] = [
        &["lead", "list"],
        &["lead", "show", &id],
        &["audit", "list", "--json"],
        &["audit", "head"],
        &["audit", "verify"],
        &["token"],
        &["completions", "bash"],
        &["migrate", "status"],
    ];
    for command in commands {
        let mut child = binary::command(database.folder(), command);
        let mut child =
            child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(child.stdout.take());
        let said = read_all(child.stderr.take().expect("a pipe"));
        assert!(child.wait().expect("it ends").success(), "{command:?}: {said}");
        assert_eq!(said, "", "{command:?}");
    }
}

#[test]
fn a_failed_write_to_the_output_is_an_error() {
    let database = Database::sample();
    for command in [["lead", "list"], ["export", "leads"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let output =
            binary::command(database.folder(), &command).stdout(full).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(stderr_text(&output).lines().count(), 1, "{}", stderr_text(&output));
    }
}

#[test]
fn the_status_table_is_rebuilt_from_the_audit_log() {
    let database = Database::sample();
    for (place, status) in [(1, "resolved"), (2, "archived"), (3, "archived"), (3, "received")] {
        database.succeed(&["lead", "set-status", &database.lead_id(place), status]);
    }
    let projection =
        "SELECT group_concat(audit_seq || status) FROM (SELECT * FROM lead_status ORDER BY 1)";
    let kept = database.one(projection);
    database.tamper_sql(
        "UPDATE lead_status SET status = 'processing' WHERE audit_seq = 1; DELETE FROM lead_status WHERE audit_seq = 2;
         INSERT INTO lead_status VALUES (4, 'resolved');",
    );
    assert_eq!(database.run(&["audit", "verify"]).status.code(), Some(4));
    let log = database.one("SELECT count(*) FROM audit_log");
    database.succeed(&["lead", "rebuild-status"]);
    assert_eq!(database.one(projection), kept);
    assert_eq!(
        database.one("SELECT count(*) FROM audit_log"),
        log,
        "nothing happened that the log should tell"
    );
    database.succeed(&["audit", "verify"]);
}
