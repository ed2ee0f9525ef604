//! Loading: from preprocessed arrays to training batches and whole volumes.
//!
//! [`case`] opens the arrays of a case, [`order`] says which cases a step trains on, [`place`] where their patches lie,
//! [`augment`] what is done to them. [`loader`] puts that together, [`stream`] does it ahead of time. All randomness is
//! keyed by seed, fold, epoch, step and sample: a batch depends neither on threads nor on what was loaded before.

pub mod augment;
pub mod case;
pub mod classes;
pub mod loader;
pub mod order;
pub mod patch;
pub mod place;
pub mod split;
pub mod stream;

mod array;
mod region;
mod store;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use augment::Switches;
pub use case::{CaseArrays, CaseFiles, WholeVolume};
pub use loader::{Batch, Loader, LoaderSettings};
pub use split::{Fold, Split};
pub use stream::{BatchStream, most_batches};
