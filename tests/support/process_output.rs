//! Reads what a process prints, also on a terminal of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Opens a pseudo-terminal: what is written to the second file is read from the first.
pub(crate) fn open_terminal() -> (File, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("it is ours");
    let path = ptsname(&terminal, Vec::new()).expect("it has a name");
    let path = path.to_str().expect("a path");
    let side = File::options().read(true).write(true).open(path).expect("the other side opens");
    (terminal.into(), side)
}

/// Reads lines on a thread, until their end.
pub(crate) fn read_lines(input: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(input).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}
