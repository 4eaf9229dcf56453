//! Tables of test cases.

pub(crate) mod lead_validation;
