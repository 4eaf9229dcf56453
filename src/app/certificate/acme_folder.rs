//! What a server keeps of one certificate authority: its account there, the certificate with its key, and the last
//! failure. A folder next to the database, for the database's owner alone.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::app::atomic_file::AtomicFile;
use crate::app::certificate::pem_pair::{CertificateError, PemPaths, ServerCertificate};
use crate::app::certificate::renewal_failure::RenewalFailure;
use crate::app::certificate::store::{CertificateSource, CertificateStore};
use crate::clock::Clock;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{sidecar_path, sync_folder_of};

/// What the name of the folder ends with; in it is one for each authority.
const SUFFIX: &str = ".acme";
/// The key and the certificate with its chain, in one file: it is replaced whole.
const CERTIFICATE: &str = "certificate.pem";
const ACCOUNT: &str = "account.json";
const FAILURE: &str = "failure.json";
/// As much as an order writes, in bytes, at most.
const TRIAL_BYTES: usize = 64 << 10;

/// The folder of one authority; it need not exist.
#[derive(Debug, Clone)]
pub struct AcmeFolder {
    database: PathBuf,
    folder: PathBuf,
}

impl AcmeFolder {
    /// The folder for the authority with this directory: each has one of its own, so that a certificate of a test
    /// authority is never taken for one of another.
    #[must_use]
    pub fn new(database: &Path, directory: &str) -> Self {
        let name = directory.split_once("://").map_or(directory, |(_, rest)| rest);
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = name.chars().map(plain).collect();
        let folder = sidecar_path(database, SUFFIX).join(name.trim_start_matches('.'));
        Self { database: database.to_owned(), folder }
    }

    /// The file of the certificate, which has its key as well.
    #[must_use]
    pub fn pem_paths(&self) -> PemPaths {
        let path = self.folder.join(CERTIFICATE);
        PemPaths { certificate: path.clone(), key: path }
    }

    /// The certificate, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn certificate(&self) -> Result<Option<ServerCertificate>, CertificateError> {
        let paths = self.pem_paths();
        match fs::symlink_metadata(&paths.certificate) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => paths.read()?.parse().map(Some),
        }
    }

    /// The certificate of a server that gets it from this authority. One that is damaged is ordered again.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn open(&self, clock: &Clock) -> Result<CertificateStore, CertificateError> {
        let current = match self.certificate() {
            Err(error @ CertificateError::Unreadable { .. }) => return Err(error),
            Err(error) => {
                let file = self.pem_paths().certificate;
                tracing::warn!(%error, file = %file.display(), "the stored certificate is damaged; a new one is ordered");
                None
            }
            Ok(current) => current,
        };
        Ok(CertificateStore::new(CertificateSource::Acme, current, clock))
    }

    /// The last failure since a success, if there is one.
    #[must_use]
    pub fn failure(&self) -> Option<RenewalFailure> {
        RenewalFailure::from_json(&self.read(FAILURE).ok()??)
    }

    /// The account, as it was written.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn account(&self) -> io::Result<Option<String>> {
        self.read(ACCOUNT)
    }

    pub(crate) fn write_account(&self, text: &str) -> io::Result<()> {
        self.write(ACCOUNT, text.as_bytes())
    }

    pub(crate) fn write_certificate(&self, pem: &str) -> io::Result<()> {
        self.write(CERTIFICATE, pem.as_bytes())
    }

    /// Writes the failure, or removes the one before.
    pub(crate) fn write_failure(&self, failure: Option<&RenewalFailure>) -> io::Result<()> {
        match failure {
            Some(failure) => self.write(FAILURE, failure.to_json().as_bytes()),
            None => match fs::remove_file(self.folder.join(FAILURE)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Whether what an authority issues could be written now: fails before anything is asked of it.
    pub(crate) fn try_write(&self) -> io::Result<()> {
        self.create()?;
        self.remove_unfinished()?;
        let mut file = AtomicFile::create_sidecar(&self.folder.join("trial"))?;
        file.file().write_all(&[0; TRIAL_BYTES])?;
        file.file().sync_all()
    }

    fn read(&self, name: &str) -> io::Result<Option<String>> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path, &error)),
        }
    }

    /// Writes a file whole or not at all.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.create()?;
        let path = self.folder.join(name);
        let write = || {
            let mut file = AtomicFile::create_sidecar(&path)?;
            FileOwner::of_database(&self.database)?.give(file.file())?;
            file.file().write_all(content)?;
            file.commit()
        };
        write().map_err(|error| at(&path, &error))
    }

    fn create(&self) -> io::Result<()> {
        for folder in [&sidecar_path(&self.database, SUFFIX), &self.folder] {
            let created = DirBuilder::new().mode(0o700).create(folder);
            match created.map_err(|error| (error.kind(), at(folder, &error))) {
                Ok(()) => {
                    FileOwner::of_database(&self.database)?.give(&fs::File::open(folder)?)?;
                    sync_folder_of(folder)?;
                }
                Err((ErrorKind::AlreadyExists, _)) if folder.is_dir() => {}
                Err((_, error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes what a process that was killed has left where the file system has no unnamed files.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder).map_err(|error| at(&self.folder, &error))? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
