//! Memory is asked for before it is taken: a refusal names what would fit, a failed allocation ends the program.

use crate::error::{Error, Result};
use crate::memory::Allowance;
use mist_nn::KernelCache;

const BYTES_PER_VALUE: f64 = 4.0;

/// Most bytes of prepared weights for a byte of weights: Winograd's algorithm makes 216 numbers of 27.
const MOST_PREPARED: f64 = 8.0;

/// What is left of the memory once `networks` networks with so many parameters each are loaded: all stay so, and what their
/// layers prepare of them. Fails where they do not fit.
pub fn admit_networks(networks: usize, parameters: usize, memory: Allowance) -> Result<Allowance> {
    let weights = BYTES_PER_VALUE * parameters as f64;
    let prepared = (MOST_PREPARED * weights).min(KernelCache::MOST_BYTES as f64);
    let bytes = networks as f64 * (weights + prepared);
    match memory.shortage(bytes) {
        None => Ok(memory.without(bytes)),
        Some(why) => Err(Error::new(format!("{networks} networks need more memory than {}", memory.bound()))
            .because(why)
            .hint(format!(
                "copy fewer of the fold_*.pt files to a folder of their own, and give it with --models-dir; or {}",
                memory.or_more()
            ))),
    }
}

/// What a prediction works on.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Voxels of the preprocessed image.
    pub size: [usize; 3],
    /// Its channels.
    pub channels: usize,
    /// Classes of the networks.
    pub classes: usize,
    /// Networks whose results are averaged.
    pub networks: usize,
    /// Flips whose results are averaged.
    pub flips: usize,
}

impl Work {
    /// Memory for the image and a flipped copy of it, the weights of the windows, the probabilities at hand, and those that are
    /// being averaged.
    fn bytes(&self) -> f64 {
        let voxels: f64 = self.size.iter().map(|n| *n as f64).product();
        let maps = 1 + usize::from(self.flips > 1) + usize::from(self.networks > 1);
        BYTES_PER_VALUE * voxels * (2 * self.channels + 1 + maps * self.classes) as f64
    }

    /// Fails where the prediction does not fit into the memory.
    pub fn check(&self, memory: Allowance) -> Result<()> {
        memory.shortage(self.bytes()).map_or(Ok(()), |why| {
            let [x, y, z] = self.size;
            Err(Error::new(format!("the prediction needs more memory than {}", memory.bound()))
                .place(format!("{x} x {y} x {z} voxels, {} classes", self.classes))
                .because(why))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_of_probabilities_counts() {
        let work = Work { size: [100, 100, 100], channels: 2, classes: 3, networks: 1, flips: 1 };
        assert_eq!(work.bytes(), 4e6 * 8.0);
        assert_eq!(Work { networks: 5, flips: 8, ..work }.bytes(), 4e6 * 14.0);
        assert!(work.check(Allowance::Free(32e6)).is_ok());
        assert!(work.check(Allowance::Free(31.9e6)).is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let free = Allowance::Free(1.5e9);
        let left = admit_networks(5, 1_000_000, free).unwrap();
        assert_eq!(left, Allowance::Free(1.5e9 - 5.0 * 9.0 * 4e6));
        assert!(admit_networks(5, 30_000_000, free).is_ok());
        let unknown = Allowance::Unknown;
        assert!(admit_networks(5, 1 << 50, unknown).is_ok(), "where the system does not tell, nothing is refused");
        let text = admit_networks(5, 60_000_000, free).unwrap_err().to_string();
        assert!(text.starts_with("5 networks need more memory than there is: it takes at least"), "{text}");
        let work = Work { size: [1 << 20; 3], channels: 1, classes: 2, networks: 1, flips: 1 };
        assert!(work.check(free).unwrap_err().to_string().contains("1048576 x 1048576 x 1048576 voxels, 2 classes"));
    }
}
