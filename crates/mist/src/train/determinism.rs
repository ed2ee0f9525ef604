//! `train --verify-determinism`: the same steps twice, once with loader threads and once without, must give the same bits.

use super::checkpoint::Checkpoint;
use super::prepare::Cases;
use super::step::Trainer;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::interrupt;
use mist_nn::parameters::Parameters;

/// Enough for every kind of operation, augmentation and batch to have come by.
const STEPS: usize = 20;

/// Trains twice from the start of a fold and compares losses and weights; nothing is written.
pub fn verify(
    config: &Config,
    fresh: &Checkpoint,
    cases: &Cases,
    trainer: &Trainer<'_>,
    loader_threads: usize,
    console: &dyn Console,
) -> Result<()> {
    let fold = fresh.fold;
    let bar = console.bar("Training twice", 2 * STEPS as u64);
    let run = |threads: usize| -> Result<(Vec<f64>, Parameters)> {
        let (mut state, rate) = (fresh.clone(), config.training.learning_rate);
        let mut losses = Vec::with_capacity(STEPS);
        let each = config.training.batches_per_step();
        let mut batches = cases.loader.stream(0, 0, STEPS * each, threads)?;
        for _ in 0..STEPS {
            let batches = batches.by_ref().take(each);
            losses.push(trainer.step(&mut state.parameters, &mut state.optimizer, batches, rate, None)?);
            bar.advance(1);
            if interrupt::requested() {
                return Err(Error::interrupted("stopped on request while training twice"));
            }
        }
        Ok((losses, state.parameters))
    };
    let (first, second) = (run(loader_threads)?, run(0)?);
    let differs = first.0.iter().zip(&second.0).position(|(a, b)| a.to_bits() != b.to_bits());
    if let Some(step) = differs {
        return Err(different(fold).because(format!("the losses of step {} differ", step + 1)));
    }
    let values = |run: &(Vec<f64>, Parameters)| -> Vec<u32> {
        run.1.values().iter().flatten().map(|value| value.to_bits()).collect()
    };
    if values(&first) != values(&second) {
        return Err(different(fold).because(format!("the weights after step {STEPS} differ")));
    }
    console.success(&format!("fold {fold}: {STEPS} steps twice gave the same bits"));
    Ok(())
}

fn different(fold: usize) -> Error {
    Error::new("the same training twice gave different results")
        .place(format!("fold {fold}"))
        .hint("this is a defect of the program or of the machine's memory; please report it with this output")
}
