//! What the loader costs a training: steps on the batches that it prepares beside them, and steps on one batch that is there.

use super::Options;
use super::cases::made_up_cases;
use super::measure::median;
use super::work::{Samples, Work};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::load::{Loader, LoaderSettings, Switches};
use crate::train::loader_threads;
use mist_nn::Registry;
use serde::Serialize;
use std::time::Instant;

/// Cases for each patch of a batch: enough for some variety, and every batch is whole.
const CASES: usize = 20;
/// Steps of a turn. Each begins with an empty queue, as an epoch does.
const STEPS: usize = 25;
/// Least number of turns of each kind.
const TURNS: usize = 2;

/// Figures of both kinds of training, in turns, so that neither has the quieter machine.
#[derive(Serialize)]
pub(super) struct Loading {
    /// Threads that prepare batches.
    pub threads: usize,
    /// Steps per second with the loader, all augmentations on, cases in memory.
    pub steps_per_second: f64,
    /// Steps per second on one batch that is copied.
    pub fixed_batch_steps_per_second: f64,
    /// Median over the turns of the first divided by the second.
    pub share: f64,
    /// Share of the time with the loader that went by waiting for batches.
    pub waiting: f64,
    /// Turns of each kind.
    pub turns: usize,
}

/// Takes turns for so many seconds.
pub(super) fn compare(options: &Options, registry: &Registry) -> Result<Loading> {
    let folder = tempfile::tempdir().map_err(|error| Error::new("cannot make a temporary folder").because(error))?;
    let cases = made_up_cases(folder.path(), CASES * options.batch_size, options.in_channels, options.out_channels)?;
    let settings = LoaderSettings {
        patch_size: options.patch_size,
        spacing: [1.0; 3],
        batch_size: options.batch_size,
        foreground_probability: 0.6,
        augmentation: Switches::ALL,
        classes: options.out_channels,
        seed: 42,
        fold: 0,
        cache_bytes: usize::MAX,
    };
    let loader = Loader::new(cases, settings)?;
    let threads = loader_threads(usize::MAX);
    // Reads every case.
    for batch in loader.stream(0, 0, loader.steps_per_epoch(0), threads)? {
        batch?;
    }
    let mut work = Work::new(options, registry)?;
    let samples = Samples::new(options);
    for _ in 0..2 {
        work.run(samples.clone())?;
    }
    let (mut with, mut without, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    while with.len() < TURNS || begin.elapsed().as_secs_f64() < options.seconds {
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request"));
        }
        let turn = Instant::now();
        let mut batches = loader.stream(1 + with.len(), 0, STEPS, threads)?;
        for _ in 0..STEPS {
            work.train_on(batches.by_ref().take(1))?;
        }
        let seconds = turn.elapsed().as_secs_f64();
        with.push(STEPS as f64 / seconds);
        waiting.push(batches.waited().as_secs_f64() / seconds);
        drop(batches);
        let turn = Instant::now();
        for _ in 0..STEPS {
            work.run(samples.clone())?;
        }
        without.push(STEPS as f64 / turn.elapsed().as_secs_f64());
    }
    let shares: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    Ok(Loading {
        threads,
        steps_per_second: median(&with),
        fixed_batch_steps_per_second: median(&without),
        share: median(&shares),
        waiting: median(&waiting),
        turns: with.len(),
    })
}
