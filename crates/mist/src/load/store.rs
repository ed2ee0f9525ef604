//! The cases of a loader, some of them held in memory.

use super::case::{CaseArrays, WholeVolume};
use super::classes::ClassVoxels;
use super::patch::Patch;
use super::place::{Draws, place_patch};
use crate::error::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Cases by position. A case is read completely, and checked, when it is first used; it then stays in memory if it fits
/// what is left of the budget, and otherwise is read by position for every patch. What comes out is the same. Where the
/// classes lie is kept of every case, and comes out of the same budget.
///
/// Cases in memory stay there: all are used equally often, so replacing one by another would gain nothing.
#[derive(Debug)]
pub struct Store {
    cases: Vec<Case>,
    cache_bytes: usize,
    free_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Case {
    arrays: CaseArrays,
    /// Held while the case is read, so that no two threads do it.
    ready: Mutex<Option<Arc<Ready>>>,
}

/// What is known of a case once it was read.
#[derive(Debug)]
struct Ready {
    classes: ClassVoxels,
    volume: Option<Arc<WholeVolume>>,
}

impl Store {
    /// Cases of which at most `cache_bytes` are kept in memory.
    pub fn new(cases: Vec<CaseArrays>, cache_bytes: usize) -> Self {
        let cases = cases.into_iter().map(|arrays| Case { arrays, ready: Mutex::new(None) }).collect();
        Self { cases, cache_bytes, free_bytes: AtomicUsize::new(cache_bytes) }
    }

    /// How much of the budget is used.
    pub fn used_bytes(&self) -> usize {
        self.cache_bytes - self.free_bytes.load(Ordering::Relaxed)
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// The files of a case.
    pub fn arrays(&self, case: usize) -> &CaseArrays {
        &self.cases[case].arrays
    }

    /// Fills a patch, before augmentation, at a place that is drawn for what is left of it inside a margin.
    pub fn cut(
        &self,
        case: usize,
        probability: f64,
        draws: &mut impl Draws,
        margin: [usize; 3],
        patch: &mut Patch<'_>,
    ) -> Result<()> {
        let ready = self.ready(case)?;
        let inner = [0, 1, 2].map(|axis| patch.size[axis] - 2 * margin[axis]);
        let anchor = place_patch(&ready.classes, inner, probability, draws);
        let anchor = [0, 1, 2].map(|axis| anchor[axis] as isize - margin[axis] as isize);
        match &ready.volume {
            Some(volume) => volume.cut(anchor, patch),
            None => self.arrays(case).read_patch(anchor, patch)?,
        }
        Ok(())
    }

    fn ready(&self, case: usize) -> Result<Arc<Ready>> {
        let Case { arrays, ready } = &self.cases[case];
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = &*ready {
            return Ok(ready.clone());
        }
        let found = if self.admit(arrays.bytes()) {
            let (volume, classes) = self.read_admitted(arrays)?;
            Ready { classes, volume: Some(volume) }
        } else {
            Ready { classes: arrays.check()?, volume: None }
        };
        let take = |free: usize| Some(free.saturating_sub(found.classes.bytes()));
        let _ = self.free_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        Ok(ready.insert(Arc::new(found)).clone())
    }

    fn read_admitted(&self, arrays: &CaseArrays) -> Result<(Arc<WholeVolume>, ClassVoxels)> {
        match arrays.read() {
            Ok((volume, classes)) => Ok((Arc::new(volume), classes)),
            Err(error) => {
                self.free_bytes.fetch_add(arrays.bytes(), Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn admit(&self, bytes: usize) -> bool {
        let take = |free: usize| free.checked_sub(bytes);
        self.free_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}
