//! Which cases a step trains on.

use mist_nn::random::{Place, Purpose, Stream};

/// Random passes over the cases, as a pure function of the epoch and the step.
///
/// Batches take consecutive cases of a shuffled pass; the last batch of a pass is short where the cases do not divide
/// evenly. Inside an epoch passes follow each other, and every epoch starts a new pass.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Number of cases.
    pub cases: usize,
    /// Cases per batch.
    pub batch_size: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Cross-validation fold.
    pub fold: u32,
}

impl Order {
    /// Batches in one pass.
    pub fn batches_per_pass(&self) -> usize {
        self.cases.div_ceil(self.batch_size.max(1))
    }

    /// The cases of a step, both counted from 0. Empty only if there are no cases.
    pub fn batch(&self, epoch: usize, step: usize) -> Vec<usize> {
        let batches = self.batches_per_pass();
        if batches == 0 {
            return Vec::new();
        }
        let place = Place { fold: self.fold, epoch: epoch as u32, step: (step / batches) as u32, sample: 0 };
        let mut pass: Vec<usize> = (0..self.cases).collect();
        Stream::new(self.seed, Purpose::CaseOrder, place).shuffle(&mut pass);
        let first = step % batches * self.batch_size;
        pass[first..self.cases.min(first + self.batch_size)].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_pass_has_every_case_once(
            cases in 1usize..40, batch_size in 1usize..9, epoch in 0usize..5, pass in 0usize..4, seed: u64,
        ) {
            let order = Order { cases, batch_size, seed, fold: 1 };
            let batches = order.batches_per_pass();
            let steps: Vec<Vec<usize>> = (0..batches).map(|i| order.batch(epoch, pass * batches + i)).collect();
            let (last, full) = steps.split_last().unwrap();
            prop_assert!(full.iter().all(|batch| batch.len() == batch_size));
            prop_assert_eq!(last.len(), cases - full.len() * batch_size);
            let mut seen = steps.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..cases).collect::<Vec<_>>());
        }
    }

    #[test]
    fn passes_epochs_folds_and_seeds_have_their_own_orders() {
        let order = Order { cases: 30, batch_size: 30, seed: 42, fold: 0 };
        let reference = order.batch(0, 0);
        assert_eq!(reference, order.batch(0, 0));
        assert_ne!(reference, order.batch(0, 1));
        assert_ne!(reference, order.batch(1, 0));
        assert_ne!(reference, Order { fold: 1, ..order }.batch(0, 0));
        assert_ne!(reference, Order { seed: 43, ..order }.batch(0, 0));
    }

    #[test]
    fn fewer_cases_than_the_batch_size_make_short_batches() {
        let order = Order { cases: 3, batch_size: 8, seed: 1, fold: 0 };
        assert_eq!(order.batch(0, 17).len(), 3);
        assert!(Order { cases: 0, ..order }.batch(0, 0).is_empty());
    }
}
