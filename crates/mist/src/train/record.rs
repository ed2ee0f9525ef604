//! `runs/train_<time>_<process>.json`: what a call of `train` was, so that its results can be traced and made again.

use super::pretrained::Start;
use crate::checksum;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::{create_folder, write_atomically};
use crate::json;
use crate::memory::Allowance;
use crate::parallel;
use crate::tables::TrainPaths;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is not in the configuration.
pub struct Call<'a> {
    /// Results folder.
    pub results: &'a Path,
    /// Folder of the arrays.
    pub numpy: &'a Path,
    /// Folds of this call.
    pub folds: &'a [usize],
    /// Whether it continues an earlier one.
    pub resumed: bool,
    /// Weights that it started from.
    pub start: Option<&'a Start>,
    /// Threads that prepare batches.
    pub loader_threads: usize,
    /// Memory that may be taken.
    pub memory: Allowance,
}

/// Writes the record. Reads every array of the table once, for its checksum.
pub fn write(call: &Call<'_>, config: &Config, table: &TrainPaths, console: &dyn Console) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let folder = call.results.join("runs");
    create_folder(&folder)?;
    let record = json!({
        "program": format!("mist {}", env!("CARGO_PKG_VERSION")),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "started_unix_seconds": now,
        "command_line": std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "folds": call.folds,
        "resumed": call.resumed,
        "pretrained": call.start.map(Start::record).transpose()?,
        "hardware": hardware(call.loader_threads),
        "memory": {
            "allowed_bytes": call.memory.bytes(),
            "given_by_user": matches!(call.memory, Allowance::Given(_)),
        },
        "config": serde_json::to_value(config).map_err(|error| Error::new(error.to_string()))?,
        "data": data(call, table, console)?,
    });
    let path = folder.join(format!("train_{now}_{}.json", std::process::id()));
    write_atomically(&path, json::to_text(&record).as_bytes())
}

fn hardware(loader_threads: usize) -> Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({
        "device": "cpu",
        "precision": "32-bit floats",
        "processor": processor(),
        "vector_instructions": mist_nn::instruction_set(),
        "threads": cores,
        "loader_threads": loader_threads,
    })
}

/// The name of the processor, where the system tells.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// CRC-32C of the tables and of the arrays of every case.
fn data(call: &Call<'_>, table: &TrainPaths, console: &dyn Console) -> Result<Value> {
    let files = table.case_files();
    let bar = console.bar("Checksums of the arrays", table.cases.len() as u64);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let cases = parallel::map(&table.cases, workers, |case| {
        let sum = |kind: &str| checksum::crc32c(&files.find(&call.numpy.join(kind), &case.id, ".npy"));
        let sums = json!({ "id": case.id, "fold": case.fold, "image": sum("images")?, "label": sum("labels")? });
        bar.advance(1);
        Ok(sums)
    })?;
    let tables = ["train_paths.csv", "fg_bboxes.csv"];
    let sums = tables.iter().map(|name| Ok(((*name).to_owned(), checksum::crc32c(&call.results.join(name))?.into())));
    Ok(json!({
        "checksum": "CRC-32C",
        "numpy": call.numpy,
        "tables": sums.collect::<Result<serde_json::Map<_, Value>>>()?,
        "cases": cases,
    }))
}
