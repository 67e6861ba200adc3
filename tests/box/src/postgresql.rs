//! PostgreSQL as Debian packs it, with a port and data of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::child::{Child, as_user, give_to};
use crate::wait;

/// It refuses to run as root.
const USER: &str = "postgres";

/// A running server, on which everybody may do everything.
pub struct PostgreSql {
    /// The process.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
    _home: tempfile::TempDir,
}

impl PostgreSql {
    /// Starts one without any table.
    pub fn start() -> Result<PostgreSql> {
        let home = tempfile::tempdir()?;
        let data = home.path().join("data");
        std::fs::create_dir(&data)?;
        give_to(USER, home.path())?;
        let folder = programs()?;
        let mut init = as_user(USER, &folder.join("initdb").display().to_string());
        let init = init.arg("-D").arg(&data).args(["-U", "fleet", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]);
        let made = init.current_dir(home.path()).output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        let mut command = as_user(USER, &folder.join("postgres").display().to_string());
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-k", "", "-p", &address.port().to_string()]);
        let process = Child::start(command.current_dir(home.path()))?;
        let server = PostgreSql { process, address, _home: home };
        wait::until("PostgreSQL", || server.own().ask("SELECT 1").ok())?;
        Ok(server)
    }

    /// The database that is there from the start.
    pub fn own(&self) -> Database {
        Database { url: format!("postgresql://fleet@{}/postgres", self.address) }
    }

    /// Another one, which it makes.
    pub fn make(&self, name: &str) -> Result<Database> {
        self.own().ask(&format!("CREATE DATABASE {name}"))?;
        Ok(Database { url: format!("postgresql://fleet@{}/{name}", self.address) })
    }
}

/// One of its databases.
pub struct Database {
    /// How programs are told of it.
    pub url: String,
}

impl Database {
    /// What it answers, a line a row.
    pub fn ask(&self, question: &str) -> Result<String> {
        let psql = programs()?.join("psql");
        let output = Command::new(psql).args(["-X", "-q", "-A", "-t", "-c", question, &self.url]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// Where Debian puts the programs of the version that it has.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("tests/setup.sh test installs PostgreSQL")?;
    let found = versions.flatten().map(|version| version.path().join("bin")).find(|path| path.join("initdb").exists());
    found.context("there is a version of PostgreSQL with its programs")
}
