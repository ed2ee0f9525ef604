//! How training shares out its memory: network, batches and validation get what they need, and what is left keeps cases
//! loaded between the steps. Results do not depend on it.

use crate::load::{CaseArrays, LoaderSettings, most_batches};
use crate::memory::Allowance;

/// For cases where nothing is known of the memory.
const UNKNOWN: f64 = (2_u64 << 30) as f64;

/// The program itself, with the stacks of its threads.
const PROGRAM: f64 = 64e6;

/// Part of the memory that is left alone: tables, file buffers, and what the allocator cannot use.
const RESERVE: f64 = 0.05;

/// Of memory that is merely free, cases get this part of what is left: the machine has other programs, and files that are
/// read again and again are better off in the system's cache.
const POLITE: f64 = 0.75;

/// Values per voxel and class while the largest case is validated: its logits, and their probabilities, truth and product in
/// the loss.
const VALUES_PER_CLASS: usize = 4;

/// Copies of a patch that a loader thread works with besides the batch: the box around it that is warped, and buffers.
const PATCHES_PER_THREAD: usize = 6;

/// What the memory of a training is, before it is known which cases a fold has.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// What the command may take.
    pub memory: Allowance,
    /// What network, optimizer and a step take, in bytes, where it could be tried.
    pub network: Option<f64>,
    /// The most that the process has held so far without cases, in bytes.
    pub held: f64,
    /// Threads that prepare batches.
    pub loader_threads: usize,
}

impl Budget {
    /// Nothing for cases.
    pub const NONE: Self = Self { memory: Allowance::Given(0.0), network: None, held: 0.0, loader_threads: 0 };

    /// Bytes for keeping cases of a fold.
    pub fn for_cases(&self, settings: &LoaderSettings, training: &[CaseArrays], validation: &[CaseArrays]) -> usize {
        let Some(allowed) = self.memory.bytes() else { return UNKNOWN as usize };
        let network = self.network.unwrap_or(allowed / 2.0);
        let loading = self.loading(settings, training) + validation.iter().map(validating).fold(0.0, f64::max);
        let left = allowed * (1.0 - RESERVE) - (PROGRAM + network).max(self.held) - loading;
        let share = if matches!(self.memory, Allowance::Given(_)) { left } else { POLITE * left };
        share.max(0.0) as usize
    }

    /// Batches in flight, and the labels that each thread looks through when it meets a case for the first time.
    fn loading(&self, settings: &LoaderSettings, cases: &[CaseArrays]) -> f64 {
        let Some(first) = cases.first() else { return 0.0 };
        let voxels = settings.patch_size.iter().product::<usize>();
        let floats = first.channels() + first.distance_channels().unwrap_or(0);
        let patch = voxels * (floats * size_of::<f32>() + 1);
        let patches =
            most_batches(self.loader_threads) * settings.batch_size + self.loader_threads * PATCHES_PER_THREAD;
        let labels = cases.iter().map(|case| case.size().iter().product::<usize>()).max().unwrap_or(0);
        patches as f64 * patch as f64 + (self.loader_threads * labels) as f64
    }
}

/// Bytes for validating a case, beside the windows, which are smaller than a step of training.
fn validating(case: &CaseArrays) -> f64 {
    let values = VALUES_PER_CLASS * case.classes() + 1;
    case.bytes() as f64 + (case.size().iter().product::<usize>() * values * size_of::<f32>()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Loader;
    use crate::load::testing::{Dataset, settings};
    use crate::train::step::Trainer;
    use mist_nn::Registry;
    use mist_nn::losses::{Classes, Encoding, dice_ce::DiceCe};
    use mist_nn::models::ModelConfig;
    use mist_nn::optimizers::{Kind, Optimizer};
    use mist_nn::parameters::Parameters;

    const BUDGET: Budget = Budget { memory: Allowance::Given(2e9), network: Some(1e9), held: 0.0, loader_threads: 0 };

    #[test]
    fn cases_get_what_network_batches_and_validation_leave() {
        let dataset = Dataset::new(false);
        let case = CaseArrays::open(dataset.case("a", [10, 10, 10], 1, 0), 3).unwrap();
        let settings = LoaderSettings { patch_size: [10; 3], batch_size: 2, ..settings() };
        let bytes = |budget: Budget| {
            budget.for_cases(&settings, std::slice::from_ref(&case), std::slice::from_ref(&case)) as f64
        };
        // The batch in work; the case, and 4 × 3 + 1 values of its voxels.
        let loading = 2.0 * 5e3 + 5e3 + 13.0 * 4e3;
        assert_eq!(bytes(BUDGET), 1.9e9 - 1.064e9 - loading);
        assert_eq!(bytes(Budget { memory: Allowance::Free(2e9), ..BUDGET }), 0.75 * (1.9e9 - 1.064e9 - loading));
        assert_eq!(bytes(Budget { held: 1.5e9, ..BUDGET }), 0.4e9 - loading, "what was seen to be needed counts");
        assert_eq!(bytes(Budget { network: None, ..BUDGET }), 1.9e9 - 1.064e9 - loading);
        assert_eq!(bytes(Budget { network: Some(3e9), ..BUDGET }), 0.0);
        assert_eq!(bytes(Budget { memory: Allowance::Unknown, ..BUDGET }), UNKNOWN);
        assert_eq!(bytes(Budget::NONE), 0.0);
        // Three batches more, buffers for six patches and the labels.
        let threaded = Budget { loader_threads: 1, ..BUDGET };
        assert_eq!(bytes(threaded), bytes(BUDGET) - (3.0 * 2.0 + 6.0) * 5e3 - 1e3);
    }

    #[test]
    fn training_does_not_depend_on_what_is_kept_in_memory() {
        const CLASSES: usize = 3;
        let dataset = Dataset::new(false);
        let ids = ["a", "b", "c"];
        let files: Vec<_> = ids.iter().enumerate().map(|(i, id)| dataset.case(id, [40, 36, 33], 1, i)).collect();
        let config = ModelConfig {
            in_channels: 1,
            out_channels: CLASSES,
            patch_size: [32; 3],
            target_spacing: [1.0; 3],
            extra: serde_json::Map::new(),
        };
        let model = Registry::builtin().build("nnunet-pocket", &config).unwrap();
        let loss = DiceCe::new(Classes::All);
        let (encoding, device) = (Encoding::classes(CLASSES), mist_nn::for_training());
        let trainer = Trainer { model: model.as_ref(), loss: &loss, encoding, clip_norm: 1.0, device };
        let trained = |cache_bytes: usize| {
            let cases = files.iter().map(|files| CaseArrays::open(files.clone(), CLASSES).unwrap()).collect();
            let settings = LoaderSettings { patch_size: [32; 3], cache_bytes, ..settings() };
            let loader = Loader::new(cases, settings).unwrap();
            let mut parameters = Parameters::initial(model.layout(), 1);
            let mut optimizer = Optimizer::new(Kind::AdamW, 1e-5, parameters.layout().parameters.len());
            for batch in loader.stream(0, 0, 4, 1).unwrap() {
                let batch = std::iter::once(batch);
                trainer.step(&mut parameters, &mut optimizer, batch, 1e-3, None).unwrap();
            }
            (loader.bytes_in_memory(), parameters)
        };
        let ((none, without), (all, with)) = (trained(0), trained(1 << 30));
        assert_eq!(none, 0);
        assert!(all > 3 * 40 * 36 * 33 * 5, "volumes and where their classes lie");
        assert!(without == with, "the weights differ");
    }
}
