//! The certificate of an erasure: a text that can be sent to the person. It contains nothing that was
//! erased, and of the address only what the audit log keeps as well.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::app::atomic_file::AtomicFile;
use crate::app::export::error::ExportError;
use crate::app::leftovers;
use crate::clock::Clock;
use crate::domain::audit::ErasureReason;
use crate::store::privacy::erase::Erasure;

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
    pub fn issue(
        mut self,
        erasure: &Erasure,
        database: &Path,
        clock: &Clock,
    ) -> Result<(), ExportError> {
        self.0.file().write_all(text(erasure, database, clock).as_bytes())?;
        self.0.file().sync_all()?;
        Ok(self.0.commit()?)
    }
}

/// The text of a certificate. It names the older copies of the database that are still next to it.
#[must_use]
pub fn text(erasure: &Erasure, database: &Path, clock: &Clock) -> String {
    let (at, head, count) = (&erasure.erased_at, &erasure.head, erasure.leads.len());
    let (pour, of) = match &erasure.masked_address {
        Some(asked) => (format!(" pour l'adresse {asked}"), format!(" for the address {asked}")),
        None => (String::new(), String::new()),
    };
    let (motif, reason) = (french(erasure.reason), erasure.reason);
    let (traces, remains) = if erasure.is_wiped {
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
    };
    let mut text = format!(
        "ATTESTATION D'EFFACEMENT / CERTIFICATE OF ERASURE\n\
         \n\
         Le {at} (UTC), {count} demande(s) ont été effacées{pour}.\n\
         Motif : {motif}.\n\
         Ont été effacés : nom, adresse e-mail, téléphone, société, message, consentement, service,\n\
         et les données techniques de l'envoi.\n\
         {traces}\n\
         Le journal d'audit garde le fait de l'effacement, l'identifiant de la\n\
         demande, les trois premiers caractères de l'adresse et une empreinte de l'adresse IP, sans\n\
         lesquels il ne pourrait plus être vérifié. Les sauvegardes antérieures expirent à leur\n\
         terme ; le registre des effacements empêche qu'elles ramènent ces données.\n\
         \n\
         On {at} (UTC), {count} lead(s) were erased{of}.\n\
         Reason: {reason}.\n\
         Erased: name, e-mail address, telephone, company, message, consent, service, and the\n\
         technical data of the submission.\n\
         {remains}\n\
         The audit log keeps the fact of the erasure, the lead's identifier, the first three\n\
         characters of the address and a hash of the IP address, without which it could not be\n\
         verified any more. Earlier backups expire in their time; the ledger of erasures keeps them\n\
         from restoring these data.\n\
         \n\
         Identifiant / identifier              Reçue / received              Audit\n"
    );
    for lead in &erasure.leads {
        let _ = writeln!(text, "{}  {}  {}", lead.lead_id, lead.created_at_utc, lead.audit_seq);
    }
    let copies = leftovers::list(database, clock.now().into());
    if !copies.is_empty() {
        let days = leftovers::MAX_AGE_DAYS;
        let _ = writeln!(
            text,
            "\nCopies antérieures de la base, effacées au plus tard {days} jours après leur création, \
             sauf effacement manuel :\n\
             Earlier copies of the database, deleted {days} days after they were made at the latest:"
        );
        for copy in copies {
            let name = copy.path.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(text, "{}", name.replace(char::is_control, "?"));
        }
    }
    let _ = writeln!(text, "\nFin du journal d'audit / head of the audit log:\n{head}");
    text
}

fn french(reason: ErasureReason) -> &'static str {
    match reason {
        ErasureReason::Request => "demande de la personne",
        ErasureReason::ConsentWithdrawn => "retrait du consentement",
        ErasureReason::Retention => "fin de la durée de conservation",
        ErasureReason::Legal => "obligation légale",
        ErasureReason::Mistake => "enregistrement par erreur",
        ErasureReason::Restored => reason.as_str(),
    }
}
