//! The morning mail: what came, what waits, what was refused, and the head of the hash chain, which so leaves the
//! machine.

pub(crate) mod schedule;
pub(crate) mod text;
