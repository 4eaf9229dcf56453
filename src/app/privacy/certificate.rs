//! The certificate of an erasure: a text that can be sent to the person. It contains nothing that was
//! erased, and of the address only what the audit log keeps as well.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::app::atomic_file::AtomicFile;
use crate::app::export::error::ExportError;
use crate::app::leftovers;
use crate::app::privacy::remains::{FileCopy, Remains};
use crate::domain::audit::ErasureReason;
use crate::store::privacy::copies::{RecordedCopies, RecordedCopy};
use crate::store::privacy::erase::Erasure;

/// Rows of the audit log that are listed of each kind, at most: the newest.
const MAX_LISTED: usize = 20;

/// The file of a certificate. It is begun before the erasure, so that an error is found in time.
#[expect(missing_debug_implementations, reason = "contains a file")]
pub struct Certificate(AtomicFile);

impl Certificate {
    /// Begins the file in the folder of its target.
    ///
    /// # Errors
    /// It cannot be written there.
    pub fn begin(path: &Path, database: &Path) -> Result<Self, ExportError> {
        Ok(Self(AtomicFile::create(path, database)?))
    }

    /// Writes the certificate, readable by its owner alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn issue(mut self, erasure: &Erasure, remains: &Remains) -> Result<(), ExportError> {
        self.0.file().write_all(text(erasure, remains).as_bytes())?;
        self.0.file().sync_all()?;
        Ok(self.0.commit()?)
    }
}

/// The text of a certificate. It names what stays, and the copies that are known.
#[must_use]
pub fn text(erasure: &Erasure, remains: &Remains) -> String {
    let (at, head, count) = (&erasure.erased_at, &erasure.head, erasure.leads.len());
    let (pour, of) = match &erasure.masked_address {
        Some(asked) => (format!(" pour l'adresse {asked}"), format!(" for the address {asked}")),
        None => (String::new(), String::new()),
    };
    let (motif, reason) = (french(erasure.reason), erasure.reason);
    let (traces, traces_en) = traces(erasure.is_wiped);
    let (aussi, also) = refused_lines(erasure.refused.len());
    let mut text = format!(
        "ATTESTATION D'EFFACEMENT / CERTIFICATE OF ERASURE\n\
         \n\
         Le {at} (UTC), {count} demande(s) ont été effacées{pour}.\n\
         {aussi}Motif : {motif}.\n\
         Ont été effacés : nom, adresse e-mail, téléphone, société, message, consentement, service,\n\
         et les données techniques de l'envoi.\n\
         {traces}\n\
         \n\
         {STAYS_FR}\
         \n\
         On {at} (UTC), {count} lead(s) were erased{of}.\n\
         {also}Reason: {reason}.\n\
         Erased: name, e-mail address, telephone, company, message, consent, service, and the\n\
         technical data of the submission.\n\
         {traces_en}\n\
         \n\
         {STAYS}\
         \n\
         Identifiant / identifier              Reçue / received              Audit\n"
    );
    for lead in &erasure.leads {
        let _ = writeln!(text, "{}  {}  {}", lead.lead_id, lead.created_at_utc, lead.audit_seq);
    }
    if !erasure.refused.is_empty() {
        let _ = writeln!(text, "\nEnvoi refusé / refused submission");
    }
    for refused in &erasure.refused {
        let (id, at, seq) = (&refused.refused_id, &refused.received_at_utc, refused.audit_seq);
        let _ = writeln!(text, "{id}  {at}  {seq}");
    }
    push_copies(&mut text, remains);
    let _ = writeln!(text, "\nFin du journal d'audit / head of the audit log:\n{head}");
    text
}

/// What is said of refused submissions, if any were erased, in French and in English.
fn refused_lines(count: usize) -> (String, String) {
    if count == 0 {
        return (String::new(), String::new());
    }
    (
        format!(
            "Ont été effacés aussi {count} envoi(s) du site refusé(s) et conservé(s) à part, en entier.\n"
        ),
        format!(
            "Also erased: {count} submission(s) of the site that were refused and kept apart, entirely.\n"
        ),
    )
}

/// Whether copies are left in the database's files, in French and in English.
fn traces(is_wiped: bool) -> (&'static str, &'static str) {
    if is_wiped {
        (
            "Les pages libres du fichier et son journal d'écriture n'en contiennent plus rien.",
            "Nothing of them is left in the file's free pages and its write-ahead log.",
        )
    } else {
        (
            "Des copies peuvent subsister dans les pages libres du fichier et dans son journal\n\
             d'écriture, tant qu'un autre programme lit l'état antérieur ; elles seront écrasées\n\
             ensuite, ce qu'une nouvelle attestation confirmera.",
            "Copies may be left in the file's free pages and its write-ahead log while another program\n\
             reads the earlier state; they are overwritten afterwards, which a new certificate will\n\
             confirm.",
        )
    }
}

const STAYS_FR: &str = "\
Ce qui subsiste :
- dans le journal d'audit, qui sans cela ne pourrait plus être vérifié : le fait de l'effacement, les
  identifiants de la demande et de son envoi, le service, les trois premiers caractères de l'adresse,
  une empreinte de l'adresse IP, les dates, et qui a consulté ou traité la demande ;
- dans le journal technique du serveur, ces identifiants, jusqu'à sa rotation ;
- dans les sauvegardes antérieures et, s'il y en a, les répliques (Litestream), la demande entière,
  jusqu'à la fin de leur conservation ; le registre des effacements empêche qu'une restauration la
  ramène ;
- dans les fichiers exportés avant l'effacement, que le serveur ne peut pas rappeler ;
- hors de ce serveur : les journaux et courriels du site, les journaux du serveur mandataire.
";

const STAYS: &str = "\
What stays:
- in the audit log, which could not be verified without it: the fact of the erasure, the identifiers of
  the lead and of its submission, the service, the first three characters of the address, a hash of the
  IP address, the times, and who opened the lead or set its status;
- in the server's own log, these identifiers, until it is rotated;
- in earlier backups and, where there are any, replicas (Litestream), the whole lead, until they are no
  longer kept; the ledger of erasures keeps a restore from bringing it back;
- in files that were exported before the erasure, which the server cannot call back;
- outside of this server: logs and mail of the site, logs of the reverse proxy.
";

/// The copies of which this machine knows.
fn push_copies(text: &mut String, remains: &Remains) {
    let backups = &remains.scheduled_backups;
    if !backups.is_empty() {
        let hours = remains.backups_kept_hours.unwrap_or_default();
        let _ = writeln!(
            text,
            "\nSauvegardes planifiées antérieures ; chacune est supprimée environ {hours} h après sa date :\n\
             Scheduled backups from before; each is deleted about {hours} h after its time:"
        );
        for FileCopy { file, taken_at } in backups {
            let _ = writeln!(text, "{file}  {taken_at}");
        }
    }
    if !remains.older_databases.is_empty() {
        let days = leftovers::MAX_AGE_DAYS;
        let _ = writeln!(
            text,
            "\nCopies antérieures de la base, effacées au plus tard {days} jours après leur création, \
             sauf effacement manuel :\n\
             Earlier copies of the database, deleted {days} days after they were made at the latest:"
        );
        for file in &remains.older_databases {
            let _ = writeln!(text, "{file}");
        }
    }
    let RecordedCopies { manual_backups, exports } = &remains.recorded;
    push_recorded(
        text,
        "Sauvegardes manuelles entre la réception et l'effacement (journal d'audit) :\n\
         Backups taken by hand between the receipt and the erasure (audit log):",
        manual_backups,
    );
    push_recorded(
        text,
        "Exports entre la réception et l'effacement, qui peuvent contenir la demande (journal d'audit) :\n\
         Exports between the receipt and the erasure, which may contain the lead (audit log):",
        exports,
    );
}

/// The newest of the copies that the audit log records, by their rows.
fn push_recorded(text: &mut String, title: &str, copies: &[RecordedCopy]) {
    let Some(more) = (!copies.is_empty()).then(|| copies.len().saturating_sub(MAX_LISTED)) else {
        return;
    };
    let _ = writeln!(text, "\n{title}");
    if more > 0 {
        let _ = writeln!(text, "({more} de plus / {more} more)");
    }
    for RecordedCopy { audit_seq, created_at_utc } in &copies[more..] {
        let _ = writeln!(text, "{created_at_utc}  {audit_seq}");
    }
}

fn french(reason: ErasureReason) -> &'static str {
    match reason {
        ErasureReason::Request => "demande de la personne",
        ErasureReason::ConsentWithdrawn => "retrait du consentement",
        ErasureReason::Retention => "fin de la durée de conservation",
        ErasureReason::Legal => "obligation légale",
        ErasureReason::Mistake => "enregistrement par erreur",
        ErasureReason::Canary => "demande d'essai, sans personne",
        ErasureReason::Restored => reason.as_str(),
    }
}
