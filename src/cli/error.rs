//! Errors of commands, and their exit statuses.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use thiserror::Error;

use crate::app::demo::DemoError;
use crate::app::export::error::ExportError;
use crate::app::import::error::ImportError;
use crate::app::reconcile::ReconcileError;
use crate::app::staff::StaffError;
use crate::config::error::ConfigError;
use crate::store::error::StoreError;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Staff(#[from] StaffError),
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    /// A verification failed; its findings are printed already.
    #[error("{0}")]
    Broken(String),
}

impl CliError {
    /// The error with its causes, in one line.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("fastcore: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        line
    }

    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Store(e)
            | Self::Export(ExportError::Store(e))
            | Self::Import(ImportError::Store(e))
            | Self::Reconcile(ReconcileError::Store(e))
            | Self::Staff(StaffError::Store(e)) => match e {
                StoreError::Corrupt(_)
                | StoreError::DamagedIndex(_)
                | StoreError::DamagedHead(_)
                | StoreError::IncompleteBackup { .. } => 4,
                StoreError::InUse(_) | StoreError::OpenElsewhere(_) => 5,
                _ => 1,
            },
            Self::Usage(_) => 2,
            Self::Broken(_) => 4,
            _ => 1,
        })
    }
}
