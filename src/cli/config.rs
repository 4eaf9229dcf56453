//! `fastcore config show`.

use std::fmt::Write as _;

use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::config::server::{ServerConfig, ServerFlags};
use crate::config::shown::{self, ShownSetting};

/// Shows the configuration
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Lists every setting with its value and where that comes from
    ///
    /// Secrets are masked. Flags of `serve` are not known here; what a server was last started with is
    /// shown for the settings that it leaves next to its database. Exits with 1 if `serve` would refuse a value.
    ///
    /// Example: fastcore config show --json
    Show {
        #[command(flatten)]
        database: DatabaseArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let ConfigCommand::Show { database, json } = &args.command;
    let environment = match database.path(&context.environment) {
        Ok(path) => context.environment.with_server_settings(server_settings::read(&path)),
        // The URL itself is a setting that may be bad.
        Err(_) => context.environment.clone(),
    };
    let settings = shown::settings(&environment)?;
    if *json {
        output::json(&settings)?;
    } else {
        output::data(as_text(&settings).as_bytes())?;
    }
    let flags =
        ServerFlags { database_url: database.database_url.clone(), ..ServerFlags::default() };
    ServerConfig::load_without_credentials(&context.environment, &flags)?;
    Ok(())
}

fn as_text(settings: &[ShownSetting]) -> String {
    let width = |of: fn(&ShownSetting) -> usize| settings.iter().map(of).max().unwrap_or(0);
    let shown = |setting: &ShownSetting| setting.value.clone().unwrap_or_else(|| "-".to_owned());
    let names = width(|setting| setting.name.len());
    let values = width(|setting| setting.value.as_ref().map_or(1, |value| value.chars().count()));
    let mut text = String::new();
    for setting in settings {
        let line =
            format!("{:<names$}  {:<values$}  {}", setting.name, shown(setting), setting.source);
        let _ = writeln!(text, "{}", output::one_line(&line));
    }
    text
}
