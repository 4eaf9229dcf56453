//! `fastcore gdpr erase`.

use std::path::Path;

use serde::Serialize;

use crate::app::backup::folder::BackupSchedule;
use crate::app::privacy;
use crate::app::privacy::certificate::Certificate;
use crate::app::privacy::remains::Remains;
use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, output};
use crate::config::server::BackupConfig;
use crate::domain::audit::ErasureReason;
use crate::domain::person::PersonKey;
use crate::store::db::wipe;
use crate::store::privacy::backup_ledger;
use crate::store::privacy::erase::{Erasure, LeadSelector};
use crate::store::privacy::refused::RefusedRef;

pub(super) struct Erase<'a> {
    pub(super) path: &'a Path,
    pub(super) selector: &'a LeadSelector,
    pub(super) reason: ErasureReason,
    pub(super) yes: bool,
    pub(super) json: bool,
}

impl Erase<'_> {
    pub(super) fn run(
        &self,
        context: &CommandContext,
        certificate: Option<&Path>,
    ) -> Result<(), CliError> {
        let found = privacy::find(self.path, self.selector)?;
        for lead in &found.leads {
            output::eprint_line(&format!("{}  {}", lead.created_at_utc, lead.lead_id));
        }
        for RefusedRef { received_at_utc, refused_id, .. } in &found.refused {
            output::eprint_line(&format!("{received_at_utc}  {refused_id}  (refused submission)"));
        }
        if let LeadSelector::Person(person) = self.selector {
            list_near(self.path, person)?;
        }
        if found.is_empty() {
            return self.nothing_left(context);
        }
        if !self.yes {
            let (leads, refused) = (found.leads.len(), and_refused(found.refused.len()));
            output::confirm(&format!("Erase these {leads} leads{refused} for good?"))?;
        }
        let certificate = certificate.map(|to| Certificate::begin(to, self.path)).transpose()?;
        let actor = CommandContext::actor();
        let mut erasure =
            privacy::erase(self.path, &context.clock, self.selector, self.reason, &actor)?;
        erasure.is_wiped = finish(context, self.path)?;
        if certificate.is_some() || self.json {
            let remains = remains(context, self.path, &erasure)?;
            if let Some(certificate) = certificate {
                certificate.issue(&erasure, &remains)?;
            }
            if self.json {
                return output::json(&ErasureReport { erasure: &erasure, remains: &remains });
            }
        }
        let Erasure { leads, refused, head, .. } = erasure;
        let (leads, refused) = (leads.len(), and_refused(refused.len()));
        output::eprint_line(&format!("Erased {leads} leads{refused}; audit head {head}."));
        Ok(())
    }

    /// An erasure that was interrupted is finished; a certificate would be of nothing.
    fn nothing_left(&self, context: &CommandContext) -> Result<(), CliError> {
        finish(context, self.path)?;
        Err(match self.selector {
            LeadSelector::Person(person) => nothing_found(person),
            LeadSelector::Lead(id) if privacy::recorded_erasure(self.path, id)?.is_some() => {
                let id = output::one_line(id);
                let hint = format!("`fastcore gdpr certificate {id}` has its certificate");
                CliError::Failed(format!("the lead {id} was erased before; {hint}"))
            }
            LeadSelector::Lead(id) => {
                let id = output::one_line(id);
                CliError::Failed(format!("no lead has the id or request_id {id}"))
            }
            LeadSelector::Before(..) | LeadSelector::CanariesBefore(..) => {
                CliError::Failed("no lead is that old".to_owned())
            }
        })
    }
}

/// What is said of refused submissions after a number of leads.
pub(super) fn and_refused(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" and {count} refused submissions") }
}

/// What `--json` prints.
#[derive(Serialize)]
struct ErasureReport<'a> {
    #[serde(flatten)]
    erasure: &'a Erasure,
    remains: &'a Remains,
}

/// What stays of the leads of an erasure, also in the scheduled backups of the server.
pub(super) fn remains(
    context: &CommandContext,
    path: &Path,
    erasure: &Erasure,
) -> Result<Remains, CliError> {
    let schedule = context.backups(server_settings::read(path));
    let schedule =
        schedule.map(|BackupConfig { folder, every, keep }| BackupSchedule { folder, every, keep });
    Ok(Remains::of(erasure, path, schedule.as_ref(), &context.clock)?)
}

/// Lists the addresses that may be the same person's, which only the operator can know.
pub(super) fn list_near(path: &Path, person: &PersonKey) -> Result<(), CliError> {
    let PersonKey::Email(address) = person else { return Ok(()) };
    for near in privacy::near_addresses(path, address)? {
        let near = output::one_line(&near);
        output::eprint_line(&format!("Similar, not included: {near}"));
    }
    Ok(())
}

pub(super) fn nothing_found(person: &PersonKey) -> CliError {
    let (field, value) = (person.field(), output::one_line(person.as_str()));
    CliError::Failed(format!("no lead has the {field} {value}"))
}

/// Overwrites what is left of erased leads, and adds their ids to the ledger in the folder of scheduled
/// backups; says so if either must wait.
pub(super) fn finish(context: &CommandContext, path: &Path) -> Result<bool, CliError> {
    let is_wiped = wipe_deleted(path);
    complete_backup_ledger(context, path);
    is_wiped
}

/// Adds what was erased to the ledger in the folder of scheduled backups, or says that the next backup does.
pub(in crate::cli) fn complete_backup_ledger(context: &CommandContext, path: &Path) {
    let Some(backups) = context.backups(server_settings::read(path)) else { return };
    if let Err(error) = backup_ledger::add_erasures(path, &backups.folder) {
        output::eprint_line(&format!(
            "The erasure is committed, but not in the ledger of the backup folder; the next backup adds it: {error}"
        ));
    }
}

fn wipe_deleted(path: &Path) -> Result<bool, CliError> {
    let mut progress = output::Progress::new("pages read");
    let is_wiped = wipe::wipe_deleted(path, &mut |pages| progress.at(pages))?;
    drop(progress);
    if !is_wiped {
        output::eprint_line(
            "The erasure is committed. Another process reads the database as it was before, so copies stay in \
             the write-ahead log (WAL); a running server overwrites them as soon as that process ends its \
             reading, and so does the next `fastcore gdpr erase`. `fastcore gdpr certificate ID` says when.",
        );
    }
    Ok(is_wiped)
}
