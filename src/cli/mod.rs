//! The command line: one file per command, with its flags, its output and a call into
//! [`crate::app`].
//!
//! Data goes to standard output, messages to standard error.

// The doc comments of arguments are their help texts, for a terminal.
#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links)]

mod audit;
mod backup;
mod canary;
mod check;
mod config;
mod demo;
mod error;
mod export;
mod gdpr;
mod health;
mod import;
mod lead;
mod listeners;
mod man;
mod migrate;
mod notify;
mod openapi;
mod output;
mod reconcile;
mod refused;
mod restore;
mod serve;
mod service_manager;
mod signals;
mod staff;
mod startup;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{CommandFactory, Parser, Subcommand};

use crate::app::status::server_settings::ServerSettings;
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::config::canary::canary_every;
use crate::config::database::{self, database_path};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::server::{self, BackupConfig, ServerFlags};
use crate::domain::audit::cli_actor;
use crate::store::paths::resolve_links;
use crate::telemetry;
use crate::telemetry::LogFlags;

/// Receives the leads of a company's site and stores them: one binary, one SQLite file, an audit
/// log that nobody can change.
#[derive(Debug, Parser)]
#[command(
    name = "fastcore",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Settings are flags or variables, in this order of precedence: flag, environment, .env in \
                  the working directory, default.\n\n\
                  Exit status: 0 done, 1 failed, 2 wrong usage, 4 integrity or chain broken, \
                  5 the database is in use by a server."
)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Log")]
struct LogArgs {
    /// Log level: DEBUG, INFO, WARNING or ERROR [env: LOG_LEVEL] [default: INFO]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Sets the level DEBUG, unless LOG_LEVEL is set; never shows secrets or personal data [env: DEBUG] [default: false]
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    debug: Option<String>,
    /// Log format: auto (text on a terminal, JSON lines elsewhere), text or json [env: FASTCORE_LOG_FORMAT] [default: auto]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Args>),
    Demo(demo::Args),
    Migrate(migrate::Args),
    Lead(lead::Args),
    Refused(refused::Args),
    Audit(audit::Args),
    Export(export::Args),
    Import(import::Args),
    Reconcile(reconcile::Args),
    Staff(staff::Args),
    Gdpr(gdpr::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Check(check::Args),
    Health(health::Args),
    Canary(canary::Args),
    Notify(notify::Args),
    Config(config::Args),
    Token(token::Args),
    Openapi(openapi::Args),
    /// Prints completions for a shell
    ///
    /// Example: fastcore completions bash > /etc/bash_completion.d/fastcore
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    Man(man::Args),
}

/// The database; the same flag for every command that uses it.
#[derive(Debug, Clone, clap::Args)]
struct DatabaseArg {
    /// The database: sqlite://relative/path, sqlite:///absolute/path or a plain path
    /// [env: DATABASE_URL] [default: sqlite://fastcore.db]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl DatabaseArg {
    /// The database's path. A symbolic link is resolved, so that what replaces the file does not replace
    /// the link, and the files next to it are those of one database.
    fn path(&self, environment: &Environment) -> Result<PathBuf, ConfigError> {
        database_path(environment, self.database_url.as_deref()).map(|path| resolve_links(&path))
    }
}

/// What every command uses.
struct CommandContext {
    environment: Environment,
    clock: Clock,
}

impl CommandContext {
    /// The scheduled backups of a server, which has left these settings at its last start.
    fn backups(&self, settings: ServerSettings) -> Option<BackupConfig> {
        let environment = self.environment.with_server_settings(settings);
        BackupConfig::load(&environment, &ServerFlags::default()).ok().flatten()
    }

    /// How long such a server keeps leads.
    fn retention(&self, settings: ServerSettings) -> Option<TimeDelta> {
        let environment = self.environment.with_server_settings(settings);
        server::retention(&environment, &ServerFlags::default()).ok().flatten()
    }

    /// How often a canary is expected by such a server.
    fn canary_every(&self, settings: ServerSettings) -> Option<Duration> {
        canary_every(&self.environment.with_server_settings(settings), None).ok().flatten()
    }

    /// How much such a server keeps free on the database's disk, in bytes.
    fn disk_reserve(&self, settings: ServerSettings) -> Result<u64, ConfigError> {
        database::disk_reserve(&self.environment.with_server_settings(settings), None)
    }

    /// The URL at which such a server is reached, without a trailing slash.
    fn public_url(&self, settings: ServerSettings) -> String {
        server::reached_at(&self.environment.with_server_settings(settings))
    }

    /// The actor of what a person does at the shell.
    fn actor() -> String {
        let user = uzers::get_current_username();
        let user = user.map_or_else(
            || uzers::get_current_uid().to_string(),
            |u| u.to_string_lossy().into_owned(),
        );
        cli_actor(&user)
    }
}

/// Parses the arguments, runs the command, and turns an error into an exit status.
#[must_use]
pub fn run() -> ExitCode {
    // Files that are created from here on have personal data or secrets: only for their owner.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    telemetry::detect_journal(&Environment::of_process());
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let prefix = telemetry::priority_prefix(tracing::Level::ERROR);
            output::eprint_line(&format!("{prefix}{}", error.line()));
            error.status()
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "fastcore", &mut script);
            return output::data(&script);
        }
        Command::Man(args) => return man::run(Cli::command(), &args),
        _ => {}
    }
    let environment = Environment::load()?;
    let log =
        LogFlags { level: cli.log.log_level, debug: cli.log.debug, format: cli.log.log_format };
    telemetry::start(&environment, &log)?;
    let context = CommandContext { environment, clock: Clock::system() };
    match cli.command {
        Command::Serve(args) => serve::run(&context, *args),
        Command::Demo(args) => demo::run(&context, &args),
        Command::Migrate(args) => migrate::run(&context, &args),
        Command::Lead(args) => lead::run(&context, args),
        Command::Refused(args) => refused::run(&context, args),
        Command::Audit(args) => audit::run(&context, args),
        Command::Export(args) => export::run(&context, args),
        Command::Import(args) => import::run(&context, args),
        Command::Reconcile(args) => reconcile::run(&context, &args),
        Command::Staff(args) => staff::run(&context, args),
        Command::Gdpr(args) => gdpr::run(&context, args),
        Command::Backup(args) => backup::run(&context, args),
        Command::Restore(args) => restore::run(&context, &args),
        Command::Check(args) => check::run(&context, &args),
        Command::Health(args) => health::run(&context, &args),
        Command::Canary(args) => canary::run(&context, &args),
        Command::Notify(args) => notify::run(&context, args),
        Command::Config(args) => config::run(&context, &args),
        Command::Token(args) => token::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Completions { .. } | Command::Man(_) => Ok(()),
    }
}

/// Parses an age; `examples` are named where it is none.
fn parse_age(text: &str, examples: &str) -> Result<TimeDelta, String> {
    let age = humantime::parse_duration(text).ok().and_then(|age| TimeDelta::from_std(age).ok());
    age.ok_or_else(|| format!("a duration such as {examples}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
