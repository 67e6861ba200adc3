//! Builds the kernel from Debian's source with the board's few options, once: the result is kept under the hash of what it
//! is made of, outside the tree.
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

use crate::board::Board;
use crate::run::{Tool, tool};

/// Goes up when the way of building changes the result.
const RECIPE: u32 = 2;

/// A kernel as it is and packed.
pub struct Kernel {
    pub image: PathBuf,
    /// The same packed by zstd, as it lies in a slot.
    pub packed: PathBuf,
}

/// Returns the board's kernel, building it if it has never been built.
pub fn build(board: &Board) -> Result<Kernel> {
    let source = source()?;
    let kept = crate::cache()?.join("kernel").join(key(board, &source)?);
    let (image, packed) = (kept.join("Image"), kept.join("Image.zst"));
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    let lock = File::create(kept.join("lock"))?;
    lock.lock().context("the kernel's folder cannot be locked")?;
    if !packed.exists() {
        println!("building the kernel, once; this takes minutes");
        let work = tempfile::tempdir_in(&kept)?;
        let built = compile(board, &source, work.path())?;
        fs::copy(work.path().join("out/.config"), kept.join("config"))?;
        // Renamed when it is whole, so that a build that breaks off leaves nothing that looks finished.
        fs::copy(built, &image)?;
        let new = kept.join("Image.zst.new");
        tool("zstd", ["-q", "-f", "--ultra", "-22"]).arg(&image).arg("-o").arg(&new).done()?;
        fs::rename(new, &packed)?;
    }
    Ok(Kernel { image, packed })
}

/// The packed kernel source: 6.1 where there is a choice, since the options were chosen for it.
fn source() -> Result<PathBuf> {
    if let Some(source) = std::env::var_os("TANDEM_KERNEL_SOURCE") {
        return Ok(source.into());
    }
    let mut found = Vec::new();
    let folders = [PathBuf::from("/usr/src")].into_iter().chain(entries(Path::new("/usr/src")));
    for folder in folders {
        found.extend(entries(&folder).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("linux-source-") && name.contains(".tar.")
        }));
    }
    found.sort_by_key(|path| (path.to_string_lossy().contains("linux-source-6.1."), path.clone()));
    found.pop().ok_or_else(|| anyhow!("there is no kernel source in /usr/src; images/setup.sh installs it"))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The name under which the kernel is kept.
fn key(board: &Board, source: &Path) -> Result<String> {
    let compiler = tool("aarch64-linux-gnu-gcc", ["--version"]).output()?;
    let length = fs::metadata(source).with_context(|| source.display().to_string())?.len();
    // A point release of the package changes its changelog's version, which is quicker to ask for than to hash the source.
    let package = source.file_name().unwrap_or_default().to_string_lossy();
    let package = package.split(".tar.").next().unwrap_or_default();
    let version = tool("dpkg-query", ["-W", "-f", "${Version}"]).arg(package).output().unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [&board.kernel_config, compiler.lines().next().unwrap_or_default(), package, &version] {
        digest.update(part);
        digest.update([0]);
    }
    digest.update(length.to_be_bytes());
    digest.update(RECIPE.to_be_bytes());
    Ok(format!("{}-{}", board.name, &hex::encode(digest.finalize())[..16]))
}

fn compile(board: &Board, source: &Path, work: &Path) -> Result<PathBuf> {
    tool("tar", ["--strip-components=1", "-xf"]).arg(source).within(work).done()?;
    let out = work.join("out");
    make(work).arg("tinyconfig").done()?;
    let fragment = work.join("board.config");
    fs::write(&fragment, &board.kernel_config)?;
    tool("scripts/kconfig/merge_config.sh", ["-m", "-O", "out", "out/.config"]).arg(&fragment).within(work).done()?;
    make(work).arg("olddefconfig").done()?;
    let missing = missing(&board.kernel_config, &fs::read_to_string(out.join(".config"))?);
    if !missing.is_empty() {
        bail!("this kernel does not take {}", missing.join(", "));
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    make(work).arg(format!("-j{jobs}")).arg("Image").done()?;
    Ok(out.join("arch/arm64/boot/Image"))
}

/// The kernel's make, told to forget who builds where and when.
fn make(work: &Path) -> Tool {
    let make = tool("nice", ["-n", "10", "make", "-s", "O=out", "ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]);
    let make = make.env("KBUILD_BUILD_USER", "tandem").env("KBUILD_BUILD_HOST", "tandem");
    make.env("KBUILD_BUILD_TIMESTAMP", "2026-01-01").env("KBUILD_BUILD_VERSION", "1").within(work)
}

/// What the fragment asks for and the final configuration does not have.
fn missing<'a>(fragment: &'a str, config: &str) -> Vec<&'a str> {
    let has = |line: &str| config.lines().any(|found| found == line);
    let off =
        |line: &str| line.strip_prefix("# CONFIG_")?.strip_suffix(" is not set").map(|name| format!("CONFIG_{name}=y"));
    let lines = fragment.lines().map(str::trim);
    lines
        .filter(|line| if line.starts_with("CONFIG_") { !has(line) } else { off(line).is_some_and(|on| has(&on)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_the_kernel_did_not_take_are_found() {
        let fragment =
            "# What is needed\nCONFIG_NET=y\nCONFIG_SQUASHFS=y\n# CONFIG_SWAP is not set\n# CONFIG_ACPI is not set\n";
        let config = "CONFIG_NET=y\n# CONFIG_SQUASHFS is not set\nCONFIG_SWAP=y\nCONFIG_NETDEVICES=y\n";
        assert_eq!(missing(fragment, config), ["CONFIG_SQUASHFS=y", "# CONFIG_SWAP is not set"]);
        assert!(missing(fragment, "CONFIG_NET=y\nCONFIG_SQUASHFS=y\n").is_empty());
    }
}
