//! Memory is asked for before it is taken: a refusal names what would fit, a failed allocation ends the program.

use crate::error::{Error, Result};
use crate::memory::Allowance;

/// Bytes of an intensity, logit, probability or weight.
pub const BYTES_PER_VALUE: f64 = 4.0;

/// Most bytes of prepared weights for a byte of weights: Winograd's algorithm makes 216 numbers of 27.
pub const MOST_PREPARED: f64 = 8.0;

/// What a prediction works on.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Voxels of the preprocessed image.
    pub size: [usize; 3],
    /// Its channels.
    pub channels: usize,
    /// Outputs of the networks.
    pub outputs: usize,
    /// Networks whose results are averaged.
    pub networks: usize,
    /// Flips whose results are averaged.
    pub flips: usize,
    /// Voxels of the windows that a network gets at once.
    pub window_voxels: usize,
}

impl Work {
    fn voxels(&self) -> f64 {
        self.size.iter().map(|n| *n as f64).product()
    }

    /// Memory for the image and a flipped copy of it, the map of classes, and a batch of windows with its logits. What the
    /// network makes on the way is counted with the networks.
    fn fixed(&self) -> f64 {
        let copies = 1 + usize::from(self.flips > 1);
        let windows = self.window_voxels as f64 * (self.channels + self.outputs) as f64;
        BYTES_PER_VALUE * (self.voxels() * (copies * self.channels) as f64 + windows) + self.voxels()
    }

    /// Memory for each plane x = const at hand: the weights of the windows, the probabilities, and those that are being
    /// averaged.
    fn per_plane(&self) -> f64 {
        let maps = 1 + usize::from(self.flips > 1) + usize::from(self.networks > 1);
        BYTES_PER_VALUE * self.voxels() / self.size[0] as f64 * (1 + maps * self.outputs) as f64
    }

    /// Memory for the prediction of the whole image at once, in bytes.
    pub fn bytes(&self) -> f64 {
        self.fixed() + self.size[0] as f64 * self.per_plane()
    }

    /// Memory for the probabilities of all voxels, in bytes.
    pub fn probabilities(&self) -> f64 {
        BYTES_PER_VALUE * self.voxels() * self.outputs as f64
    }

    /// How many planes x = const can be predicted at once: all, where the memory allows it.
    ///
    /// # Errors
    /// Where it does not suffice for one.
    pub fn planes(&self, memory: Allowance) -> Result<usize> {
        let least = self.fixed() + self.per_plane();
        if let Some(why) = memory.shortage(least) {
            let [x, y, z] = self.size;
            return Err(Error::new(format!("the prediction needs more memory than {}", memory.bound()))
                .place(format!("{x} x {y} x {z} voxels, {} classes", self.outputs))
                .because(why));
        }
        let fits = memory.bytes().map(|bytes| ((bytes - self.fixed()) / self.per_plane()) as usize);
        Ok(fits.map_or(self.size[0], |fits| fits.clamp(1, self.size[0])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work =
        Work { size: [100, 100, 100], channels: 2, outputs: 3, networks: 1, flips: 1, window_voxels: 1000 };

    #[test]
    fn every_map_counts() {
        let windows = 4.0 * 1000.0 * 5.0;
        assert_eq!(WORK.bytes(), windows + 4e6 * (2.0 + 1.0 + 3.0) + 1e6);
        assert_eq!(Work { networks: 5, flips: 8, ..WORK }.bytes(), windows + 4e6 * (4.0 + 1.0 + 9.0) + 1e6);
        assert_eq!(WORK.probabilities(), 12e6);
    }

    #[test]
    fn as_many_planes_as_fit_are_predicted_at_once() {
        let planes = |bytes| WORK.planes(Allowance::Free(bytes));
        assert_eq!(planes(WORK.bytes()).unwrap(), 100);
        assert_eq!(planes(1e12).unwrap(), 100);
        assert_eq!(planes(WORK.bytes() - 1.0).unwrap(), 99);
        assert_eq!(planes(WORK.bytes() - 99.0 * 16e4).unwrap(), 1);
        assert_eq!(WORK.planes(Allowance::Unknown).unwrap(), 100, "where the system does not tell, nothing is refused");
        let text = planes(9e6).unwrap_err().to_string();
        assert!(text.starts_with("the prediction needs more memory than there is"), "{text}");
        assert!(text.contains("100 x 100 x 100 voxels, 3 classes"), "{text}");
    }
}
