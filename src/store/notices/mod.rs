//! Notices of new leads: how far each channel has followed the audit log, and what is sent or to be sent.

pub mod channels;
pub mod delivery;
pub(crate) mod messages;
pub mod outbox;
