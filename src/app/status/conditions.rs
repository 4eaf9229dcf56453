//! Everything that needs attention, in one list: what the status page, `/metrics` and the alerts know. One more
//! needs an entry here, a place that raises it, and its text on the admin page.

use crate::domain::language::Language;

/// Something that needs attention, in French and English.
#[derive(Debug)]
pub(crate) struct Condition {
    /// The code of the warning, and the kind of the alert.
    pub(crate) code: &'static str,
    meaning: [&'static str; 2],
    cure: [&'static str; 2],
}

impl Condition {
    pub(crate) fn find(code: &str) -> Option<&'static Self> {
        CONDITIONS.iter().find(|condition| condition.code == code)
    }

    pub(crate) fn meaning(&self, language: Language) -> &'static str {
        language.pick(self.meaning)
    }

    pub(crate) fn cure(&self, language: Language) -> &'static str {
        language.pick(self.cure)
    }
}

macro_rules! conditions {
    ($($code:literal: $meaning:expr, $cure:expr;)+) => {
        /// In the order in which they are shown.
        pub(crate) const CONDITIONS: &[Condition] =
            &[$(Condition { code: $code, meaning: $meaning, cure: $cure },)+];
    };
}

conditions! {
    "disk_low":
        ["Le disque de la base est presque plein", "The database's disk is nearly full"],
        ["Libérez de la place ; sous la réserve (FASTCORE_DISK_RESERVE), les demandes sont refusées.",
         "Make room; below the reserve (FASTCORE_DISK_RESERVE), leads are refused."];
    "backup_failing":
        ["Les sauvegardes programmées échouent", "Scheduled backups fail"],
        ["Le journal du serveur en donne la cause : journalctl -u fastcore. Montez le disque des sauvegardes, libérez de \
          la place ; le serveur réessaie de lui-même.",
         "The server's log has the cause: journalctl -u fastcore. Mount the disk of the backups, make room; the server \
          tries again by itself."];
    "ledger_failing":
        ["Le registre des effacements n'est pas complet dans le dossier des sauvegardes",
         "The erasure ledger in the backup folder is incomplete"],
        ["La prochaine sauvegarde le complète ; sinon, le journal du serveur en donne la cause.",
         "The next backup completes it; if it does not, the server's log has the cause."];
    "backup_old":
        ["Il n'y a pas de sauvegarde récente", "There is no recent backup"],
        ["Faites-en une : fastcore backup create FICHIER, ou réglez FASTCORE_BACKUP_DIR.",
         "Take one: fastcore backup create FILE, or set FASTCORE_BACKUP_DIR."];
    "backup_future":
        ["Des sauvegardes sont datées dans le futur", "Backups are dated in the future"],
        ["Vérifiez l'horloge (timedatectl), puis supprimez ces sauvegardes vous-même.",
         "Check the clock (timedatectl), then delete these backups yourself."];
    "chain_broken":
        ["Le journal d'audit n'est plus intact, ou une page de la base est illisible",
         "The audit log is no longer intact, or a page of the database cannot be read"],
        ["Gardez une copie des fichiers comme preuve ; fastcore audit verify et fastcore check disent quoi faire.",
         "Keep a copy of the files as evidence; fastcore audit verify and fastcore check say what to do."];
    "database_unreadable":
        ["La base ne peut pas être lue", "The database cannot be read"],
        ["fastcore check en donne la cause et le remède ; dmesg montre les erreurs du disque.",
         "fastcore check has the cause and the cure; dmesg shows errors of the disk."];
    "writer_failing":
        ["Les nouvelles demandes ne peuvent pas être enregistrées", "New leads cannot be stored"],
        ["fastcore health en donne la cause ; libérez de la place sur le disque. Le serveur reprend de lui-même, et le site \
          renvoie ses demandes.",
         "fastcore health says why; make room on the disk. The server recovers by itself, and the site sends its leads \
          again."];
    "token_refused":
        ["Le jeton du site est refusé : ses demandes sont perdues", "The site's token is refused: its leads are being lost"],
        ["Comparez le jeton du site à celui du serveur (FASTCORE_SITE_INGEST_TOKEN).",
         "Compare the site's token with the server's (FASTCORE_SITE_INGEST_TOKEN)."];
    "submissions_refused":
        ["Le site envoie des demandes qui sont refusées", "The site sends leads that are refused"],
        ["C'est un défaut du site : fastcore audit list --event LEAD_REJECTED en nomme les champs ; fastcore refused list montre \
          ce qui est gardé, fastcore refused retry en fait des demandes.",
         "It is a fault of the site: fastcore audit list --event LEAD_REJECTED names the fields; fastcore refused list \
          shows what is kept, fastcore refused retry makes leads of it."];
    "silence":
        ["Aucune demande n'arrive plus", "Leads have stopped to come"],
        ["Envoyez une demande par le formulaire du site, et regardez si elle arrive.",
         "Send a lead by the site's form, and see whether it arrives."];
    "search_index_damaged":
        ["L'index de recherche est endommagé", "The search index is damaged"],
        ["fastcore lead rebuild-index, puis fastcore check. Aucune demande n'est perdue.",
         "fastcore lead rebuild-index, then fastcore check. No lead is lost."];
    "search_index_rebuilt":
        ["L'index de recherche était endommagé et a été reconstruit", "The search index was damaged and was built again"],
        ["Aucune demande n'est perdue. Si cela se répète : fastcore check, et dmesg pour le disque.",
         "No lead is lost. If it happens again: fastcore check, and dmesg for the disk."];
    "retention_failing":
        ["Des demandes ne sont pas effacées à l'échéance", "Leads past their retention are not erased"],
        ["Le journal du serveur en donne la cause ; ou fastcore gdpr purge.",
         "The server's log has the cause; or fastcore gdpr purge."];
    "notices_failing":
        ["Des annonces n'arrivent pas à leurs destinataires", "Notices do not reach their receivers"],
        ["fastcore notify list montre les erreurs ; réparez le destinataire, puis fastcore notify retry --all.",
         "fastcore notify list has the errors; mend the receiver, then fastcore notify retry --all."];
    "canary_late":
        ["Aucune demande d'essai n'est arrivée", "No canary has come through"],
        ["fastcore canary URL, avec l'URL que le site utilise, dit ce qui ne va pas.",
         "fastcore canary URL, with the URL that the site uses, says what is wrong."];
    "refused_evicted":
        ["Des envois refusés ont été supprimés avant l'heure, faute de place",
         "Refused submissions were removed before their time, for want of room"],
        ["fastcore refused list dit ce que le site fait mal ; fastcore refused retry ou purge fait de la place.",
         "fastcore refused list says what the site does wrong; fastcore refused retry or purge makes room."];
    "certificate_missing":
        ["Il n'y a pas de certificat HTTPS", "There is no certificate of HTTPS"],
        ["journalctl -u fastcore dit ce que veut l'autorité ; le port 443 doit mener à ce serveur.",
         "journalctl -u fastcore says what the authority wants; port 443 must lead to this server."];
    "certificate_invalid":
        ["Le certificat HTTPS est refusé par les clients", "Clients refuse the certificate of HTTPS"],
        ["Renouvelez-le ; le serveur prend les nouveaux fichiers en dix secondes.",
         "Renew it; the server uses the new files within ten seconds."];
    "certificate_renewal_failing":
        ["Le certificat HTTPS n'a pas pu être renouvelé", "The certificate of HTTPS could not be renewed"],
        ["fastcore check montre la dernière erreur ; systemctl reload fastcore réessaie aussitôt.",
         "fastcore check shows the last error; systemctl reload fastcore tries again at once."];
    "certificate_expiring":
        ["Le certificat HTTPS expire bientôt", "The certificate of HTTPS expires soon"],
        ["Renouvelez-le ; le serveur prend les nouveaux fichiers en dix secondes.",
         "Renew it; the server uses the new files within ten seconds."];
    "wal_large":
        ["Le fichier d'attente de la base est anormalement gros", "The write-ahead log is large"],
        ["Un autre programme lit la base sans fin : fuser fastcore.db le nomme ; terminez-le.",
         "Another program keeps reading the database: fuser fastcore.db names it; end it."];
    "clock_behind":
        ["L'horloge du serveur retarde", "The server's clock is behind"],
        ["Réglez l'horloge (timedatectl) et gardez-la synchronisée par NTP.",
         "Set the clock (timedatectl) and keep it synchronised by NTP."];
    "clock_was_ahead":
        ["Des demandes sont datées dans le futur", "Leads are dated in the future"],
        ["L'horloge avançait quand elles sont arrivées, ou retarde maintenant : timedatectl.",
         "The clock was ahead when they arrived, or is behind now: timedatectl."];
    "clock_jumped":
        ["L'horloge du serveur a sauté", "The server's clock has jumped"],
        ["Vérifiez l'heure (timedatectl) et la synchronisation par NTP ; une machine mise en veille saute aussi.",
         "Check the time (timedatectl) and NTP; a machine that was suspended jumps as well."];
    "log_lines_dropped":
        ["Des lignes du journal du serveur sont perdues", "Lines of the server's log were dropped"],
        ["Le disque du journal est plein ou trop lent : journalctl --disk-usage.",
         "The disk of the journal is full or too slow: journalctl --disk-usage."];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_condition_is_documented_and_has_its_text_on_the_admin_page() {
        let codes: BTreeSet<&str> = CONDITIONS.iter().map(|condition| condition.code).collect();
        assert_eq!(codes.len(), CONDITIONS.len());
        for (file, before, after) in [
            ("docs/alerts.md", "| `", "` |"),
            ("docs/operations.md", "`", "`"),
            ("assets/admin/lang/fr.js", "  ", ": '"),
            ("assets/admin/lang/en.js", "  ", ": '"),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(path).unwrap();
            for code in &codes {
                assert!(text.contains(&format!("{before}{code}{after}")), "{file}: {code}");
            }
        }
    }
}
