//! Batches prepared ahead of their use.

use super::augment::Buffers;
use super::loader::{Batch, Loader};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches ready beyond the one that each thread works on.
const READY_AHEAD: usize = 2;

/// Most batches that are in memory at once, prepared, in work, or being trained on, with so many threads.
pub fn most_batches(threads: usize) -> usize {
    1 + if threads == 0 { 0 } else { threads + READY_AHEAD }
}

/// The batches of consecutive steps, in order. An iterator; after an error it ends.
///
/// Threads prepare batches ahead, at most `threads + 2` of them at a time. As a batch is a pure function of epoch and step, the
/// number of threads changes nothing but the time. Dropping the stream stops the threads after the sample in hand.
#[derive(Debug)]
pub struct BatchStream {
    loader: Loader,
    epoch: usize,
    steps: Range<usize>,
    shared: Option<Arc<Shared>>,
    threads: Vec<JoinHandle<()>>,
    waited: Duration,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Debug)]
struct Queue {
    ready: BTreeMap<usize, Result<Batch>>,
    /// Next step that a thread will take on.
    next: usize,
    /// Steps below this may be taken on now.
    limit: usize,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchStream {
    /// Starts `threads` threads; with 0, batches are prepared when they are asked for.
    pub(super) fn start(loader: Loader, epoch: usize, steps: Range<usize>, threads: usize) -> Result<Self> {
        let mut stream =
            Self { loader, epoch, steps: steps.clone(), shared: None, threads: Vec::new(), waited: Duration::ZERO };
        let threads = threads.min(steps.len());
        if threads == 0 {
            return Ok(stream);
        }
        let limit = steps.end.min(steps.start + threads + READY_AHEAD);
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { ready: BTreeMap::new(), next: steps.start, limit }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        stream.shared = Some(shared.clone());
        for i in 0..threads {
            let (loader, shared, end) = (stream.loader.clone(), shared.clone(), steps.end);
            let thread = std::thread::Builder::new()
                .name(format!("loader {i}"))
                .spawn(move || work(&loader, &shared, epoch, end))
                .map_err(|error| Error::new("cannot start a loader thread").because(error))?;
            stream.threads.push(thread);
        }
        Ok(stream)
    }

    /// Time spent waiting for batches so far.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    fn take(&mut self, step: usize) -> Result<Batch> {
        let Some(shared) = &self.shared else {
            return self.loader.batch(self.epoch, step);
        };
        let mut queue = shared.queue();
        loop {
            if let Some(batch) = queue.ready.remove(&step) {
                queue.limit = self.steps.end.min(queue.limit + 1);
                shared.changed.notify_all();
                return batch;
            }
            queue = shared.wait(queue);
        }
    }
}

impl Iterator for BatchStream {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.steps.next()?;
        let start = Instant::now();
        let batch = self.take(step);
        self.waited += start.elapsed();
        if batch.is_err() {
            self.steps = 0..0;
        }
        Some(batch)
    }
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.stop.store(true, Ordering::Relaxed);
            // Under the lock, so that no thread misses it between looking and waiting.
            let _queue = shared.queue();
            shared.changed.notify_all();
        }
        for thread in self.threads.drain(..) {
            // A thread cannot panic: what it runs is caught and reported as an error of its step.
            let _ = thread.join();
        }
    }
}

/// Prepares batches until none is left or the stream is dropped.
fn work(loader: &Loader, shared: &Shared, epoch: usize, end: usize) {
    let mut buffers = Buffers::default();
    loop {
        let mut queue = shared.queue();
        while queue.next >= queue.limit && queue.next < end && !shared.stop.load(Ordering::Relaxed) {
            queue = shared.wait(queue);
        }
        if queue.next >= end || shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let step = queue.next;
        queue.next += 1;
        drop(queue);
        let batch = catch_unwind(AssertUnwindSafe(|| loader.batch_unless(epoch, step, &shared.stop, &mut buffers)));
        let batch = match batch {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(batch))) => Ok(batch),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new(format!("preparing the batch of epoch {epoch}, step {step} broke off"))
                .because("an internal error, see the message above")),
        };
        shared.queue().ready.insert(step, batch);
        shared.changed.notify_all();
    }
}
