//! Removes from output what differs from run to run, for snapshots.

/// Replaces SHA-256 hashes, UUIDs and times by placeholders such as `<hash>`.
pub(crate) fn redact(text: &str) -> String {
    let mut redacted = String::new();
    let mut rest = text;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let shape = SHAPES.iter().find(|(shape, _)| {
            !previous.is_ascii_alphanumeric() && matches_shape(rest.as_bytes(), shape)
        });
        let length = match shape {
            Some((shape, placeholder)) => {
                redacted.push_str(placeholder);
                shape.len()
            }
            None => {
                redacted.push(first);
                first.len_utf8()
            }
        };
        previous = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    redacted
}

/// `x` is a hexadecimal digit, `9` a decimal one; any other character is literal.
const SHAPES: [(&str, &str); 4] = [
    ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "<hash>"),
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<uuid>"),
    ("9999-99-99T99:99:99.999999Z", "<time>"),
    ("9999-99-99 99:99", "<minute>"),
];

fn matches_shape(text: &[u8], shape: &str) -> bool {
    let fits = |(byte, shape): (&u8, u8)| match shape {
        b'x' => byte.is_ascii_hexdigit(),
        b'9' => byte.is_ascii_digit(),
        other => *byte == other,
    };
    text.len() >= shape.len() && text.iter().zip(shape.bytes()).all(fits)
}
