//! A private PostgreSQL cluster in a temporary folder, reached through a Unix socket.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::tools;

pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// `None` where there is no PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        let initdb = tools::find("initdb")?.canonicalize().expect("initdb");
        let folder = tempfile::tempdir().expect("a folder");
        let this = Self { folder, programs: initdb.parent().expect("a folder").to_owned() };
        if geteuid().is_root() {
            chown(this.folder.path(), Some(this.number("-u")), Some(this.number("-g")))
                .expect("a folder of its own");
        }
        let path = this.folder.path().display();
        this.serve(
            "initdb",
            &[
                "--pgdata",
                &format!("{path}/data"),
                "--auth=trust",
                "--username=tester",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
        );
        let options = format!("-F -c listen_addresses= -c unix_socket_directories={path}");
        let log = format!("{path}/log");
        this.serve(
            "pg_ctl",
            &[
                "start",
                "--wait",
                "--pgdata",
                &format!("{path}/data"),
                "--options",
                &options,
                "--log",
                &log,
            ],
        );
        Some(this)
    }

    /// What `id` says of the user that the server runs as: it refuses to run as root.
    fn number(&self, flag: &str) -> u32 {
        let output = Command::new("id").args([flag, "postgres"]).output().expect("id");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a user called postgres")
    }

    /// Runs one of the server's programs to its end.
    fn serve(&self, program: &str, arguments: &[&str]) {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        if geteuid().is_root() {
            command.uid(self.number("-u")).gid(self.number("-g"));
        }
        // To a file: the server would keep a pipe open.
        let said = self.folder.path().join(format!("{program}.said"));
        let file = File::create(&said).expect("a file");
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        let done = command.status().expect("it runs");
        let said = fs::read_to_string(&said).unwrap_or_default();
        assert!(done.success(), "{program}: {done} {said}");
    }

    /// A new and empty database.
    pub(crate) fn create(&self, name: &str) {
        self.query("postgres", &format!("CREATE DATABASE {name}"));
    }

    /// Loads a script, as an operator does.
    pub(crate) fn load(&self, database: &str, script: &Path) -> Output {
        let mut psql = self.psql(database);
        psql.arg("--file").arg(script).output().expect("psql")
    }

    /// What `psql` prints for a statement that must succeed, unadorned.
    pub(crate) fn query(&self, database: &str, sql: &str) -> String {
        self.try_query(database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    /// [`Self::query`], or what `psql` says.
    pub(crate) fn try_query(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.psql(database);
        psql.args(["--quiet", "--no-align", "--tuples-only", "--command", sql]);
        let output = psql.output().expect("psql");
        let text = |bytes| String::from_utf8(bytes).expect("text").trim_end().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("--no-psqlrc").arg("--host").arg(self.folder.path());
        psql.args(["--username", "tester", "--dbname", database]).stdin(Stdio::null());
        psql.current_dir(self.folder.path());
        psql
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        if data.join("postmaster.pid").exists() {
            let data = data.display().to_string();
            self.serve("pg_ctl", &["stop", "--mode=immediate", "--wait", "--pgdata", &data]);
        }
    }
}
