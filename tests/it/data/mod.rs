//! Tables that tests go through.

pub(crate) mod fields;
