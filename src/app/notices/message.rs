//! What a notice says: the same for every channel, in French or English.

use chrono_tz::Europe::Paris;
use uuid::Uuid;

use crate::domain::language::Language;
use crate::domain::lead::Lead;
use crate::domain::notice::{Notice, NoticeContent};
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

/// A notice with its leads; without any, it is a test.
#[derive(Debug)]
pub(crate) struct NoticeMessage {
    /// The same in every attempt.
    pub(crate) id: String,
    pub(crate) created_at_utc: Option<Timestamp>,
    /// At most [`MAX_SHOWN`].
    pub(crate) leads: Vec<Lead>,
    total: usize,
}

impl NoticeMessage {
    pub(crate) fn new(notice: &Notice, leads: Vec<Lead>) -> Self {
        let total = match leads.len() {
            // Some may have been erased since.
            shown if shown < MAX_SHOWN => shown,
            shown => usize::try_from(notice.leads).unwrap_or(shown).max(shown),
        };
        Self { id: notice.id.clone(), created_at_utc: Some(notice.created_at_utc), leads, total }
    }

    pub(crate) fn test() -> Self {
        let id = Uuid::new_v4().hyphenated().to_string();
        Self { id, created_at_utc: None, leads: Vec::new(), total: 0 }
    }

    /// One line.
    pub(crate) fn title(&self, style: &MessageStyle) -> String {
        let french = style.language == Language::French;
        match &self.leads[..] {
            [] if french => "FASTCore : essai".to_owned(),
            [] => "FASTCore: test".to_owned(),
            [lead] if french => format!("Nouvelle demande : {}", service(lead, style.language)),
            [lead] => format!("New lead: {}", service(lead, style.language)),
            _ if french => format!("{} nouvelles demandes", self.total),
            _ => format!("{} new leads", self.total),
        }
    }

    /// What is said before the leads.
    pub(crate) fn introduction(&self, style: &MessageStyle) -> &'static str {
        match (self.leads.is_empty(), style.language) {
            (false, Language::French) => "Reçu par le formulaire du site :",
            (false, Language::English) => "Received from the site's form:",
            (true, Language::French) => {
                "Ceci est un essai : les nouvelles demandes seront annoncées ici."
            }
            (true, Language::English) => "This is a test: new leads will be announced here.",
        }
    }

    /// What is said of the leads that are not named, if there are any.
    pub(crate) fn more(&self, style: &MessageStyle) -> Option<String> {
        let more = self.total - self.leads.len();
        (more > 0).then(|| match style.language {
            Language::French => format!("… et {more} autres."),
            Language::English => format!("… and {more} more."),
        })
    }

    /// The page that shows what the notice is about.
    pub(crate) fn url(&self, style: &MessageStyle) -> String {
        match &self.leads[..] {
            [lead] => lead_url(lead, style),
            _ => format!("{}/admin", style.base_url),
        }
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
        (Some(service), _) => service.label(language),
        (None, Language::French) => "sans service",
        (None, Language::English) => "no service",
    }
}

/// Service and time of arrival, on one line.
pub(crate) fn lead_line(lead: &Lead, style: &MessageStyle) -> String {
    let format = match style.language {
        Language::French => "%d/%m/%Y %H:%M",
        Language::English => "%Y-%m-%d %H:%M",
    };
    let time = lead.created_at_utc.to_datetime().with_timezone(&Paris).format(format);
    format!("{} · {time}", service(lead, style.language))
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
