//! External programs. A test whose program is missing is skipped; on CI it fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where a program is: on the path, or where Debian keeps servers.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let known = std::env::split_paths(&path).chain(versions.map(|v| v.path().join("bin")));
    let known = known.chain([PathBuf::from("/usr/sbin")]);
    let mut known = known.map(|folder| folder.join(name));
    let found = known.find(|program| program.is_file());
    if found.is_none() {
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "CI has no {name}");
        println!("skipped: {name} is not installed");
    }
    found
}

/// The cells that LibreOffice shows for a file, row by row, read from its conversion to CSV.
pub(crate) fn libreoffice(program: &Path, file: &Path, filter: Option<&str>) -> Vec<Vec<String>> {
    // Concurrent instances interfere with each other, even with separate profiles.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    let mut soffice = Command::new(program);
    soffice.arg("--headless").arg("--norestore");
    soffice.arg(format!("-env:UserInstallation=file://{}/profile", folder.path().display()));
    // Commas, double quotes, UTF-8, every text quoted, as shown.
    let csv = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true";
    soffice.args(["--convert-to", csv]).args(filter.map(|f| format!("--infilter={f}")));
    let output = soffice.arg("--outdir").arg(folder.path()).arg(file).output().expect("soffice");
    let name = Path::new(file.file_name().expect("a name")).with_extension("csv");
    let bytes = std::fs::read(folder.path().join(name));
    let bytes = bytes.unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
    let row =
        |r: Result<csv::StringRecord, _>| r.expect("a record").iter().map(str::to_owned).collect();
    reader.records().map(row).collect()
}

/// Unpacks text by another program than the one that packed it.
pub(crate) fn unzipped(bytes: &[u8]) -> String {
    let mut gzip = Command::new("gzip");
    let gzip = gzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = gzip.spawn().expect("gzip is installed");
    let mut input = child.stdin.take().expect("a pipe");
    let bytes = bytes.to_vec();
    let feed = std::thread::spawn(move || input.write_all(&bytes).expect("it reads"));
    let output = child.wait_with_output().expect("it ends");
    feed.join().expect("fed");
    String::from_utf8(output.stdout).expect("text")
}
