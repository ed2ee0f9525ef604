//! Seconds of the skeleton of a mask of several balls.
//!
//!     cargo bench -p mist-volume --bench skeleton [-- SIZE]
//!
//! The mask is the one of the bench `distance`: 512 balls in an image of SIZE voxels along each axis.
//! `benches/compare_scipy.py` runs this beside scikit-image.

use mist_volume::skeleton::{Recheck, skeleton};
use std::time::Instant;

fn main() {
    let size = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(256);
    let offset = |at: usize| ((at as f64 / (size as f64 / 8.0)) % 1.0 - 0.5).powi(2);
    let offsets: Vec<f64> = (0..size).map(offset).collect();
    let mut mask = Vec::with_capacity(size * size * size);
    for z in &offsets {
        for y in &offsets {
            mask.extend(offsets.iter().map(|x| x + y + z < 0.0625));
        }
    }
    let begin = Instant::now();
    let found = skeleton(&mask, [size; 3], Recheck::Connectivity).expect("as many voxels as the size says");
    let voxels = found.iter().filter(|&&inside| inside).count();
    println!("{size}^3: {:.3} s, {voxels} voxels of skeleton", begin.elapsed().as_secs_f64());
}
