//! What happens in a demo's year, in order. The same for the same moment: the random numbers have a
//! fixed seed.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Europe::Paris;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::lead::status::LeadStatus;

const SEED: u64 = 20;
/// Leads that arrived in the last hours, in minutes before now, so that the inbox looks alive.
const RECENT: [i64; 6] = [7, 52, 140, 320, 1_150, 1_480];
const STAFF: [&str; 2] = ["sophie", "marc"];

/// One thing that somebody does.
#[derive(Debug)]
pub(crate) enum Action {
    Submit(String),
    /// The same submission again, after a lost answer.
    Resubmit(String),
    /// A submission that is not a valid lead.
    Reject(String),
    View {
        lead: usize,
        account: &'static str,
    },
    SetStatus {
        lead: usize,
        status: LeadStatus,
        account: &'static str,
    },
    Export {
        account: &'static str,
    },
}

/// All actions of the year before a moment, in the order of their time.
#[derive(Debug)]
pub(crate) struct Plan {
    start: DateTime<Utc>,
    actions: Vec<(DateTime<Utc>, Action)>,
}

#[derive(Deserialize)]
struct People {
    first_names: Vec<String>,
    last_names: Vec<String>,
    companies: Vec<String>,
}

#[derive(Deserialize)]
struct MessageTemplate {
    service: Option<String>,
    message: String,
}

impl Plan {
    pub(crate) fn new(now: DateTime<Utc>, leads: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(SEED);
        let start = now - TimeDelta::days(366);
        let mut arrivals: Vec<_> = RECENT.iter().map(|m| now - TimeDelta::minutes(*m)).collect();
        arrivals.truncate(leads);
        while arrivals.len() < leads {
            arrivals.push(working_moment(&mut rng, now));
        }
        arrivals.sort_unstable();
        let mut actions = Vec::new();
        let content = LeadContent::read();
        for (lead, at) in arrivals.into_iter().enumerate() {
            let body = content.lead(&mut rng, at, lead).to_string();
            if rng.random_ratio(1, 40) {
                let again = at + TimeDelta::seconds(rng.random_range(3..40));
                actions.push((again, Action::Resubmit(body.clone())));
            }
            actions.push((at, Action::Submit(body)));
            follow_up(&mut rng, &mut actions, lead, at, now);
        }
        for month in 1..12 {
            let at = now - TimeDelta::days(30 * month) + TimeDelta::minutes(17 * month);
            actions.push((at, Action::Export { account: STAFF[usize::from(month % 3 == 0)] }));
        }
        // Not older than what a server keeps.
        let faults = [
            (23, "message", "Urgent"),
            (9, "email", "lucie.noel(at)courriel.example"),
            (2, "service", "palans"),
        ];
        for (days, field, value) in faults {
            let at = now - TimeDelta::days(days);
            let mut lead = content.lead(&mut rng, at, usize::try_from(days).unwrap_or_default());
            lead[field] = value.into();
            actions.push((at, Action::Reject(lead.to_string())));
        }
        actions.retain(|(at, _)| *at <= now);
        // Stable: of two at the same moment, the one that was planned first comes first.
        actions.sort_by_key(|(at, _)| *at);
        Self { start, actions }
    }

    /// When the year begins: before everything that happens in it.
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.start
    }

    pub(crate) fn into_actions(self) -> Vec<(DateTime<Utc>, Action)> {
        self.actions
    }
}

/// A moment of the last year at which people write: mostly on working days, by day, less in August,
/// and more of them towards the end.
fn working_moment(rng: &mut StdRng, now: DateTime<Utc>) -> DateTime<Utc> {
    loop {
        let days_ago = 364.0 * rng.random_range(0.0..1.0_f64).powf(1.2) + 1.2;
        let at = now - TimeDelta::seconds((days_ago * 86_400.0) as i64);
        let local = at.with_timezone(&Paris);
        let day = match local.weekday() {
            Weekday::Sat => 0.2,
            Weekday::Sun => 0.1,
            _ => 1.0,
        };
        let hour = match local.hour() {
            8..=11 | 14..=17 => 1.0,
            12 | 13 | 18..=20 => 0.5,
            7 | 21 | 22 => 0.2,
            _ => 0.02,
        };
        let season = if local.month() == 8 { 0.35 } else { 1.0 };
        if rng.random_bool(day * hour * season) {
            let micros = rng.random_range(0..1_000_000);
            return at - TimeDelta::microseconds(micros);
        }
    }
}

/// What the staff does about a lead, the more the older it is.
fn follow_up(
    rng: &mut StdRng,
    actions: &mut Vec<(DateTime<Utc>, Action)>,
    lead: usize,
    arrived: DateTime<Utc>,
    now: DateTime<Utc>,
) {
    let age = (now - arrived).num_days();
    let account = STAFF[usize::from(rng.random_ratio(1, 3))];
    let (viewed, taken, resolved) = match age {
        22.. => (0.99, 0.98, 0.97),
        6..=21 => (0.95, 0.9, 0.6),
        1..=5 => (0.8, 0.55, 0.15),
        _ => (0.4, 0.0, 0.0),
    };
    if !rng.random_bool(viewed) {
        return;
    }
    let mut at = arrived + TimeDelta::minutes(rng.random_range(4..900));
    actions.push((at, Action::View { lead, account }));
    let mut set = |at, status| actions.push((at, Action::SetStatus { lead, status, account }));
    if !rng.random_bool(taken) {
        return;
    }
    at += TimeDelta::minutes(rng.random_range(2..1_500));
    set(at, LeadStatus::Processing);
    if !rng.random_bool(resolved) {
        return;
    }
    at += TimeDelta::minutes(rng.random_range(200..15_000));
    set(at, LeadStatus::Resolved);
    if age > 60 && rng.random_ratio(2, 3) {
        set(at + TimeDelta::days(rng.random_range(10..40)), LeadStatus::Archived);
    }
}

struct LeadContent {
    people: People,
    messages: Vec<MessageTemplate>,
}

impl LeadContent {
    #[expect(
        clippy::expect_used,
        reason = "the files are part of the binary, and a test reads them"
    )]
    fn read() -> Self {
        Self {
            people: serde_json::from_str(include_str!("people.json")).expect("people.json"),
            messages: serde_json::from_str(include_str!("messages.json")).expect("messages.json"),
        }
    }

    /// A lead as the site sends it.
    fn lead(&self, rng: &mut StdRng, at: DateTime<Utc>, lead: usize) -> Value {
        let first = pick(rng, &self.people.first_names);
        let last = pick(rng, &self.people.last_names);
        let company = rng.random_ratio(3, 4).then(|| pick(rng, &self.people.companies).to_owned());
        let MessageTemplate { service, message } = &self.messages[lead * 7 % self.messages.len()];
        let domain = company.as_deref().map_or_else(|| "courriel".to_owned(), slug);
        let local = format!("{}.{}", slug(first), slug(last));
        serde_json::json!({
            "name": format!("{first} {last}"),
            "email": format!("{local}@{domain}.example"),
            "phone": rng.random_ratio(4, 5).then(|| phone(rng)),
            "company": company,
            "service": service,
            "message": message,
            "consent": true,
            "meta": {
                "source": "fast-techservices.com",
                "request_id": uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string(),
                "ip_hash": Uuid::from_bytes(rng.random()).simple().to_string(),
                "timestamp_utc": at.to_rfc3339(),
            },
        })
    }
}

fn pick<'t>(rng: &mut StdRng, texts: &'t [String]) -> &'t str {
    &texts[rng.random_range(0..texts.len())]
}

/// A number of the ranges 01 99 00 and 06 39 98, which ARCEP reserves for fiction.
fn phone(rng: &mut StdRng) -> String {
    let (a, b) = (rng.random_range(0..100), rng.random_range(0..100));
    match rng.random_range(0..3) {
        0 => format!("01 99 00 {a:02} {b:02}"),
        1 => format!("06 39 98 {a:02} {b:02}"),
        _ => format!("+33 6 39 98 {a:02} {b:02}"),
    }
}

/// Lower-case ASCII letters and digits with hyphens between words: `Élodie Noël` is `elodie-noel`.
fn slug(text: &str) -> String {
    let mut words = Vec::new();
    crate::domain::search::tokens::for_each_word(text, |word| words.push(word.to_owned()));
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lead::NewLead;

    #[test]
    fn every_planned_lead_is_valid_and_nothing_is_in_the_future() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
        let plan = Plan::new(now, 300);
        let start = plan.start();
        let mut submitted = 0;
        for (at, action) in plan.into_actions() {
            assert!((start..=now).contains(&at), "{at}");
            match action {
                Action::Submit(body) => {
                    NewLead::parse(body.as_bytes()).expect("a valid lead");
                    submitted += 1;
                }
                Action::Reject(body) => {
                    NewLead::parse(body.as_bytes()).expect_err("a fault");
                }
                _ => {}
            }
        }
        assert_eq!(submitted, 300);
    }
}
