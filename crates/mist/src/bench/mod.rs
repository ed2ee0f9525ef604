//! `bench`: how fast a network trains or predicts on this machine, and where its time goes.
//!
//! The work is that of `train` and `predict` on made-up patches, without files: what is measured is the network, not the
//! disk.

mod cases;
mod loading;
mod measure;
mod report;
mod work;

pub use cases::made_up_cases;

use crate::config::Config;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::memory::{self, Allowance};
use mist_nn::Registry;
use report::Report;
use work::{Samples, Work};

/// More only wait for each other.
const MOST_THREADS_PER_CORE: usize = 4;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Logits of a batch, as in prediction.
    Forward,
    /// An optimizer step of training: forward, loss with deep supervision, backward, AdamW.
    Train,
}

impl Pass {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Train => "train",
        }
    }
}

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Architecture.
    pub model: String,
    /// Voxels of a patch.
    pub patch_size: [usize; 3],
    /// Patches of a batch.
    pub batch_size: usize,
    /// What is timed.
    pub pass: Pass,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes, background included.
    pub out_channels: usize,
    /// Threads; by default as many as there are cores.
    pub threads: Option<usize>,
    /// One of [`mist_nn::INSTRUCTION_SETS`]; by default the fastest that this machine has.
    pub vector_instructions: Option<String>,
    /// How long to repeat.
    pub seconds: f64,
    /// Print JSON instead of a table.
    pub json: bool,
    /// List the operations.
    pub layers: bool,
    /// Of training: also compare steps with the loader and without.
    pub loader: bool,
}

/// Times the work and prints the figures.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    bench(options, registry, console).map_err(|error| {
        error.if_interrupted("start the same command again; nothing was measured to its end or written")
    })
}

fn bench(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    if options.loader && options.pass != Pass::Train {
        return Err(Error::usage("prediction needs no loader").hint("give --pass train, or leave --loader out"));
    }
    check_memory(options, Allowance::new(None, console))?;
    let most = MOST_THREADS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(count) = options.threads.filter(|count| *count > most) {
        return Err(Error::usage(format!("{count} threads are too many"))
            .because(format!("this machine takes at most {most}, {MOST_THREADS_PER_CORE} per core"))
            .hint("leave --threads out for one per core"));
    }
    if let Some(name) = options.vector_instructions.as_ref().filter(|name| !mist_nn::use_instruction_set(name)) {
        return Err(Error::usage(format!("this machine does not have the vector instructions {name}"))
            .hint("leave --vector-instructions out for the fastest that it has"));
    }
    let mut threads = rayon::ThreadPoolBuilder::new();
    if let Some(count) = options.threads {
        threads = threads.num_threads(count);
    }
    let threads = threads.build().map_err(|error| Error::new("cannot start the threads").because(error))?;
    let report = threads.install(|| -> Result<Report> {
        let samples = Samples::new(options);
        let mut work = Work::new(options, registry)?;
        let measured =
            measure::repeat(options.seconds, options.layers, || samples.clone(), |samples| work.run(samples))?;
        let loading = options.loader.then(|| loading::compare(options, registry)).transpose()?;
        Ok(Report::new(options, rayon::current_num_threads(), &measured, loading))
    })?;
    let text = if options.json { report.json()? } else { report.table() };
    console.info(&text);
    Ok(Vec::new())
}

/// How many bytes a training step of the configured network takes on one patch of this size, beyond what weights and
/// optimizer hold. `None` where the network does not take the size or the system does not tell.
pub(crate) fn memory_of_step(config: &Config, patch_size: [usize; 3], registry: &Registry) -> Result<Option<f64>> {
    let options = Options {
        model: config.model.architecture.clone(),
        patch_size,
        batch_size: 1,
        pass: Pass::Train,
        in_channels: config.model.params.in_channels,
        out_channels: config.model.params.out_channels,
        threads: None,
        vector_instructions: None,
        seconds: 0.0,
        json: false,
        layers: false,
        loader: false,
    };
    let Ok(mut work) = Work::new(&options, registry) else { return Ok(None) };
    memory::forget_peak();
    let before = memory::resident();
    work.run(Samples::new(&options))?;
    let weights = work.weights() as f64 * BYTES_PER_WEIGHT;
    Ok(memory::peak().zip(before).map(|(peak, before)| (peak - before - weights).max(0.0)))
}

/// Of a weight while it is trained: itself on the device, its gradient there and here, and two averages of the optimizer.
const BYTES_PER_WEIGHT: f64 = 5.0 * 4.0;

/// Refuses what cannot fit; what the network needs on top depends on it.
fn check_memory(options: &Options, memory: Allowance) -> Result<()> {
    let voxels: f64 = options.patch_size.iter().map(|extent| *extent as f64).product();
    let values = options.in_channels as f64 + options.out_channels as f64;
    let bytes = 4.0 * voxels * options.batch_size as f64 * values;
    match memory.shortage(bytes) {
        Some(why) => Err(Error::new("the work needs more memory than there is")
            .because(why)
            .hint("choose a smaller --patch-size or --batch-size")),
        None => Ok(()),
    }
}
