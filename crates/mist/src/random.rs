//! The permutation that assigns cases to folds and splits off validation cases.
//!
//! It is the one place where random numbers do not come from `mist_nn::random`: the folds of a data set must be
//! those that the Python toolkit makes, so this is its generator (the 32-bit Mersenne Twister, Matsumoto & Nishimura
//! 1998) with its shuffle (Fisher–Yates from the end, masked rejection).

const WORDS: usize = 624;
const MIDDLE: usize = 397;
const TWIST: u32 = 0x9908_b0df;
const UPPER: u32 = 0x8000_0000;
const LOWER: u32 = 0x7fff_ffff;

/// A permutation of `0..count`, always the same for one seed.
pub fn permutation(seed: u32, count: usize) -> Vec<usize> {
    let mut generator = MersenneTwister::new(seed);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, generator.at_most(last));
    }
    order
}

struct MersenneTwister {
    state: [u32; WORDS],
    next: usize,
}

impl MersenneTwister {
    fn new(seed: u32) -> Self {
        let mut state = [0; WORDS];
        state[0] = seed;
        for i in 1..WORDS {
            let previous = state[i - 1];
            // The multiplier is that of the generator's published initialiser.
            state[i] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: WORDS }
    }

    /// Uniform in `0..=limit`: outputs are cut to as many bits as `limit` has and drawn again while too large.
    fn at_most(&mut self, limit: usize) -> usize {
        let mask = u32::MAX >> (limit as u32).leading_zeros();
        loop {
            let draw = (self.word() & mask) as usize;
            if draw <= limit {
                return draw;
            }
        }
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn refill(&mut self) {
        for i in 0..WORDS {
            let joined = (self.state[i] & UPPER) | (self.state[(i + 1) % WORDS] & LOWER);
            let twist = if joined & 1 == 1 { TWIST } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % WORDS] ^ (joined >> 1) ^ twist;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_output_is_that_of_the_published_generator() {
        // init_genrand(5489), the generator's default seed.
        assert_eq!(MersenneTwister::new(5489).word(), 3_499_211_612);
    }

    #[test]
    fn ten_cases_with_the_seed_of_the_folds() {
        assert_eq!(permutation(42, 10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
    }

    #[test]
    fn every_case_appears_once_beyond_one_refill() {
        let mut order = permutation(7, 2000);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..2000));
    }

    #[test]
    fn nothing_and_one_case() {
        assert!(permutation(42, 0).is_empty());
        assert_eq!(permutation(42, 1), [0]);
    }
}
