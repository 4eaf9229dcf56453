//! The live events, read from the audit log.

use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadView};
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// Audit rows of one batch, at most.
const MAX_BATCH_ROWS: u32 = 500;
/// A position further back than this many audit rows is not replayed: who is there reads the list
/// again instead.
pub(crate) const MAX_REPLAY_ROWS: i64 = 5000;

/// An event with the `seq` of its audit row.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Clone)]
pub struct SequencedEvent {
    pub seq: i64,
    pub event: LiveEvent,
}

/// What happened.
#[expect(missing_debug_implementations, reason = "personal data has no business in a log")]
#[derive(Clone)]
pub enum LiveEvent {
    /// The first event of a stream: all later audit rows follow.
    Hello { seq: i64 },
    /// A new lead.
    Lead(Box<Lead>),
    /// A lead's new status.
    Status { id: String, status: LeadStatus },
    /// Somebody opened a lead.
    Viewed { id: String, view: LeadView },
    /// A lead that was erased.
    Erased { id: String },
    /// The refused submissions are others than before: how many are no lead yet.
    Refusals { open: i64 },
}

/// The events of consecutive audit rows.
pub(crate) struct EventBatch {
    /// The rows begin after this `seq` …
    pub(crate) after: i64,
    /// … and end with this one.
    pub(crate) end: i64,
    pub(crate) events: Vec<SequencedEvent>,
    /// Whether there may be more rows after `end`.
    pub(crate) more: bool,
    /// Whether a session may have ended.
    pub(crate) session_touched: bool,
}

impl EventBatch {
    pub(crate) fn read_after(tx: &ReadTx<'_>, after: i64) -> Result<Self, StoreError> {
        let rows = tx.audit_after(after, MAX_BATCH_ROWS)?;
        let mut batch = Self {
            after,
            end: rows.last().map_or(after, |row| row.seq),
            events: Vec::new(),
            more: rows.len() == MAX_BATCH_ROWS as usize,
            session_touched: false,
        };
        // Counted once, however many there are.
        let (mut refusals, mut leads) = (None, None);
        for row in rows {
            match row.event.known() {
                Some(
                    AuditEvent::LeadRejected
                    | AuditEvent::RefusedRetried
                    | AuditEvent::RefusedPurged
                    | AuditEvent::RefusedErased,
                ) => refusals = Some(row.seq),
                Some(AuditEvent::LeadReceived) => leads = Some(row.seq),
                _ => {}
            }
            batch.session_touched |= matches!(
                row.event.known(),
                Some(
                    AuditEvent::StaffRemoved
                        | AuditEvent::StaffPasswordReset
                        | AuditEvent::StaffSignedOut
                )
            );
            if let Some(event) = live_event(tx, &row)? {
                batch.events.push(SequencedEvent { seq: row.seq, event });
            }
        }
        if let Some(seq) = refusals.max(leads) {
            let totals = tx.refused_totals()?;
            // A lead settles what was refused of it, if anything was.
            if refusals.is_none() && totals.kept_rows == 0 {
                return Ok(batch);
            }
            let event = LiveEvent::Refusals { open: totals.open_rows };
            let at = batch.events.partition_point(|event| event.seq <= seq);
            batch.events.insert(at, SequencedEvent { seq, event });
        }
        Ok(batch)
    }

    /// [`Self::read_after`] for a reader that is not too far back; for another, an empty batch at
    /// the end of the log.
    pub(crate) fn read_near_end(tx: &ReadTx<'_>, after: Option<i64>) -> Result<Self, StoreError> {
        let head = tx.head()?.map_or(0, |head| head.seq);
        match after.filter(|after| head - after <= MAX_REPLAY_ROWS) {
            Some(after) => Self::read_after(tx, after),
            None => Ok(Self {
                after: head,
                end: head,
                events: Vec::new(),
                more: false,
                session_touched: true,
            }),
        }
    }
}

fn live_event(tx: &ReadTx<'_>, row: &AuditRow) -> Result<Option<LiveEvent>, StoreError> {
    let Some(id) = row.lead_id.clone() else { return Ok(None) };
    Ok(match row.event.known() {
        Some(AuditEvent::LeadReceived | AuditEvent::LeadImported) => {
            let lead = tx.lead_by_audit_seq(row.seq)?.filter(|lead| !lead.is_canary());
            lead.map(|lead| LiveEvent::Lead(Box::new(lead)))
        }
        Some(AuditEvent::LeadProcessed) => {
            let status = row.details()["to"].as_str().and_then(LeadStatus::parse);
            status.map(|status| LiveEvent::Status { id, status })
        }
        Some(AuditEvent::LeadViewed) => {
            let at_utc = row.created_at_utc.known();
            at_utc.map(|at_utc| LiveEvent::Viewed {
                id,
                view: LeadView { actor: row.actor.clone().unwrap_or_default(), at_utc },
            })
        }
        Some(AuditEvent::LeadErased) => Some(LiveEvent::Erased { id }),
        _ => None,
    })
}
