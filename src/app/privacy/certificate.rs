//! The certificate of an erasure: a text that can be sent to the person. It contains nothing that was
//! erased, and of the address only what the audit log keeps as well.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::app::atomic_file::AtomicFile;
use crate::app::export::ExportError;
use crate::app::privacy::Erasure;
use crate::domain::audit::ErasureReason;
use crate::domain::email;

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
    pub fn issue(mut self, address: Option<&str>, erasure: &Erasure) -> Result<(), ExportError> {
        self.0.file().write_all(text(address, erasure).as_bytes())?;
        self.0.file().sync_all()?;
        Ok(self.0.commit()?)
    }
}

fn text(address: Option<&str>, erasure: &Erasure) -> String {
    let (at, head, count) = (&erasure.erased_at, &erasure.head, erasure.leads.len());
    let asked = address.map_or_else(String::new, email::mask);
    let (pour, of) = if asked.is_empty() {
        (String::new(), String::new())
    } else {
        (format!(" pour l'adresse {asked}"), format!(" for the address {asked}"))
    };
    let (motif, reason) = (french(erasure.reason), erasure.reason);
    let mut text = format!(
        "ATTESTATION D'EFFACEMENT / CERTIFICATE OF ERASURE\n\
         \n\
         Le {at} (UTC), {count} demande(s) ont été effacées{pour}.\n\
         Motif : {motif}.\n\
         Ont été effacés : nom, adresse e-mail, téléphone, société, message, consentement, service,\n\
         et les données techniques de l'envoi ; aussi dans les pages libres du fichier et dans son\n\
         journal d'écriture. Le journal d'audit garde le fait de l'effacement, l'identifiant de la\n\
         demande, les trois premiers caractères de l'adresse et une empreinte de l'adresse IP, sans\n\
         lesquels il ne pourrait plus être vérifié. Les sauvegardes antérieures expirent à leur\n\
         terme ; le registre des effacements empêche qu'elles ramènent ces données.\n\
         \n\
         On {at} (UTC), {count} lead(s) were erased{of}.\n\
         Reason: {reason}.\n\
         Erased: name, e-mail address, telephone, company, message, consent, service, and the\n\
         technical data of the submission; also in the file's free pages and its write-ahead log.\n\
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
