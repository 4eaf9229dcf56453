//! Writes one log line: with its priority where the journal reads it, and without characters that could
//! deceive a person.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::environment::Environment;
use crate::domain::text;
use crate::telemetry::log_queue;

/// Whether standard error is a stream to systemd's journal.
static IS_JOURNAL: AtomicBool = AtomicBool::new(false);

/// Finds out whether standard error is a stream to systemd's journal: `JOURNAL_STREAM` has the numbers of
/// its device and inode (systemd.exec(5)).
pub fn detect_journal(environment: &Environment) {
    let numbers = |text: &str| {
        let (device, inode) = text.split_once(':')?;
        Some((device.parse::<u64>().ok()?, inode.parse::<u64>().ok()?))
    };
    let journal = environment.process("JOURNAL_STREAM").ok().flatten().and_then(numbers);
    let stderr = rustix::fs::fstat(io::stderr().as_fd()).ok();
    let is_journal = stderr.is_some_and(|stat| Some((stat.st_dev, stat.st_ino)) == journal);
    IS_JOURNAL.store(is_journal, Ordering::Relaxed);
}

/// What a line of this level begins with: its priority where the journal reads it (sd-daemon(3)),
/// otherwise nothing.
pub fn priority_prefix(level: Level) -> &'static str {
    if !IS_JOURNAL.load(Ordering::Relaxed) {
        return "";
    }
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// Makes the writer of each line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineWriters {
    /// Whether lines have colours.
    pub(crate) is_terminal: bool,
}

impl MakeWriter<'_> for LineWriters {
    type Writer = LineWriter;

    fn make_writer(&self) -> LineWriter {
        LineWriter { prefix: "", is_terminal: self.is_terminal }
    }

    fn make_writer_for(&self, metadata: &Metadata<'_>) -> LineWriter {
        LineWriter { prefix: priority_prefix(*metadata.level()), ..self.make_writer() }
    }
}

/// Receives a line in one write.
pub(crate) struct LineWriter {
    prefix: &'static str,
    is_terminal: bool,
}

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let escaped = escape(&text, self.is_terminal);
        if self.prefix.is_empty() {
            log_queue::write_line(escaped.as_bytes());
        } else {
            log_queue::write_line(format!("{}{escaped}", self.prefix).as_bytes());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces control, invisible and direction-changing characters by `\u` and their UTF-16 code, which
/// is their escape in JSON too; not the line's end, and not the colours of a terminal.
fn escape(line: &str, has_colours: bool) -> Cow<'_, str> {
    let is_kept = |c: char| c == '\n' || (has_colours && c == '\u{1b}');
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) || is_kept(char::from(byte));
    if line.bytes().all(is_plain) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_kept(c) || !(text::breaks_line(c) || text::is_invisible(c)) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_deceive_are_escaped_and_letters_are_not() {
        for (line, expected) in [
            ("{\"message\":\"démarré\"}\n", "{\"message\":\"démarré\"}\n"),
            ("a\u{7f}b\u{9b}31m\n", "a\\u007fb\\u009b31m\n"),
            ("a\u{202e}b\u{2066}c\u{200f}\n", "a\\u202eb\\u2066c\\u200f\n"),
            ("a\u{2028}b\tc\r\n", "a\\u2028b\\u0009c\\u000d\n"),
            ("\u{e0041}\n", "\\udb40\\udc41\n"),
            ("\u{1b}[31mred\n", "\\u001b[31mred\n"),
        ] {
            assert_eq!(escape(line, false), expected);
        }
        assert_eq!(escape("\u{1b}[31mr\u{9b}\n", true), "\u{1b}[31mr\\u009b\n");
    }
}
