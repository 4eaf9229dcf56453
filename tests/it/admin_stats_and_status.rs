//! The admin API's statistics and server status.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::admin::{
    self, Browser, TestClock, create_first_account, send_leads, server_with_account, set_status,
};
use super::support::binary::ServeProcess;
use super::support::database::Database;
use super::support::http::Client;

#[test]
fn stats_count_days_in_the_requested_time_zone() {
    // The clocks of Paris go forward in the night to the 29th of March 2026.
    let test_clock = TestClock::at("2026-03-27T12:00:00Z");
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    let at = |moment: &str| {
        let moment = chrono::DateTime::parse_from_rfc3339(moment).expect("a moment").to_utc();
        test_clock.advance(moment - test_clock.now());
        send_leads(&server, 1).remove(0)
    };
    let ids = [
        at("2026-03-27T22:59:59Z"), // still the 27th, a Friday
        at("2026-03-27T23:00:00Z"), // the 28th in Paris
        at("2026-03-28T22:59:59Z"),
        at("2026-03-28T23:00:00Z"), // the 29th, a Sunday, of 23 hours
        at("2026-03-29T21:59:59Z"),
        at("2026-03-29T22:00:00Z"), // the 30th, a Monday
        at("2026-04-01T10:00:00Z"), // the 1st, after a day without any
    ];
    let steps = |figures: &Value| -> Vec<(String, i64)> {
        let steps = figures["series"].as_array().expect("a list").iter();
        steps
            .map(|s| {
                (
                    s["start"].as_str().expect("a day").to_owned(),
                    s["leads"].as_i64().expect("a number"),
                )
            })
            .collect()
    };
    let day = |day: &str, leads: i64| (day.to_owned(), leads);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let figures = browser.read("/admin/api/stats");
    assert_eq!(
        steps(&figures),
        [
            day("2026-03-27", 1),
            day("2026-03-28", 2),
            day("2026-03-29", 2),
            day("2026-03-30", 1),
            day("2026-03-31", 0),
            day("2026-04-01", 1),
        ]
    );
    assert_eq!(figures["leads"], 7);
    assert_eq!(figures["by_service"], json!([{"service": "ponts", "leads": 7}]));
    assert_eq!(figures["by_status"], json!([{"status": "received", "leads": 7}]));
    assert_eq!(figures["median_seconds_to_processing"], Value::Null);
    let weeks = browser.read("/admin/api/stats?by=week");
    assert_eq!(steps(&weeks), [day("2026-03-23", 5), day("2026-03-30", 2)]);
    let utc = browser.read("/admin/api/stats?zone=UTC&until=2026-03-28");
    assert_eq!(steps(&utc), [day("2026-03-27", 2), day("2026-03-28", 2)]);
    let part =
        browser.read("/admin/api/stats?since=2026-03-26T12:00:00Z&until=2026-03-27T23:00:00Z");
    assert_eq!(
        steps(&part),
        [day("2026-03-26", 0), day("2026-03-27", 1)],
        "from the period's beginning"
    );
    assert_eq!(figures["previous"], Value::Null, "nothing is before all");
    let none = browser.read("/admin/api/stats?since=2027-01-01");
    assert_eq!(none["previous"], Value::Null, "it has not begun");
    assert_eq!((&none["series"], &none["leads"]), (&json!([]), &json!(0)));
    let far = browser.read("/admin/api/stats?since=0001-01-01");
    assert!(steps(&far).len() < 400 && far["leads"] == 7, "not two thousand years of nothing");
    test_clock.advance(TimeDelta::days(2));
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let today = browser.read("/admin/api/stats?since=2026-04-01");
    let quiet = [day("2026-04-01", 1), day("2026-04-02", 0), day("2026-04-03", 0)];
    assert_eq!(steps(&today), quiet, "up to now, not to the last lead alone");
    let over =
        browser.read("/admin/api/stats?since=2026-03-29T22:00:00Z&until=2026-03-31T22:00:00Z");
    assert_eq!(steps(&over), [day("2026-03-30", 1), day("2026-03-31", 0)], "the whole period");
    assert_eq!(ids.len(), 7);
}

#[test]
fn stats_compare_with_the_time_before() {
    let test_clock = TestClock::at("2026-03-01T12:00:00Z");
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    for leads in [2, 0, 3, 1] {
        send_leads(&server, leads);
        test_clock.advance(TimeDelta::days(1));
    }
    // Leads at noon of the 1st, 3rd and 4th; now it is noon of the 5th.
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let mut compared = |query: &str| {
        let stats = browser.read(&format!("/admin/api/stats?{query}"));
        let previous = &stats["previous"];
        (stats["leads"].clone(), previous["leads"].clone(), previous["since_utc"].clone())
    };
    let of = |leads: i64, before: i64, since: &str| (json!(leads), json!(before), json!(since));
    let two_days = "since=2026-03-03T00:00:00Z&until=2026-03-05T00:00:00Z";
    assert_eq!(compared(two_days), of(4, 2, "2026-03-01T00:00:00.000000Z"));
    // What has not passed of a period is not compared: two days and a half, not three.
    let open = of(4, 2, "2026-02-28T12:00:00.000000Z");
    assert_eq!(compared("since=2026-03-03"), open);
    assert_eq!(compared("since=2026-03-03&until=2026-03-05"), open);
    assert_eq!(compared("since=2026-03-05T06:00:00Z"), of(0, 0, "2026-03-05T00:00:00.000000Z"));
    for none in
        ["", "until=2026-03-04", "since=2026-03-05T12:00:00Z", "since=2026-03-04&until=2026-03-02"]
    {
        assert_eq!(compared(none).1, Value::Null, "{none}");
    }
}

#[test]
fn the_median_covers_the_time_to_the_first_status_change() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 4);
    let median = |browser: &mut Browser| {
        browser.read("/admin/api/stats")["median_seconds_to_processing"].clone()
    };
    assert_eq!(median(&mut browser), Value::Null);
    for (id, status) in
        [(0, "processing"), (0, "resolved"), (1, "archived"), (2, "processing"), (2, "received")]
    {
        set_status(&server, &ids[id], status);
    }
    // The shell goes by the system's clock: the times are put where the test wants them.
    let shift = |lead: usize, event_no: usize, seconds: i64| {
        let conn = server.sqlite();
        conn.execute_batch("DROP TRIGGER IF EXISTS audit_log_refuses_update").expect("a drop");
        conn.execute(
            "UPDATE audit_log SET created_at_utc = strftime('%Y-%m-%dT%H:%M:%f000Z',
                 (SELECT created_at_utc FROM lead_inbox WHERE id = ?1), ?3 || ' seconds')
             WHERE seq = (SELECT seq FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_PROCESSED' ORDER BY seq LIMIT 1 OFFSET ?2)",
            (&ids[lead], event_no as i64, seconds),
        ).expect("a shift");
    };
    shift(0, 0, 100);
    shift(0, 1, 9000);
    shift(1, 0, 5000);
    assert_near(&median(&mut browser), 100, "of 100, 5000 and one just now");
    shift(2, 0, 300);
    assert_near(&median(&mut browser), 300, "of 100, 300 and 5000");
    set_status(&server, &ids[3], "processing");
    shift(3, 0, 500);
    assert_near(&median(&mut browser), 400, "between the two in the middle");
}

/// The database's own functions know milliseconds, where a lead has microseconds.
fn assert_near(seconds: &Value, expected: i64, what: &str) {
    let seconds = seconds.as_i64().expect("a number");
    assert!((expected - 1..=expected).contains(&seconds), "{what}: {seconds}");
}

#[test]
fn the_status_reports_database_backup_chain_and_warnings() {
    let test_clock = TestClock::at("2026-03-02T08:00:00Z");
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    send_leads(&server, 3);
    let state = browser.read("/admin/api/status");
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&state["database"]["leads"], &state["database"]["audit_rows"]),
        (&json!(3), &json!(5))
    );
    assert!(
        state["database"]["bytes"].as_u64() > Some(4096)
            && state["database"]["free_bytes"].as_u64() > Some(0)
    );
    assert_eq!(state["last_lead_at_utc"], "2026-03-02T08:00:00.000000Z");
    assert_eq!(
        (&state["last_backup"], &state["health"]),
        (&Value::Null, &json!({"ok": true, "detail": null}))
    );
    assert_eq!(
        (&state["chain"]["head"], &state["chain"]["ok"], &state["chain"]["finding"]),
        (&json!(5), &json!(true), &Value::Null)
    );
    assert!(!codes(&state).contains(&"backup_old".to_owned()), "nothing is that old yet: {state}");
    let mut warned_after = |days: i64| {
        test_clock.advance(TimeDelta::days(days));
        browser.sign_in("jean", admin::PASSWORD);
        codes(&browser.read("/admin/api/status")).contains(&"backup_old".to_owned())
    };
    assert!(!warned_after(6), "six days without a backup");
    assert!(warned_after(2), "eight days without a backup");
    // A backup recorded in the audit log.
    server.sqlite().execute_batch(
        r#"INSERT INTO audit_log SELECT seq + 1, 'b' || substr(id, 2), '2026-03-10T07:00:00.000000Z', 'BACKUP_TAKEN', 'schedule', NULL, NULL, NULL, '{"file":"x.db"}', hash
           FROM audit_log ORDER BY seq DESC LIMIT 1"#,
    ).expect("a row");
    let state = browser.read("/admin/api/status");
    assert_eq!(
        state["last_backup"],
        json!({"at_utc": "2026-03-10T07:00:00.000000Z", "file": "x.db"})
    );
    assert!(codes(&state).is_empty(), "{state}");
    // The clock is set back.
    test_clock.advance(TimeDelta::hours(-2));
    let state = browser.read("/admin/api/status");
    assert_eq!(codes(&state), ["clock_behind"], "{state}");
}

fn codes(state: &Value) -> Vec<String> {
    let warnings = state["warnings"].as_array().expect("a list").iter();
    warnings.map(|w| w["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn an_invalid_chain_is_found_at_startup_and_shown() {
    let database = Database::sample();
    database.tamper_sql("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3");
    admin::add_account(database.folder(), "jean");
    let mut server = ServeProcess::start(database.folder());
    // The chain monitor may have said so before the server listens.
    let finding = "the audit log is invalid";
    if !server.log.iter().any(|line| line.contains(finding)) {
        server.read_until(finding);
    }
    let mut browser = Browser::new(server.address);
    let origin = format!("http://{}", server.address);
    let body = json!({"name": "jean", "password": admin::PASSWORD}).to_string();
    let host = server.address.to_string();
    // This one names the address it connects to.
    let mut client = Client::connect(server.address);
    client.send(format!(
        "POST /admin/api/session HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.receive().expect("an answer");
    browser.cookie =
        answer.header("set-cookie").and_then(|c| Some(c.split(';').next()?.to_owned()));
    let state = browser.read("/admin/api/status");
    assert_eq!(state["chain"]["ok"], false, "{state}");
    assert!(state["chain"]["finding"].as_str().expect("text").contains("audit row 3"), "{state}");
    assert!(codes(&state).contains(&"chain_broken".to_owned()), "{state}");
    server.terminate();
}
