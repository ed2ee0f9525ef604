//! Reads a PyTorch weight file or checkpoint and writes it again: `rewrite_weights IN.pt OUT.pt`.
//! `scripts/check_torch_reads_weights.py` compares the two in PyTorch.

use mist_nn::weights;
use std::error::Error;
use std::fs::File;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [source, target] = arguments.as_slice() else {
        return Err("usage: rewrite_weights IN.pt OUT.pt".into());
    };
    let root = Path::new(target).file_stem().ok_or("OUT.pt is not the name of a file")?;
    let value = weights::read(Path::new(source))?;
    weights::write(File::create(target)?, &root.to_string_lossy(), &value)?;
    Ok(())
}
