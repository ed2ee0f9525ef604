//! Work on many cases with a fixed number of threads.

use crate::error::{Error, Result};
use crate::interrupt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Applies `work` to every item on `workers` threads and returns the results in the order of the items, whatever the
/// number of threads.
///
/// At most `workers` items are in work at once, also where `work` itself runs in parallel: that bounds the memory,
/// and is why this is not a parallel iterator, which may begin a second item while it waits inside the first.
/// The first error, or a stop that the user asked for, keeps further items from being started; among the errors of
/// several threads the one of the first item is returned.
pub fn map<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while !stopped.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = match interrupt::requested() {
                true => Err(Error::interrupted("stopped on request")),
                false => work(item),
            };
            if result.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers.clamp(1, items.len().max(1)) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items_for_any_number_of_workers() {
        let items: Vec<usize> = (0..57).collect();
        for workers in [0, 1, 2, 7, 100] {
            let squares = map(&items, workers, |&item| Ok(item * item)).unwrap();
            assert!(squares.into_iter().eq(items.iter().map(|item| item * item)), "{workers} workers");
        }
    }

    #[test]
    fn an_error_stops_the_work_and_is_returned() {
        let items: Vec<usize> = (0..100).collect();
        for workers in [1, 2] {
            let started = AtomicUsize::new(0);
            let result: Result<Vec<()>> = map(&items, workers, |&item| {
                started.fetch_add(1, Ordering::Relaxed);
                if item >= 3 { Err(Error::new(format!("item {item} is broken"))) } else { Ok(()) }
            });
            assert_eq!(result.unwrap_err().to_string(), "item 3 is broken");
            assert!(started.load(Ordering::Relaxed) <= 3 + workers);
        }
    }

    #[test]
    fn no_items_no_results() {
        assert!(map(&[] as &[u8], 4, |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn never_more_items_in_work_than_workers() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        map(&[(); 40], 3, |()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
        .unwrap();
        assert!(most.load(Ordering::SeqCst) <= 3);
    }
}
