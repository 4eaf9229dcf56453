//! Accounts of the admin page, their second factors, sessions and invitations.

pub mod accounts;
pub mod devices;
pub mod invitations;
pub mod list;
pub mod recovery_codes;
pub mod rows;
pub mod sessions;
