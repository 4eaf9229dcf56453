//! What a notice says: the same for every channel, in French or English.

use chrono_tz::Europe::Paris;
use uuid::Uuid;

use crate::app::alerts::text as alert_text;
use crate::app::digest::text as digest_text;
use crate::domain::alert::{AlertNotice, AlertPhase};
use crate::domain::digest::Digest;
use crate::domain::language::Language;
use crate::domain::lead::Lead;
use crate::domain::notice::{Notice, NoticeContent, NoticeSubject};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;

/// Leads that one notice names; of the others it gives the number.
pub(crate) const MAX_SHOWN: usize = 50;

/// How notices are written.
#[derive(Debug, Clone)]
pub(crate) struct MessageStyle {
    pub(crate) content: NoticeContent,
    pub(crate) language: Language,
    /// Without a trailing slash.
    pub(crate) base_url: String,
}

/// A notice as it is sent.
#[derive(Debug)]
pub(crate) struct NoticeMessage {
    /// The same in every attempt.
    pub(crate) id: String,
    pub(crate) created_at_utc: Option<Timestamp>,
    pub(crate) body: MessageBody,
}

/// What a notice is about.
#[derive(Debug)]
pub(crate) enum MessageBody {
    Test,
    Leads(GatheredLeads),
    Alert(AlertNotice),
    Digest(Digest),
}

/// The leads of a notice.
#[derive(Debug)]
pub(crate) struct GatheredLeads {
    /// One at least, and at most [`MAX_SHOWN`].
    shown: Vec<Lead>,
    total: usize,
}

impl NoticeMessage {
    /// The message of a notice; `leads` are those of it that were not erased.
    pub(crate) fn new(notice: &Notice, leads: Vec<Lead>) -> Self {
        let body = match &notice.subject {
            NoticeSubject::Alert(alert) => MessageBody::Alert(alert.clone()),
            NoticeSubject::Digest(digest) => MessageBody::Digest(digest.clone()),
            NoticeSubject::Leads => {
                let total = match leads.len() {
                    // Some may have been erased since.
                    shown if shown < MAX_SHOWN => shown,
                    shown => usize::try_from(notice.leads).unwrap_or(shown).max(shown),
                };
                MessageBody::Leads(GatheredLeads { shown: leads, total })
            }
        };
        Self { id: notice.id.clone(), created_at_utc: Some(notice.created_at_utc), body }
    }

    pub(crate) fn test() -> Self {
        let id = Uuid::new_v4().hyphenated().to_string();
        Self { id, created_at_utc: None, body: MessageBody::Test }
    }

    /// An alert that could not be stored.
    pub(crate) fn alert(id: String, alert: AlertNotice, now: Timestamp) -> Self {
        Self { id, created_at_utc: Some(now), body: MessageBody::Alert(alert) }
    }

    /// The leads that it names.
    pub(crate) fn leads(&self) -> &[Lead] {
        match &self.body {
            MessageBody::Leads(leads) => &leads.shown,
            MessageBody::Test | MessageBody::Alert(_) | MessageBody::Digest(_) => &[],
        }
    }

    /// One line.
    pub(crate) fn title(&self, style: &MessageStyle) -> String {
        let language = style.language;
        match &self.body {
            MessageBody::Test => language.pick(["FASTCore : essai", "FASTCore: test"]).to_owned(),
            MessageBody::Alert(alert) => alert_text::title(alert, language),
            MessageBody::Digest(digest) => digest_text::title(digest, language),
            MessageBody::Leads(leads) => match (&leads.shown[..], language) {
                ([lead], Language::French) => {
                    format!("Nouvelle demande : {}", service(lead, language))
                }
                ([lead], Language::English) => format!("New lead: {}", service(lead, language)),
                (_, Language::French) => format!("{} nouvelles demandes", leads.total),
                (_, Language::English) => format!("{} new leads", leads.total),
            },
        }
    }

    /// What is said before the leads, or without any.
    pub(crate) fn paragraphs(&self, style: &MessageStyle) -> Vec<String> {
        let language = style.language;
        let one = |texts: [&str; 2]| vec![language.pick(texts).to_owned()];
        match &self.body {
            MessageBody::Leads(_) => {
                one(["Reçu par le formulaire du site :", "Received from the site's form:"])
            }
            MessageBody::Test => one([
                "Ceci est un essai : les nouvelles demandes ou les alertes seront annoncées ici.",
                "This is a test: new leads or alerts will be announced here.",
            ]),
            MessageBody::Alert(alert) => {
                alert_text::paragraphs(alert, language, &local_time(alert.began_at_utc, language))
            }
            MessageBody::Digest(digest) => {
                digest_text::paragraphs(digest, language, |time| local_time(time, language))
            }
        }
    }

    /// What is said of the leads that are not named, if there are any.
    pub(crate) fn more(&self, style: &MessageStyle) -> Option<String> {
        let MessageBody::Leads(leads) = &self.body else { return None };
        let more = leads.total - leads.shown.len();
        (more > 0).then(|| match style.language {
            Language::French => format!("… et {more} autres."),
            Language::English => format!("… and {more} more."),
        })
    }

    /// The page that shows what the notice is about.
    pub(crate) fn url(&self, style: &MessageStyle) -> String {
        match (&self.body, self.leads()) {
            (MessageBody::Alert(_), _) => format!("{}/admin/status", style.base_url),
            (_, [lead]) => lead_url(lead, style),
            _ => format!("{}/admin", style.base_url),
        }
    }

    /// Whether a person should look at it at once.
    pub(crate) fn is_urgent(&self) -> bool {
        matches!(&self.body, MessageBody::Alert(alert) if alert.phase != AlertPhase::Ended)
    }
}

/// The words of a link.
pub(crate) fn open_label(style: &MessageStyle) -> &'static str {
    match style.language {
        Language::French => "Ouvrir",
        Language::English => "Open",
    }
}

pub(crate) fn lead_url(lead: &Lead, style: &MessageStyle) -> String {
    format!("{}/admin/leads/{}", style.base_url, lead.id)
}

fn service(lead: &Lead, language: Language) -> &'static str {
    match (lead.service, language) {
        _ if lead.is_canary() => language.pick(["essai (canari)", "test (canary)"]),
        (Some(service), _) => service.label(language),
        (None, Language::French) => "sans service",
        (None, Language::English) => "no service",
    }
}

/// Service and time of arrival, on one line.
pub(crate) fn lead_line(lead: &Lead, style: &MessageStyle) -> String {
    let time = local_time(lead.created_at_utc, style.language);
    format!("{} · {time}", service(lead, style.language))
}

/// A time in the company's time zone.
pub(crate) fn local_time(time: Timestamp, language: Language) -> String {
    let format = language.pick(["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M"]);
    time.to_datetime().with_timezone(&Paris).format(format).to_string()
}

/// The lead's own words as labels and texts; none in minimal notices.
pub(crate) fn lead_fields<'a>(
    lead: &'a Lead,
    style: &MessageStyle,
) -> Vec<(&'static str, &'a str)> {
    if style.content == NoticeContent::Minimal {
        return Vec::new();
    }
    let labels = match style.language {
        Language::French => ["Nom", "E-mail", "Téléphone", "Société", "Message"],
        Language::English => ["Name", "E-mail", "Phone", "Company", "Message"],
    };
    let texts = [
        Some(&lead.name),
        Some(&lead.email),
        lead.phone.as_ref(),
        lead.company.as_ref(),
        Some(&lead.message),
    ];
    let given = |(label, text): (&'static str, Option<&'a Personal>)| Some((label, text?.as_str()));
    labels.into_iter().zip(texts).filter_map(given).collect()
}
