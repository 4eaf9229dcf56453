//! Tables that tests go through.

pub(crate) mod lead_validation;
