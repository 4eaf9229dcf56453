//! Fills a database with fictional leads for `fastcore demo`.
//!
//! Every row is written by the same functions as in production, at a simulated time: the audit log of
//! a demo verifies like any other. People, companies and messages are invented; addresses end in
//! `.example` (RFC 2606) and numbers are of the ranges that ARCEP reserves for fiction.

mod plan;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::app::backup;
use crate::app::demo::plan::{Action, Plan};
use crate::app::export::error::ExportError;
use crate::app::export::format::ExportFormat;
use crate::app::export::sheet::SheetColumns;
use crate::app::export::{Export, ExportSource};
use crate::app::staff;
use crate::app::staff::TotpChange;
use crate::clock::Clock;
use crate::domain::filter::LeadFilter;
use crate::domain::language::Language;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::domain::password::Password;
use crate::domain::refused::RefusedSubmission;
use crate::domain::staff::{AccountName, SessionCutoffs};
use crate::store;
use crate::store::backup::progress::CancelFlag;
use crate::store::db::lock::ServerLock;
use crate::store::error::StoreError;
use crate::store::leads::submit::SubmitOutcome;
use crate::store::paths::sidecar_path;
use crate::store::read::ReadPool;
use crate::store::staff::sessions::{NewSessionRow, SecondProof};
use crate::store::writer::Writer;

/// Who does what no member of staff does, in the audit log.
const ACTOR: &str = "cli:demo";
/// Accounts of the demo; the first is the one that is signed in.
const ACCOUNTS: [&str; 3] = ["demo", "sophie", "marc"];

/// Why a demo database cannot be made.
#[derive(Debug, Error)]
pub enum DemoError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Staff(#[from] staff::StaffError),
    #[error("a fictional lead is not valid: {0}")]
    Lead(String),
}

/// Creates the database and fills it with `leads` leads over the year before `now`. Returns the token
/// of a session of the account `demo`.
///
/// # Errors
/// [`DemoError`]; what is in the folder then is of no use.
pub fn fill(
    database: &Path,
    now: DateTime<Utc>,
    leads: usize,
    lock: &ServerLock,
) -> Result<String, DemoError> {
    let plan = Plan::new(now, leads);
    let simulated = Arc::new(AtomicI64::new(plan.start().timestamp_micros()));
    let clock = {
        let simulated = Arc::clone(&simulated);
        Clock::from_fn(move || {
            DateTime::from_timestamp_micros(simulated.load(Ordering::Relaxed)).unwrap_or(now)
        })
    };
    crate::app::migrate::prepare(database, &clock, ACTOR, lock)?;
    for name in ACCOUNTS {
        add_account(database, &clock, name)?;
    }
    let (writer, thread) = store::writer::open_cli_writer(database, &clock)?;
    let mut ids = Vec::with_capacity(leads);
    let mut outcome = Ok(());
    for (at, action) in plan.into_actions() {
        simulated.store(at.timestamp_micros(), Ordering::Relaxed);
        outcome = perform(database, &clock, &writer, &mut ids, action);
        if outcome.is_err() {
            break;
        }
    }
    drop(writer);
    thread.join();
    outcome?;
    simulated.store(now.timestamp_micros(), Ordering::Relaxed);
    // Without a backup, the page would begin with a warning.
    let backup = sidecar_path(database, ".demo-backup");
    backup::create(database, &clock, &backup, &CancelFlag::default(), ACTOR, &mut |_, _| ())?;
    sign_in(database, &clock)
}

/// Performs one action; `ids` are the leads stored so far, in the order of the plan.
fn perform(
    database: &Path,
    clock: &Clock,
    writer: &Writer,
    ids: &mut Vec<String>,
    action: Action,
) -> Result<(), DemoError> {
    match action {
        Action::Submit(body) => ids.extend(submit(writer, &body)?),
        Action::Resubmit(body) => drop(submit(writer, &body)?),
        Action::Reject(body) => reject(writer, body)?,
        Action::View { lead, account } => {
            let (id, actor) = (ids[lead].clone(), format!("staff:{account}"));
            writer.run(move |tx| store::leads::view::record_view(tx, &id, &actor))?;
        }
        Action::SetStatus { lead, status, account } => {
            let (id, actor) = (ids[lead].clone(), format!("cli:{account}"));
            writer.run(move |tx| store::leads::status::set_status(tx, &id, status, &actor))?;
        }
        Action::Export { account } => {
            let source = ExportSource::Leads(LeadFilter::default());
            let actor = format!("staff:{account}");
            let format = ExportFormat::Xlsx(SheetColumns::Readable(Language::French));
            let export = Export { source, format, actor };
            export.to_writer(database, 0, clock, io::sink(), None, &mut |_| {})?;
        }
    }
    Ok(())
}

/// Refuses a body that is not a valid lead, and keeps it.
fn reject(writer: &Writer, body: String) -> Result<(), DemoError> {
    let Err(LeadParseError::Invalid { errors, request_id }) = NewLead::parse(body.as_bytes())
    else {
        return Err(DemoError::Lead("a submission that should be refused is valid".to_owned()));
    };
    let refused = RefusedSubmission {
        status_code: 422,
        faults: errors,
        media_type: Some("application/json".to_owned()),
        content_encoding: None,
        request_id,
        body: body.into(),
    };
    let fingerprint = refused.fingerprint();
    Ok(writer.run(move |tx| store::refused::keep::reject(tx, &refused, Some(&fingerprint)))?)
}

/// Submits a body as the site does; the id of the lead if it is new.
fn submit(writer: &Writer, body: &str) -> Result<Option<String>, DemoError> {
    let lead = NewLead::parse(body.as_bytes()).map_err(|e| DemoError::Lead(format!("{e:?}")))?;
    let outcome = writer.run(move |tx| store::leads::submit::submit(tx, &lead, None))?;
    Ok(match outcome {
        SubmitOutcome::Created(stored) => Some(stored.lead_id),
        _ => None,
    })
}

fn add_account(database: &Path, clock: &Clock, name: &str) -> Result<(), DemoError> {
    let account = AccountName::parse(name).ok_or_else(|| DemoError::Lead(name.to_owned()))?;
    // Nobody needs it: the link that `demo` prints is signed in already.
    let password = Password::from_input(&staff::sessions::new_token());
    staff::add(database, clock, &account, &password, &TotpChange::Without, ACTOR)?;
    Ok(())
}

/// Opens a session for the first account; its token.
fn sign_in(database: &Path, clock: &Clock) -> Result<String, DemoError> {
    let account = ReadPool::open(database)?.read(|tx| tx.account(ACCOUNTS[0]))?;
    let account = account.ok_or(StoreError::Closed)?;
    let token = staff::sessions::new_token();
    let token_hash = staff::sessions::sha256(token.as_bytes());
    let session = NewSessionRow { token_hash, browser: None, client: None, replaced: None };
    let cutoffs = SessionCutoffs::at(clock.now().into());
    crate::app::db::write_once(database, clock, move |tx| {
        store::staff::sessions::open_session(tx, &account, &SecondProof::None, &session, &cutoffs)
    })?;
    Ok(token)
}
