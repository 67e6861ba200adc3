//! A disk so small that it can be filled: a tmpfs in a mount namespace of its own, which needs no root.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::child::Child;
use crate::exchange::Plan;
use crate::wait;

/// The file that takes all the room.
const FILLER: &str = "filler";

/// The disk. It is there as long as this value: exchanges may come and go.
pub struct SmallDisk {
    // The namespace lives in it.
    keeper: Child,
    /// The disk as it is seen from outside of its namespace.
    root: PathBuf,
    // Where it is mounted, inside.
    home: tempfile::TempDir,
}

impl SmallDisk {
    /// An empty one of so many megabytes.
    pub fn new(megabytes: u32) -> Result<SmallDisk> {
        let home = tempfile::tempdir()?;
        let place = home.path().display();
        let script =
            format!("mount -t tmpfs -o size={megabytes}m,mode=700 none '{place}' && echo mounted && exec sleep 600");
        let mut keeper =
            Child::start(Command::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &script]))?;
        let mounted = wait::until("the small disk", || {
            let gone = !keeper.is_running();
            let is_there = keeper.said().iter().any(|line| line == "mounted");
            (gone || is_there).then_some(is_there)
        })?;
        if !mounted {
            bail!("this needs user namespaces, which this system refuses: {}", keeper.said().join("\n"));
        }
        let inside = home.path().strip_prefix("/").context("a temporary folder is absolute")?;
        let root = Path::new("/proc").join(keeper.pid().to_string()).join("root").join(inside);
        Ok(SmallDisk { keeper, root, home })
    }

    /// How an exchange is started that keeps its data there.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::in_folder(&self.home.path().join("data"));
        let keeper = self.keeper.pid().to_string();
        // The process that is started becomes the exchange: none stands in between.
        plan.starter = ["nsenter", "--target", &keeper, "--user", "--mount", "--preserve-credentials", "--"]
            .map(String::from)
            .to_vec();
        plan
    }

    /// Leaves no room at all.
    pub fn fill(&self) -> Result<()> {
        let mut filler = OpenOptions::new().create(true).append(true).open(self.root.join(FILLER))?;
        for size in [64 * 1024, 4096, 64, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.root.join(FILLER))?)
    }

    /// Whether SQLite itself finds the database sound, and the log of events without a gap.
    pub fn check_database(&self) -> Result<()> {
        let copy = tempfile::tempdir()?;
        for entry in std::fs::read_dir(self.root.join("data"))? {
            let path = entry?.path();
            // Recordings and sounds have folders of their own beside the database.
            if path.is_dir() {
                continue;
            }
            let name = path.file_name().context("a file has a name")?;
            std::fs::copy(&path, copy.path().join(name))?;
        }
        let database = copy.path().join("tandem.db");
        let question = "PRAGMA integrity_check; SELECT max(seq) - min(seq) + 1 - count(*) FROM event_log;";
        let answer = Command::new("sqlite3").arg(&database).arg(question).output()?;
        let (said, wrong) = (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
        if said.trim() != "ok\n0" {
            bail!("the database is not whole: {said}{wrong}");
        }
        Ok(())
    }
}
