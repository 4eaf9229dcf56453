//! The types of notices in the admin API's responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::notice::{ChannelState, LeadNotice, NoticeState};
use crate::domain::timestamp::Timestamp;

/// What became of the announcement of a lead in one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadNotice)]
pub(crate) struct LeadNoticeDto {
    /// Its kind and a hash of its address.
    #[schema(examples("mail-5b3f9a01"))]
    channel: String,
    state: LeadNoticeState,
    /// When it was sent or given up.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    at_utc: Option<Timestamp>,
    attempts: i64,
    #[schema(required)]
    last_error: Option<String>,
    /// While it is tried again.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_try_at_utc: Option<Timestamp>,
}

/// Whether a channel has announced a lead; `ended`: its receiver wants nothing more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LeadNoticeState {
    Pending,
    Sent,
    GivenUp,
    Ended,
}

/// A channel by which staff hear of new leads.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeChannel)]
pub(crate) struct NoticeChannelDto {
    /// Its kind and a hash of its address.
    #[schema(examples("mail-5b3f9a01"))]
    channel: String,
    /// Whether its receiver wants nothing more.
    has_ended: bool,
    /// Notices that wait for the receiver.
    pending: i64,
    /// Since when the oldest of them waits.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    waiting_since_utc: Option<Timestamp>,
    /// Notices that were given up.
    given_up: i64,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_sent_at_utc: Option<Timestamp>,
    /// Of what was not sent.
    #[schema(required)]
    last_error: Option<String>,
}

impl From<LeadNotice> for LeadNoticeDto {
    fn from(of: LeadNotice) -> Self {
        let channel = of.channel.as_str().to_owned();
        let state = of.notice.as_ref().map_or(NoticeState::Pending, |notice| notice.state);
        let state = match (state, of.has_ended) {
            (NoticeState::Sent, _) => LeadNoticeState::Sent,
            (NoticeState::GivenUp, _) => LeadNoticeState::GivenUp,
            (NoticeState::Pending, true) => LeadNoticeState::Ended,
            (NoticeState::Pending, false) => LeadNoticeState::Pending,
        };
        let Some(notice) = of.notice else {
            return Self {
                channel,
                state,
                at_utc: None,
                attempts: 0,
                last_error: None,
                next_try_at_utc: None,
            };
        };
        let at = notice.next_try_at_utc;
        let is_pending = notice.state == NoticeState::Pending;
        Self {
            channel,
            at_utc: (!is_pending).then_some(at),
            attempts: notice.attempts,
            last_error: notice.last_error,
            next_try_at_utc: matches!(state, LeadNoticeState::Pending).then_some(at),
            state,
        }
    }
}

impl From<ChannelState> for NoticeChannelDto {
    fn from(of: ChannelState) -> Self {
        Self {
            channel: of.channel.as_str().to_owned(),
            has_ended: of.has_ended,
            pending: of.pending,
            waiting_since_utc: of.waiting_since_utc,
            given_up: of.given_up,
            last_sent_at_utc: of.last_sent_at_utc,
            last_error: of.last_error,
        }
    }
}
