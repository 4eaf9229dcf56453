//! Paths as the document writes them.

/// Whether a path is one of a pattern's. A name in braces is one segment; with a star, all the rest.
pub(crate) fn path_matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(rest), Some(found)) if rest.ends_with("*}") => return !found.is_empty(),
            (Some(any), Some(found)) if any.starts_with('{') && !found.is_empty() => {}
            (Some(expected), Some(found)) if expected == found => {}
            _ => return false,
        }
    }
}

/// The last segment of a path.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
