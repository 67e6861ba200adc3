//! Builds the box's voice from Debian's static libraries for the board's processor, once: the result is kept outside the
//! tree, under the hash of what it is made of.
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

use crate::run::tool;

/// The program's name, which says whose voice it is.
pub const NAME: &str = "flite_cmu_us_kal";
/// Goes up when the way of building changes the result.
const RECIPE: u32 = 2;
/// The file beside the program that says which version it is.
const VERSION: &str = "version";
const SOURCE: &str = include_str!("../flite/flite.c");
/// In the order in which they need each other.
const LIBRARIES: [&str; 5] = ["-lflite_cmu_us_kal", "-lflite_usenglish", "-lflite_cmulex", "-lflite", "-lm"];

/// Returns the program, building it if it has never been built.
pub fn build() -> Result<PathBuf> {
    let kept = crate::cache()?.join("flite").join(key()?);
    let program = kept.join(NAME);
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    let lock = File::create(kept.join("lock"))?;
    lock.lock().context("the voice's folder cannot be locked")?;
    if !program.exists() {
        println!("building the box's voice, once");
        let work = tempfile::tempdir_in(&kept)?;
        let package = package(work.path())?;
        let built = compile(&package, work.path())?;
        fs::write(kept.join(VERSION), tool("dpkg-deb", ["-f"]).arg(&package).arg("Version").output()?)?;
        // Renamed when it is whole, so that a build that breaks off leaves nothing that looks finished.
        fs::rename(built, &program)?;
    }
    Ok(program)
}

/// The version of the package that the program was built from.
pub fn version() -> Result<String> {
    let program = build()?;
    let version = fs::read_to_string(program.with_file_name(VERSION)).context("the voice's version is not known")?;
    Ok(version.trim().to_owned())
}

fn key() -> Result<String> {
    let compiler = tool("aarch64-linux-gnu-gcc", ["--version"]).output()?;
    let mut digest = Sha256::new();
    for part in [SOURCE, compiler.lines().next().unwrap_or_default()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(RECIPE.to_be_bytes());
    Ok(hex::encode(digest.finalize())[..16].to_owned())
}

/// Debian's package with the libraries for 64-bit ARM: fetched and checked by apt, which is told of that processor in a
/// folder of its own, so that nothing of this machine changes.
fn package(work: &Path) -> Result<PathBuf> {
    if let Some(package) = std::env::var_os("TANDEM_FLITE_PACKAGE") {
        return Ok(package.into());
    }
    let state = work.join("apt");
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(state.join(folder))?;
    }
    fs::write(state.join("status"), "")?;
    let at = |folder: &str| state.join(folder).display().to_string();
    let settings = format!(
        "APT::Architecture \"arm64\";\nAPT::Architectures {{ \"arm64\"; }};\nDir::State \"{}\";\n\
         Dir::State::status \"{}\";\nDir::Cache \"{}\";\nAPT::Sandbox::User \"root\";\n",
        at("state"),
        at("status"),
        at("cache"),
    );
    let file = state.join("apt.conf");
    fs::write(&file, settings)?;
    let apt = |arguments: [&str; 2]| tool("apt-get", arguments).env("APT_CONFIG", &file).within(work).done();
    apt(["-q", "update"])?;
    apt(["download", "flite1-dev"]).context("TANDEM_FLITE_PACKAGE names one that is there already")?;
    let found = fs::read_dir(work)?.flatten().map(|entry| entry.path());
    let mut packages = found.filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.next().ok_or_else(|| anyhow!("apt has brought no package flite1-dev"))
}

fn compile(package: &Path, work: &Path) -> Result<PathBuf> {
    let unpacked = work.join("unpacked");
    tool("dpkg-deb", ["-x"]).arg(package).arg(&unpacked).done()?;
    let (source, built) = (work.join("flite.c"), work.join(NAME));
    fs::write(&source, SOURCE)?;
    let compiler = tool("aarch64-linux-gnu-gcc", ["-Os", "-Wall", "-Werror", "-static", "-s", "-Wl,--gc-sections"]);
    let include = format!("-I{}", unpacked.join("usr/include").display());
    let libraries = format!("-L{}", unpacked.join("usr/lib/aarch64-linux-gnu").display());
    compiler.arg(include).arg(&source).arg(libraries).args(LIBRARIES).arg("-o").arg(&built).done()?;
    if !built.exists() {
        bail!("the compiler has left no {NAME}");
    }
    Ok(built)
}
