//! Memory that cases in work at the same time share.

use std::sync::{Condvar, Mutex, PoisonError};

/// So many bytes; a case waits until those before it leave what it needs.
pub struct Budget {
    total: f64,
    free: Mutex<f64>,
    returned: Condvar,
}

/// A share of the memory, given back when dropped.
pub struct Share<'a> {
    budget: &'a Budget,
    bytes: f64,
}

impl Budget {
    /// All memory there is, in bytes.
    pub fn new(total: f64) -> Self {
        Self { total, free: Mutex::new(total), returned: Condvar::new() }
    }

    /// Waits for so many bytes; for all there are, if more is asked for.
    ///
    /// A case takes all that it will need at once, so that one that has begun never waits for one that has not.
    pub fn take(&self, bytes: f64) -> Share<'_> {
        let bytes = bytes.clamp(0.0, self.total);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Share { budget: self, bytes }
    }
}

impl Share<'_> {
    /// Its size.
    pub fn bytes(&self) -> f64 {
        self.bytes
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    #[test]
    fn what_does_not_fit_waits_and_what_never_fits_gets_everything() {
        let budget = Budget::new(10.0);
        let (first, second) = (budget.take(4.0), budget.take(6.0));
        let began = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let share = budget.take(100.0);
                began.store(true, Ordering::SeqCst);
                share.bytes()
            });
            std::thread::sleep(Duration::from_millis(20));
            drop(first);
            assert!(!began.load(Ordering::SeqCst));
            drop(second);
            assert_eq!(waiting.join().unwrap(), 10.0);
        });
        assert_eq!(budget.take(10.0).bytes(), 10.0);
    }
}
