//! `fastcore check`.

use std::fmt::Write as _;
use std::path::Path;

use crate::app::backup::folder::BackupSchedule;
use crate::app::certificate::acme_folder::AcmeFolder;
use crate::app::certificate::pem_pair::PemPaths;
use crate::app::status::finding::Finding;
use crate::app::status::server_settings::{self, ServerSettings};
use crate::app::status::thresholds::Level;
use crate::app::status::{check_certificate, check_findings};
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::config::certificate::{CertificateConfig, CertificateFlags};
use crate::config::environment::ExposedFile;
use crate::config::https::{self, TlsFiles};
use crate::config::server::{BackupConfig, ServerConfig, ServerFlags};

/// Checks the installation, and gives a hint for each finding
///
/// The configuration, file permissions, the file's integrity, the hash chain, migrations, the
/// erasure ledger, the age of the last backup, leads past their retention, the last canary, the certificate of HTTPS,
/// disk space, the WAL, the clock, and leftover files. Only reads, also while a server runs; exits with 1 if there is an error. Run it as the service's
/// user, in its folder. Settings of scheduled backups that are not in its environment are those with
/// which the server was last started.
///
/// Example: fastcore check --json
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let path = args.database.path(&context.environment)?;
    let mut findings = configuration(context, args);
    let settings = server_settings::read(&path);
    findings.extend(used_settings(context, &settings));
    findings.extend(certificate(context, &path, settings.clone()));
    let retention = context.retention(settings.clone());
    let canary_every = context.canary_every(settings.clone());
    // A value that is not accepted has its own finding.
    let disk_reserve = context.disk_reserve(settings.clone()).unwrap_or_default();
    let schedule = context.backups(settings);
    let schedule =
        schedule.map(|BackupConfig { folder, every, keep }| BackupSchedule { folder, every, keep });
    let mut progress = output::Progress::new("audit rows");
    findings.extend(check_findings::check(
        &path,
        &context.clock,
        schedule.as_ref(),
        retention,
        canary_every,
        disk_reserve,
        &mut |n| progress.at(n),
    ));
    drop(progress);
    if args.json {
        output::json(&findings)?;
    } else {
        output::data(findings.iter().map(line).collect::<String>().as_bytes())?;
    }
    match findings.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        bad => Err(CliError::Failed(format!("{bad} of {} findings are errors", findings.len()))),
    }
}

fn configuration(context: &CommandContext, args: &Args) -> Vec<Finding> {
    let flags =
        ServerFlags { database_url: args.database.database_url.clone(), ..ServerFlags::default() };
    let hint = "see docs/configuration.md";
    let mut findings: Vec<Finding> = (context.environment.unknown().into_iter())
        .map(|text| Finding::warning("settings", text, hint))
        .collect();
    let exposed = context.environment.exposed_files().into_iter();
    findings.extend(exposed.map(|file| Finding::error("modes", file.detail, file.hint)));
    // The credentials of a service are readable in its unit alone.
    if let Err(error) = ServerConfig::load_without_credentials(&context.environment, &flags) {
        findings.push(Finding::error("settings", error.to_string(), hint));
    }
    findings
}

/// Which of the server's settings are used, since this command's environment does not set them.
fn used_settings(context: &CommandContext, settings: &ServerSettings) -> Option<Finding> {
    let is_set = |name: &str| context.environment.is_set(name).unwrap_or(true);
    let used = settings.iter().filter(|(name, _)| !is_set(name));
    let used: Vec<String> = used.map(|(name, value)| format!("{name}={value}")).collect();
    let text = || format!("as the server was last started: {}", used.join(", "));
    (!used.is_empty()).then(|| Finding::ok("settings", text()))
}

/// The certificate of a server that speaks HTTPS itself.
fn certificate(
    context: &CommandContext,
    database: &Path,
    settings: ServerSettings,
) -> Vec<Finding> {
    let environment = context.environment.with_server_settings(settings.clone());
    let (certificate, key) =
        match CertificateConfig::load(&environment, &CertificateFlags::default()) {
            Ok(Some(CertificateConfig::Files(TlsFiles { certificate, key }))) => (certificate, key),
            Ok(Some(CertificateConfig::Acme(acme))) => {
                let folder = AcmeFolder::new(database, &acme.directory);
                let exposed = ExposedFile::find(&folder.pem_paths().key, "FASTCORE_ACME_DOMAINS");
                let exposed = exposed.map(|file| Finding::error("modes", file.detail, file.hint));
                let now = context.clock.now();
                let found = check_certificate::acme_findings(&folder, &acme.domains, now);
                return exposed.into_iter().chain(found).collect();
            }
            // Settings that are not accepted are reported with the others.
            Ok(None) | Err(_) => return Vec::new(),
        };
    let exposed = ExposedFile::find(&key, "FASTCORE_TLS_KEY");
    let exposed = exposed.map(|file| Finding::error("modes", file.detail, file.hint));
    let host = https::host(&context.public_url(settings));
    let paths = PemPaths { certificate, key };
    let found = check_certificate::finding(&paths, host.as_deref(), context.clock.now());
    exposed.into_iter().chain([found]).collect()
}

fn line(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Ok => "ok     ",
        Level::Warning => "WARNING",
        Level::Error => "ERROR  ",
    };
    let mut line = format!("{level}  {:<10}  {}", finding.check, finding.detail);
    if let Some(hint) = &finding.hint {
        let _ = write!(line, "; hint: {hint}");
    }
    output::one_line(&line) + "\n"
}
