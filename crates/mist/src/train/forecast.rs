//! What training will take in time and memory, found out by a few steps on weights that are thrown away.

use super::checkpoint::Checkpoint;
use super::fold::FoldRun;
use super::prepare::Cases;
use super::validate::Validator;
use crate::bench;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::memory::{self, Allowance, readable};
use crate::network;
use crate::text::{duration, plural};
use mist_nn::{KernelCache, Registry};
use std::time::Instant;

/// Timed steps. One more before them fills caches and memory.
const STEPS: usize = 3;

/// A forecast must cost little of what it forecasts.
const LEAST_STEPS: usize = 100 * (STEPS + 1);

/// Most voxels of each axis of a step that memory is judged by; networks that halve the axes up to six times take it.
const TRIED: usize = 64;

/// Of a weight, in bytes: itself, on the device, its gradient there and here, two averages of the optimizer, its own moving
/// average, and weight and averages once more while a checkpoint is written.
const BYTES_PER_WEIGHT: f64 = 10.0 * 4.0;

/// Most bytes that prediction prepares of a weight: Winograd's algorithm makes 216 numbers of 27.
const MOST_PREPARED: f64 = 8.0 * 4.0;

/// How long the parts of training take on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Seconds of a step, batches included.
    pub step: f64,
    /// Steps of an epoch.
    pub steps: usize,
    /// Seconds of the validation after an epoch.
    pub validation: f64,
    /// The most memory that the process held, in bytes, without cases; where the system tells.
    pub peak: Option<f64>,
    /// What all training cases take, in bytes.
    pub cases: f64,
    /// What of them can be kept in memory.
    pub kept: f64,
}

/// True for a run so long that a forecast is worth its time.
pub fn is_worthwhile(run: &FoldRun, folds: usize) -> bool {
    run.steps * run.epochs * folds >= LEAST_STEPS
}

/// Trains `state` for a few steps and validates a case of medium size. Writes nothing. `cases` are those of the run.
pub fn of(run: &FoldRun, mut state: Checkpoint, cases: &Cases) -> Result<Forecast> {
    let rate = state.schedule.rate(0);
    let mut begin = Instant::now();
    let each = run.batches_per_step;
    let mut batches = run.loader.stream(0, 0, (1 + STEPS) * each, run.loader_threads)?;
    for step in 0..=STEPS {
        let batches = batches.by_ref().take(each);
        run.trainer.step(&mut state.parameters, &mut state.optimizer, batches, rate, None)?;
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request before training began"));
        }
        if step == 0 {
            begin = Instant::now();
        }
    }
    let step = begin.elapsed().as_secs_f64() / STEPS as f64;

    let voxels = |index: &usize| run.validator.cases[*index].size().iter().product::<usize>();
    let mut order: Vec<usize> = (0..run.validator.cases.len()).collect();
    order.sort_by_key(voxels);
    let medium = order[order.len() / 2];
    let all: usize = order.iter().map(voxels).sum();
    let begin = Instant::now();
    Validator { cases: &run.validator.cases[medium..=medium], ..run.validator }.run(&state.parameters, |_| {})?;
    let validation = begin.elapsed().as_secs_f64() * all as f64 / voxels(&medium).max(1) as f64;
    let peak = memory::peak().map(|bytes| bytes - cases.loader.bytes_in_memory() as f64);
    let kept = cases.bytes.min(cases.cache_bytes as f64);
    Ok(Forecast { step, steps: run.steps, validation, peak, cases: cases.bytes, kept })
}

impl Forecast {
    /// For people, with the time of so many epochs of several folds together and of the folds' last predictions.
    pub fn text(&self, epochs: usize, folds: usize, allowed: Allowance) -> String {
        let epoch = self.steps as f64 * self.step + self.validation;
        let total = epochs as f64 * epoch + folds as f64 * self.validation;
        let part = match self.kept < self.cases {
            true => format!("a part of the training cases ({})", readable(self.cases)),
            false => "all training cases".into(),
        };
        let memory = self.peak.map_or(String::new(), |bytes| {
            format!("; {} of memory, and {} more for {part}; {allowed}", readable(bytes), readable(self.kept))
        });
        format!(
            "Forecast: {:.2} s per step and {} per epoch ({}, then validation); {} for {} of {}{memory}",
            self.step,
            duration(epoch),
            plural(self.steps, "step"),
            duration(total),
            plural(epochs, "epoch"),
            plural(folds, "fold"),
        )
    }
}

/// What weights, optimizer and a step of the configured batches take, in bytes, judged by a step on a corner of the patch.
/// Nothing where the system does not tell. Refuses what is more than there is.
pub fn check_memory(config: &Config, registry: &Registry, memory: Allowance) -> Result<Option<f64>> {
    let (patch, batch) = (config.spatial_config.patch_size, config.training.batch_size_per_gpu);
    let tried = patch.map(|extent| extent.min(TRIED));
    let Some(bytes) = bench::memory_of_step(config, tried, registry)? else { return Ok(None) };
    let voxels = |size: [usize; 3]| size.iter().product::<usize>() as f64;
    let weights: usize = network::build(config, registry)?.layout().count();
    let prepared = (MOST_PREPARED * weights as f64).min(KernelCache::MOST_BYTES as f64);
    let needs = Needs {
        weights: BYTES_PER_WEIGHT * weights as f64 + prepared,
        patch: bytes / voxels(tried) * voxels(patch),
        batch,
    };
    match memory.bytes().and_then(|available| needs.advice(available)) {
        None => Ok(Some(needs.bytes())),
        Some(advice) => Err(Error::new(format!("training needs more memory than {}", memory.bound()))
            .place(format!("patch {}, batches of {batch}", patch.map(|extent| extent.to_string()).join(" × ")))
            .because(format!("a step takes about {}, {memory}", readable(needs.bytes())))
            .hint(format!("{advice}, or {}", memory.or_more()))),
    }
}

/// What a step needs, in bytes.
struct Needs {
    /// Of the weights with all that belongs to them.
    weights: f64,
    /// Of each patch.
    patch: f64,
    /// Patches of a batch.
    batch: usize,
}

impl Needs {
    fn bytes(&self) -> f64 {
        self.weights + self.patch * self.batch as f64
    }

    /// What to do where this is more than what is available.
    fn advice(&self, available: f64) -> Option<String> {
        if self.bytes() <= available {
            return None;
        }
        let left = available - self.weights;
        Some(match (left / self.patch) as usize {
            _ if left <= 0.0 => "choose a smaller --model".to_owned(),
            0 => {
                let part = (left / self.patch / self.batch as f64).cbrt();
                format!("choose a --patch-size of at most {:.0} % of this along each axis", (100.0 * part).floor())
            }
            fits => format!("choose --batch-size-per-gpu {fits} or a smaller --patch-size"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_names_what_would_fit() {
        let advice = |patch, batch, available| Needs { weights: 500.0, patch, batch }.advice(available);
        assert_eq!(advice(1000.0, 2, 2500.0), None);
        let hint = advice(1000.0, 4, 2500.0);
        assert_eq!(hint.as_deref(), Some("choose --batch-size-per-gpu 2 or a smaller --patch-size"));
        let hint = advice(8000.0, 1, 1500.0);
        assert_eq!(hint.as_deref(), Some("choose a --patch-size of at most 50 % of this along each axis"));
        assert_eq!(advice(1.0, 1, 400.0).as_deref(), Some("choose a smaller --model"));
    }

    #[test]
    fn a_forecast_reads_like_a_plan() {
        let forecast = Forecast { step: 0.25, steps: 240, validation: 30.0, peak: Some(1.2e9), cases: 3e8, kept: 3e8 };
        assert_eq!(
            forecast.text(20, 2, Allowance::Free(2.1e10)),
            "Forecast: 0.25 s per step and 1 min per epoch (240 steps, then validation); 31 min for 20 epochs of 2 folds; \
             1.2 GB of memory, and 300 MB more for all training cases; 21.0 GB are free"
        );
        let forecast = Forecast { cases: 3.1e10, kept: 9.8e9, ..forecast };
        let text = forecast.text(20, 2, Allowance::Given(1.2e10));
        let expected = "and 9.8 GB more for a part of the training cases (31.0 GB); --max-memory allows 12.0 GB";
        assert!(text.ends_with(expected), "{text}");
    }
}
