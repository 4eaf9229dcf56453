//! What an alert says, in French and English.

use crate::app::status::conditions::Condition;
use crate::domain::alert::{AlertNotice, AlertPhase};
use crate::domain::language::Language;

/// What has happened. Of a kind that only another version knows, its name.
pub(crate) fn meaning(kind: &str, language: Language) -> String {
    Condition::find(kind).map_or(kind, |condition| condition.meaning(language)).to_owned()
}

/// What to do about it.
pub(crate) fn cure(kind: &str, language: Language) -> &'static str {
    Condition::find(kind).map_or("fastcore check", |condition| condition.cure(language))
}

/// One line.
pub(crate) fn title(alert: &AlertNotice, language: Language) -> String {
    let word = language.pick(match alert.phase {
        AlertPhase::Began => ["FASTCore : alerte", "FASTCore: alert"],
        AlertPhase::Reminded => ["FASTCore : rappel", "FASTCore: reminder"],
        AlertPhase::Ended => ["FASTCore : fin d'alerte", "FASTCore: alert over"],
    });
    format!("{word} – {}", meaning(&alert.kind, language))
}

/// What it means, since when, and what to do.
pub(crate) fn paragraphs(alert: &AlertNotice, language: Language, began: &str) -> Vec<String> {
    let meaning = meaning(&alert.kind, language);
    let detail = &alert.detail;
    let mut paragraphs = match (alert.phase, language) {
        (AlertPhase::Ended, Language::French) => {
            vec![format!("C'est terminé : {meaning}. Cela durait depuis le {began}.")]
        }
        (AlertPhase::Ended, Language::English) => {
            vec![format!("It is over: {meaning}. It had lasted since {began}.")]
        }
        (_, Language::French) => vec![format!("{meaning}, depuis le {began}.")],
        (_, Language::English) => vec![format!("{meaning}, since {began}.")],
    };
    paragraphs.push(match language {
        Language::French => format!("Détail : {detail}"),
        Language::English => format!("Detail: {detail}"),
    });
    if alert.phase != AlertPhase::Ended {
        let cure = cure(&alert.kind, language);
        paragraphs.push(match language {
            Language::French => format!("Que faire : {cure}"),
            Language::English => format!("What to do: {cure}"),
        });
    }
    paragraphs
}
