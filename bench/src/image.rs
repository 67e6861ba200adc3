//! The image that `make image` built: its size, and how long it takes from power-on to the first REGISTER answered.

use anyhow::{Context, Result};

use crate::histogram::median;
use crate::print;
use crate::server::Prepared;

const RUNS: usize = 3;

/// Boots the image under QEMU, which runs its own Tandem.
pub fn measure(_: &Prepared) -> Result<()> {
    let image = images::out(qemu::BOARD).join("disk.img.zst");
    let size = image.metadata().with_context(|| format!("{}: run `make image` first", image.display()))?.len();
    print("image_compressed", size as f64 / 1_048_576.0, "MiB");
    let boots: Result<Vec<_>> = (0..RUNS).map(|_| qemu::BootTime::measure()).collect();
    let boots = boots?;
    for (index, (name, _)) in boots[0].steps().into_iter().enumerate() {
        print(name, median(boots.iter().map(|boot| boot.steps()[index].1.as_secs_f64()).collect()), "s");
    }
    Ok(())
}
