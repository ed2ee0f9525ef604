//! How many voxels a patch may have: what the memory of a GPU holds at a batch size.

use crate::config::Training;
use crate::error::{Error, Result};
use crate::gpu::{self, Gpu};
use std::fmt;

/// Bytes of a GPU that holds [`REFERENCE_BATCH`] patches of [`REFERENCE_VOXELS`]; also assumed where nothing is known.
const REFERENCE_BYTES: f64 = 16.0 * GIB;
const REFERENCE_BATCH: f64 = 2.0;
/// 128³: room for activations, gradients and optimizer of most networks, not measured for any.
const REFERENCE_VOXELS: f64 = (128 * 128 * 128) as f64;

const GIB: f64 = (1u64 << 30) as f64;

/// Memory of the GPU that is planned for, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpuMemory {
    /// The user, by `--memory-budget`; in bytes.
    Given(u64),
    /// The smallest GPU that this process may use.
    Found(Gpu),
    /// Nobody; there is no GPU, and 16 GiB are assumed.
    Assumed,
}

impl GpuMemory {
    /// What is given, or else that of the smallest visible GPU.
    pub fn new(given: Option<u64>) -> Self {
        let found = || gpu::smallest().map_or(Self::Assumed, Self::Found);
        given.map_or_else(found, Self::Given)
    }

    fn bytes(&self) -> f64 {
        match self {
            Self::Given(bytes) => *bytes as f64,
            Self::Found(gpu) => gpu.bytes as f64,
            Self::Assumed => REFERENCE_BYTES,
        }
    }
}

/// `a GPU of 16.0 GiB (no GPU found; --memory-budget sets it)`.
impl fmt::Display for GpuMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a GPU of {:.1} GiB ", self.bytes() / GIB)?;
        match self {
            Self::Given(_) => f.write_str("(--memory-budget)"),
            Self::Found(gpu) => write!(f, "({}, the smallest that is visible)", gpu.name),
            Self::Assumed => f.write_str("(no GPU found; --memory-budget sets it)"),
        }
    }
}

/// What the patch size is chosen for.
#[derive(Clone, Debug, PartialEq)]
pub struct VoxelBudget {
    memory: GpuMemory,
    given_batch: Option<usize>,
}

impl VoxelBudget {
    /// Refuses a batch of nothing.
    pub fn new(memory: GpuMemory, given_batch: Option<usize>) -> Result<Self> {
        match given_batch {
            Some(0) => {
                Err(Error::usage("--batch-size-per-gpu 0 is not allowed")
                    .because("it must be a whole number, 1 or more"))
            }
            _ => Ok(Self { memory, given_batch }),
        }
    }

    /// Patches of a training step.
    pub fn batch(&self) -> usize {
        self.given_batch.unwrap_or_else(|| Training::default().batch_size_per_gpu)
    }

    /// Voxels of a patch: the memory counts in proportion, the batch size against it.
    pub fn voxels(&self) -> f64 {
        let patches = self.memory.bytes() / REFERENCE_BYTES * (REFERENCE_BATCH / self.batch() as f64);
        (patches * REFERENCE_VOXELS).floor()
    }

    /// Says that even the smallest patch, which this one is, is more than the memory is thought to hold.
    pub fn excess(&self, patch: [usize; 3]) -> Option<String> {
        let voxels: f64 = patch.iter().map(|&extent| extent as f64).product();
        (voxels > self.voxels()).then(|| {
            format!(
                "a patch of {:.0} voxels would fit {}, but none that small is planned; training may run out of memory",
                self.voxels(),
                self.memory
            )
        })
    }
}

/// `a GPU of 8.0 GiB (--memory-budget) and a batch of 2 (default)`.
impl fmt::Display for VoxelBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.given_batch.map_or("default", |_| "--batch-size-per-gpu");
        write!(f, "{} and a batch of {} ({source})", self.memory, self.batch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(gib: f64, batch: Option<usize>) -> VoxelBudget {
        VoxelBudget::new(GpuMemory::Given((gib * GIB) as u64), batch).unwrap()
    }

    #[test]
    fn without_a_word_it_is_that_of_the_reference() {
        let assumed = VoxelBudget::new(GpuMemory::Assumed, None).unwrap();
        assert_eq!((assumed.voxels(), assumed.batch()), (2_097_152.0, 2));
        assert_eq!(budget(16.0, Some(2)).voxels(), 2_097_152.0);
    }

    #[test]
    fn memory_counts_in_proportion_and_the_batch_against_it() {
        assert_eq!(budget(8.0, None).voxels(), 1_048_576.0);
        assert_eq!(budget(40.0, None).voxels(), 5_242_880.0);
        assert_eq!(budget(16.0, Some(4)).voxels(), 1_048_576.0);
        assert_eq!(budget(24.0, Some(3)).voxels(), 2_097_152.0);
        assert_eq!(budget(0.1, Some(3)).voxels(), 8_738.0, "rounded down");
    }

    #[test]
    fn the_user_reads_where_the_numbers_come_from() {
        let text = |memory, batch| VoxelBudget::new(memory, batch).unwrap().to_string();
        assert_eq!(
            text(GpuMemory::Assumed, None),
            "a GPU of 16.0 GiB (no GPU found; --memory-budget sets it) and a batch of 2 (default)"
        );
        let gpu = Gpu { name: "NVIDIA A2".to_owned(), bytes: 15 << 30 };
        assert!(
            text(GpuMemory::Found(gpu), None)
                .starts_with("a GPU of 15.0 GiB (NVIDIA A2, the smallest that is visible)")
        );
        assert_eq!(
            text(GpuMemory::Given(8_000_000_000), Some(4)),
            "a GPU of 7.5 GiB (--memory-budget) and a batch of 4 (--batch-size-per-gpu)"
        );
    }

    #[test]
    fn a_memory_below_the_smallest_patch_is_remarked_on() {
        assert_eq!(budget(0.25, None).excess([32, 32, 32]), None);
        let excess = budget(0.125, None).excess([32, 32, 32]).unwrap();
        assert!(excess.starts_with("a patch of 16384 voxels would fit a GPU of 0.1 GiB"), "{excess}");
    }

    #[test]
    fn an_empty_batch_is_refused() {
        assert!(
            VoxelBudget::new(GpuMemory::Assumed, Some(0)).unwrap_err().to_string().contains("--batch-size-per-gpu 0")
        );
    }
}
