//! Counter-based random numbers: every draw is a pure function of what it is for.
//!
//! Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). A [`Stream`] is keyed by
//! the run's seed and by where and why it draws, so results depend neither on the number of threads nor on
//! where a run was interrupted.

/// Why a stream draws. Part of the key, so that uses never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial weights of one named tensor.
    Weights = 1,
    /// Order of the cases in one pass over the data.
    CaseOrder = 2,
    /// Position of a patch.
    PatchPosition = 3,
    /// Augmentation of a patch.
    Augmentation = 4,
    /// Synthetic data.
    Synthesis = 5,
}

/// Where in a run a stream draws. Unused parts are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Cross-validation fold.
    pub fold: u32,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Step in the epoch, or pass over the data.
    pub step: u32,
    /// Sample in the batch, or index of the item.
    pub sample: u32,
}

/// A sequence of random numbers, fully determined by its key.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
    spare_normal: Option<f64>,
}

impl Stream {
    /// The stream of one purpose at one place of the run with this seed.
    pub fn new(seed: u64, purpose: Purpose, place: Place) -> Self {
        let mut low = seed ^ 0x9E37_79B9_7F4A_7C15;
        for part in [purpose as u32, place.fold, place.epoch, place.step, place.sample] {
            low = mix(low.wrapping_add(u64::from(part)).wrapping_mul(0xD134_2543_DE82_EF95));
        }
        let high = mix(low ^ 0xA076_1D64_78BD_642F);
        Self {
            key: [low as u32, (low >> 32) as u32],
            counter: [0, 0, high as u32, (high >> 32) as u32],
            block: [0; 4],
            used: 4,
            spare_normal: None,
        }
    }

    /// Next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            if self.counter[0] == 0 {
                self.counter[1] = self.counter[1].wrapping_add(1);
            }
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// Uniform in [0, 1), 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform integer in 0..count, without bias (Lemire 2019). `count` must be positive.
    pub fn below(&mut self, count: usize) -> usize {
        let count = count.max(1) as u64;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(count);
            if product as u64 >= count.wrapping_neg() % count {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal (Box and Muller 1958; both values of a pair are used).
    pub fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare_normal.take() {
            return value;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare_normal = Some(radius * sine);
        radius * cosine
    }

    /// Puts the items in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Finaliser of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let first = u64::from(counter[0]) * 0xD251_1F53;
        let second = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the Random123 distribution.
    #[test]
    fn philox_matches_the_published_vectors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    }

    #[test]
    fn streams_differ_by_place_and_purpose_and_repeat_by_key() {
        let place = Place { fold: 1, epoch: 2, step: 3, sample: 4 };
        let draw = |purpose, place| Stream::new(42, purpose, place).next_u64();
        let value = draw(Purpose::Augmentation, place);
        assert_eq!(value, draw(Purpose::Augmentation, place));
        assert_ne!(value, draw(Purpose::PatchPosition, place));
        assert_ne!(value, draw(Purpose::Augmentation, Place { sample: 5, ..place }));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::new(7, Purpose::Weights, Place::default());
        let count = 200_000;
        let mean = (0..count).map(|_| stream.uniform()).sum::<f64>() / f64::from(count);
        assert!((mean - 0.5).abs() < 3e-3, "{mean}");
        let normals: Vec<f64> = (0..count).map(|_| stream.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(count);
        let variance = normals.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(count);
        assert!(mean.abs() < 1e-2 && (variance - 1.0).abs() < 2e-2, "{mean} {variance}");
    }

    #[test]
    fn shuffle_keeps_every_item_once() {
        let mut items: Vec<usize> = (0..100).collect();
        Stream::new(1, Purpose::CaseOrder, Place::default()).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
