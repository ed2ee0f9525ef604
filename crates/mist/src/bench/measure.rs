//! Repeating and timing.

use crate::error::{Error, Result};
use crate::interrupt;
use mist_nn::timing::{self, Direction, Record};
use std::time::Instant;

/// Runs before the clock starts: caches and memory are as in a longer job.
const WARM_UP: usize = 2;
/// Least number of repetitions, however long one takes.
const LEAST: usize = 5;

/// Times of all repetitions.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Milliseconds by the clock.
    pub wall: Vec<f64>,
    /// Milliseconds of processor time, all threads together; empty where the system does not tell.
    pub processor: Vec<f64>,
    /// Multiplications and additions of one repetition.
    pub operations: f64,
    /// Operations by name, in the order of their first run; filled only on request.
    pub layers: Vec<Layer>,
}

/// All runs of operations of one name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layer {
    pub name: String,
    pub forward: Side,
    pub backward: Side,
}

/// One direction of a layer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Side {
    /// Runs in one repetition.
    pub calls: usize,
    /// Multiplications and additions of one repetition.
    pub operations: f64,
    /// Milliseconds of every repetition.
    pub times: Vec<f64>,
}

/// Repeats `work` for so many seconds, on what `prepare` makes for it while the clock stands.
pub(super) fn repeat<T>(
    seconds: f64,
    layers: bool,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> Result<()>,
) -> Result<Measured> {
    let mut measured = Measured::default();
    for _ in 0..WARM_UP {
        let (result, records) = timing::record(|| work(prepare()));
        result?;
        measured.operations = records.iter().map(|record| record.operations).sum();
    }
    let begin = Instant::now();
    while measured.wall.len() < LEAST || begin.elapsed().as_secs_f64() < seconds {
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request"));
        }
        let prepared = prepare();
        let (processor, start) = (processor_time(), Instant::now());
        let (result, records) = if layers { timing::record(|| work(prepared)) } else { (work(prepared), Vec::new()) };
        measured.wall.push(start.elapsed().as_secs_f64() * 1e3);
        if let (Some(before), Some(after)) = (processor, processor_time()) {
            measured.processor.push(after - before);
        }
        result?;
        measured.add(&records);
    }
    Ok(measured)
}

impl Measured {
    /// Adds the operations of a repetition.
    fn add(&mut self, records: &[Record]) {
        let repetition = self.wall.len();
        for record in records {
            let index = self.layers.iter().position(|layer| layer.name == record.name).unwrap_or_else(|| {
                self.layers.push(Layer { name: record.name.clone(), ..Layer::default() });
                self.layers.len() - 1
            });
            let layer = &mut self.layers[index];
            let side = match record.direction {
                Direction::Forward => &mut layer.forward,
                Direction::Backward => &mut layer.backward,
            };
            if side.times.len() < repetition {
                (side.calls, side.operations) = (0, 0.0);
                side.times.resize(repetition, 0.0);
            }
            side.calls += 1;
            side.operations += record.operations;
            if let Some(time) = side.times.last_mut() {
                *time += record.seconds * 1e3;
            }
        }
    }
}

/// The middle value; the lower one of two. 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// Milliseconds that all threads of this process have run, as Linux tells.
fn processor_time() -> Option<f64> {
    let nanoseconds = |thread: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let times: Vec<f64> = threads.flatten().filter_map(nanoseconds).collect();
    (!times.is_empty()).then(|| times.iter().sum::<f64>() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_measured_value() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0]), 1.0);
        assert_eq!(median(&[5.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn layers_of_one_name_are_added_within_a_repetition_and_kept_apart_between_them() {
        let mut prepared = 0;
        let work = |()| {
            for _ in 0..3 {
                timing::timed("a", Direction::Forward, || std::hint::black_box(()));
            }
            timing::timed("a", Direction::Backward, || ());
            Ok(())
        };
        let measured = repeat(0.0, true, || prepared += 1, work).unwrap();
        assert_eq!(prepared, WARM_UP + LEAST);
        assert_eq!([measured.wall.len(), measured.layers.len()], [LEAST, 1]);
        let Layer { name, forward, backward } = &measured.layers[0];
        assert_eq!((name.as_str(), forward.calls, backward.calls), ("a", 3, 1));
        assert_eq!([forward.times.len(), backward.times.len()], [LEAST; 2]);
    }

    #[test]
    fn an_error_ends_the_repetitions() {
        assert!(repeat(100.0, false, || (), |()| Err(Error::new("broken"))).is_err());
    }
}
