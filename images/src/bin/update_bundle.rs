//! `update_bundle BOARD [KEY…]` writes `images/out/BOARD/update.bundle` from the image there, signed by these keys or the development's;
//! `update_bundle keys` says whose updates an image takes, as its `tandem-init` is built with it.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use images::board::Board;
use images::bundle::{self, Update};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [word] if word == "keys" => println!("{}", bundle::trusted()?.to_hex()),
        [board, keys @ ..] => write(board, keys)?,
        [] => bail!("usage: update_bundle BOARD [KEY…] | update_bundle keys"),
    }
    Ok(())
}

fn write(board: &str, keys: &[String]) -> Result<()> {
    let (board, out) = (Board::open(board)?, images::out(board));
    let update = Update::of_image(&board, &out.join("disk.img"))?;
    let keys = match keys {
        [] => vec![bundle::development_key()?],
        keys => keys.iter().map(|key| bundle::private_key(Path::new(key))).collect::<Result<_>>()?,
    };
    let (sealed, path) = (update.seal(&keys)?, out.join("update.bundle"));
    fs::write(&path, &sealed).with_context(|| path.display().to_string())?;
    println!("update in {}", path.display());
    println!("update_build {}", update.build);
    println!("update_size {:.2} MB", sealed.len() as f64 / 1e6);
    Ok(())
}
