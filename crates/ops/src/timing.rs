//! Times of the operations that run on a thread, for who asks; nothing is measured otherwise.

use std::cell::RefCell;
use std::time::Instant;

/// Which part of a step an operation ran in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Computing the result.
    Forward,
    /// Computing gradients, or what is done with them.
    Backward,
}

/// One run of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was computed and of which size; operations of the same name do the same work.
    pub name: String,
    /// Forward or backward.
    pub direction: Direction,
    /// By the clock.
    pub seconds: f64,
    /// Multiplications and additions of the formula, whatever the method needs; 0 where they are not what takes time.
    pub operations: f64,
}

thread_local! {
    /// Present while someone asks.
    static RECORDS: RefCell<Option<Vec<Record>>> = const { RefCell::new(None) };
}

/// Runs `work` and lists the operations that it ran on this thread, in order.
pub fn record<R>(work: impl FnOnce() -> R) -> (R, Vec<Record>) {
    let outer = RECORDS.replace(Some(Vec::new()));
    let result = work();
    (result, RECORDS.replace(outer).unwrap_or_default())
}

/// Runs a part of a step that is no operation, such as the optimizer; it is listed under `name`.
pub fn timed<R>(name: &str, direction: Direction, work: impl FnOnce() -> R) -> R {
    measured(direction, || (name.to_owned(), 0.0), work)
}

/// Runs `work`; `describe`, called only if someone asks, gives its name and its number of operations.
pub(crate) fn measured<R>(
    direction: Direction,
    describe: impl FnOnce() -> (String, f64),
    work: impl FnOnce() -> R,
) -> R {
    if RECORDS.with_borrow(Option::is_none) {
        return work();
    }
    let begin = Instant::now();
    let result = work();
    let seconds = begin.elapsed().as_secs_f64();
    let (name, operations) = describe();
    RECORDS.with_borrow_mut(|records| {
        if let Some(records) = records {
            records.push(Record { name, direction, seconds, operations });
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, FeatureMap, Gradients, conv3d, for_training, parameter};

    #[test]
    fn operations_are_listed_in_both_directions_while_someone_asks() {
        let step = || {
            let device = for_training();
            let x = FeatureMap::from_channels_last(vec![1.0; 2 * 27 * 4], [2, 3, 3, 3, 4], &device);
            let weight = parameter(vec![1.0; 4 * 5 * 27], &device);
            let conv = Conv { out_channels: 5, kernel: [3; 3], stride: [1; 3], padding: [1; 3], groups: 1 };
            let loss = conv3d(&x, weight.clone(), None, conv).into_channels_last().sum();
            Gradients::of(&loss).take(&weight)
        };
        let (gradient, records) = record(step);
        assert!(gradient.is_some());
        let products = 2.0 * f64::from(2 * 27 * 27 * 4 * 5);
        let found: Vec<_> = records.iter().map(|record| (record.direction, record.operations)).collect();
        // Only one of the two gradients is wanted.
        assert_eq!(found, [(Direction::Forward, products), (Direction::Backward, products)]);
        assert_eq!(records[0].name, records[1].name);
        assert!(records[0].name.contains("4 → 5"), "{}", records[0].name);
        assert!(records.iter().all(|record| record.seconds > 0.0));
        step();
        assert_eq!(record(|| ()).1, []);
    }
}
