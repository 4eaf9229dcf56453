//! What the morning mail says, in French and English.

use crate::app::alerts::text as alert_text;
use crate::domain::digest::Digest;
use crate::domain::language::Language;
use crate::domain::lead::LeadService;
use crate::domain::timestamp::Timestamp;

/// One line.
pub(crate) fn title(digest: &Digest, language: Language) -> String {
    let Digest { leads, waiting, .. } = digest;
    match language {
        Language::French => format!("FASTCore – reçues : {leads}, en attente : {waiting}"),
        Language::English => format!("FASTCore – received: {leads}, waiting: {waiting}"),
    }
}

/// `time` shows a moment of the company's time zone.
pub(crate) fn paragraphs(
    digest: &Digest,
    language: Language,
    time: impl Fn(Timestamp) -> String,
) -> Vec<String> {
    let french = language == Language::French;
    let Digest { since, leads, by_service, waiting, oldest_waiting, refused, alerts, head } =
        digest;
    let since = since.map(&time);
    let mut received = match (since, french) {
        (Some(since), true) => format!("Reçues depuis le {since} : {leads}"),
        (Some(since), false) => format!("Received since {since}: {leads}"),
        (None, true) => format!("Reçues jusqu'ici : {leads}"),
        (None, false) => format!("Received so far: {leads}"),
    };
    for (service, count) in by_service {
        let service = service.as_deref();
        let label = match (service.and_then(LeadService::parse), service) {
            (Some(service), _) => service.label(language),
            (None, Some(other)) => other,
            (None, None) => language.pick(["sans service", "no service"]),
        };
        received.push_str(&format!("\n{label} : {count}"));
    }
    let waits = match (oldest_waiting.map(&time), french) {
        (Some(oldest), true) => {
            format!("En attente : {waiting}, la plus ancienne depuis le {oldest}")
        }
        (Some(oldest), false) => format!("Waiting: {waiting}, the oldest since {oldest}"),
        (None, true) => "En attente : aucune".to_owned(),
        (None, false) => "Waiting: none".to_owned(),
    };
    let refusals = match french {
        true => format!("Envois du site refusés : {refused}"),
        false => format!("Submissions of the site that were refused: {refused}"),
    };
    let meanings = alerts.iter().map(|kind| alert_text::meaning(kind, language));
    let meanings: Vec<String> = meanings.collect();
    let lasting = match (meanings.is_empty(), french) {
        (true, true) => "Alertes : aucune".to_owned(),
        (true, false) => "Alerts: none".to_owned(),
        (false, true) => format!("Alertes en cours :\n{}", meanings.join("\n")),
        (false, false) => format!("Alerts that last:\n{}", meanings.join("\n")),
    };
    let anchor = match french {
        true => format!(
            "Tête du journal : {head}\nGardez ce mail : « fastcore audit verify --receipt {head} » prouve plus tard \
             que rien n'a été réécrit jusque-là."
        ),
        false => format!(
            "Head of the audit log: {head}\nKeep this mail: `fastcore audit verify --receipt {head}` later proves that \
             nothing up to it was rewritten."
        ),
    };
    vec![received, waits, refusals, lasting, anchor]
}
