//! `fastcore notify test`, `list` and `retry`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::app::notices::settings::{AlertTiming, NoticeSettings, NoticeTiming};
use crate::app::notices::{self, outbox};
use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::config::notices::{NoticeConfig, NoticeFlags};
use crate::domain::notice::{Notice, NoticeState};

/// Notices that `notify list` prints, at most.
const MAX_LISTED: usize = 1000;

/// Tests the channels by which staff hear of new leads, lists what was not sent, and tries it again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: NotifyCommand,
}

/// What notices contain and where they are mailed.
#[derive(Debug, clap::Args)]
pub(crate) struct NoticeArgs {
    /// Sender of mails [env: FASTCORE_MAIL_FROM] [default: none]
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// Addresses, separated by commas, that get a mail of new leads [env: FASTCORE_NOTIFY_EMAIL] [default: none]
    #[arg(long, value_name = "ADDRESSES")]
    notify_email: Option<String>,
    /// Addresses, separated by commas, that get a mail of trouble [env: FASTCORE_ALERT_EMAIL]
    /// [default: those that hear of new leads]
    #[arg(long, value_name = "ADDRESSES")]
    alert_email: Option<String>,
    /// Working time (Monday to Friday, 8:00 to 18:00 in Paris) without a lead that is trouble: such as 20h, or auto
    /// for what is not plausible by the last weeks [env: FASTCORE_SILENCE_AFTER] [default: none]
    #[arg(long, value_name = "TIME")]
    silence_after: Option<String>,
    /// Time of day of a mail on working days with what came and what waits [env: FASTCORE_DIGEST_AT]
    /// [default: none]
    #[arg(long, value_name = "TIME")]
    digest_at: Option<String>,
    /// What notices contain: minimal (service, time and a link) or full (the text of the lead as well)
    /// [env: FASTCORE_NOTIFY_CONTENT] [default: minimal]
    #[arg(long, value_name = "CONTENT")]
    notify_content: Option<String>,
    /// Language of notices: fr or en [env: FASTCORE_NOTIFY_LANGUAGE] [default: fr]
    #[arg(long, value_name = "LANGUAGE")]
    notify_language: Option<String>,
}

impl NoticeArgs {
    pub(crate) fn flags(self) -> NoticeFlags {
        NoticeFlags {
            mail_from: self.mail_from,
            notify_email: self.notify_email,
            alert_email: self.alert_email,
            silence_after: self.silence_after,
            digest_at: self.digest_at,
            notify_content: self.notify_content,
            notify_language: self.notify_language,
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum NotifyCommand {
    /// Sends a test through every channel, as the server sends notices
    ///
    /// Uses the settings of this environment: run it with those of the server. Exits with 1 if one of the channels
    /// fails.
    ///
    /// Example: fastcore notify test
    Test {
        #[command(flatten)]
        database: DatabaseArg,
        #[command(flatten)]
        notices: NoticeArgs,
    },
    /// Lists the notices that were not sent, with their last errors
    ///
    /// Example: fastcore notify list --json
    List {
        #[command(flatten)]
        database: DatabaseArg,
        /// Those that were sent as well
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Lets the server try notices again that were not sent, also those that were given up
    ///
    /// Example: fastcore notify retry --all
    Retry {
        #[command(flatten)]
        database: DatabaseArg,
        /// The notice, as `notify list` prints it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
}

/// A notice as `--json` prints it.
#[derive(Serialize)]
struct ListedNotice<'a> {
    id: &'a str,
    channel: &'a str,
    state: &'a str,
    /// What it is about: leads, alert or digest.
    subject: &'a str,
    leads: i64,
    created_at_utc: String,
    attempts: i64,
    /// While it is pending.
    next_try_at_utc: Option<String>,
    last_error: Option<&'a str>,
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        NotifyCommand::Test { database, notices } => {
            let config = NoticeConfig::load(&context.environment, &notices.flags())?;
            let left = server_settings::read(&database.path(&context.environment)?);
            test(&notice_settings(&config, &context.public_url(left)))
        }
        NotifyCommand::List { database, all, json } => {
            let notices = outbox::list(&database.path(&context.environment)?, all, MAX_LISTED)?;
            list(&notices, json)
        }
        NotifyCommand::Retry { database, id, all: _ } => {
            let path = database.path(&context.environment)?;
            let count = outbox::retry(&path, &context.clock, id.as_deref())?;
            if let (0, Some(id)) = (count, id) {
                return Err(CliError::Failed(format!(
                    "no notice that was not sent has the id {id}"
                )));
            }
            output::eprint_line(&format!("notices to be tried again: {count}"));
            Ok(())
        }
    }
}

/// The settings as the channels use them.
pub(crate) fn notice_settings(config: &NoticeConfig, base_url: &str) -> NoticeSettings {
    let NoticeConfig { mail, webhooks, content, language, silence, digest_at, warnings: _ } =
        config.clone();
    NoticeSettings {
        mail,
        webhooks,
        content,
        language,
        silence,
        digest_at,
        base_url: base_url.to_owned(),
        timing: NoticeTiming::default(),
        alerts: AlertTiming::default(),
    }
}

fn test(settings: &NoticeSettings) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(notices::send_tests(settings));
    if results.is_empty() {
        return Err(CliError::Failed(
            "no channel is configured; set FASTCORE_NOTIFY_EMAIL or FASTCORE_NOTIFY_WEBHOOK"
                .to_owned(),
        ));
    }
    let mut failures = 0;
    for (channel, result) in &results {
        let line = match result {
            Ok(()) => format!("{channel}: sent\n"),
            Err(error) => {
                failures += 1;
                format!("{channel}: failed: {}\n", output::one_line(error))
            }
        };
        output::data(line.as_bytes())?;
    }
    match failures {
        0 => Ok(()),
        failures => {
            Err(CliError::Failed(format!("{failures} of {} channels failed", results.len())))
        }
    }
}

fn list(notices: &[Notice], json: bool) -> Result<(), CliError> {
    let listed: Vec<ListedNotice<'_>> = notices.iter().map(listed).collect();
    if json {
        return output::json(&listed);
    }
    let mut text = String::new();
    for notice in &listed {
        let ListedNotice { id, channel, state, subject, leads, created_at_utc, attempts, .. } =
            notice;
        let about = if *leads > 0 { format!("leads: {leads}") } else { (*subject).to_owned() };
        let error = notice.last_error.unwrap_or("");
        let line = format!(
            "{id}  {channel:<17}  {state:<8}  {about:<11}  {created_at_utc}  attempts: {attempts:<3}  {error}"
        );
        let _ = writeln!(text, "{}", output::one_line(line.trim_end()));
    }
    output::data(text.as_bytes())
}

fn listed(notice: &Notice) -> ListedNotice<'_> {
    let is_pending = notice.state == NoticeState::Pending;
    ListedNotice {
        id: &notice.id,
        channel: notice.channel.as_str(),
        state: notice.state.as_str(),
        subject: notice.subject.as_str(),
        leads: notice.leads,
        created_at_utc: notice.created_at_utc.to_string(),
        attempts: notice.attempts,
        next_try_at_utc: is_pending.then(|| notice.next_try_at_utc.to_string()),
        last_error: notice.last_error.as_deref(),
    }
}
