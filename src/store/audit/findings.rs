//! What a verification has found.

/// Findings beyond this number are only counted.
const MAX_LISTED_FINDINGS: usize = 20;

/// What was found: the first ones, and the number of all.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) first: Vec<String>,
    pub(crate) count: u64,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: String) {
        self.count += 1;
        if self.first.len() < MAX_LISTED_FINDINGS {
            self.first.push(finding);
        }
    }
}
