//! Seconds of the distance transform of a mask of several balls with thick slices.
//!
//! `cargo bench -p mist-volume --bench distance [-- SIZE]`, 512 if not given; threads by `RAYON_NUM_THREADS`.
//! `benches/compare_scipy.py` runs this beside SciPy.

use mist_volume::distance::{Lattice, squared_distances};
use std::time::Instant;

/// Milliseconds of the fastest of three runs are what is compared.
const RUNS: usize = 3;
/// Steps in mm, as of CT with thick slices.
const SPACING: [f64; 3] = [0.8, 0.8, 2.5];

/// True inside balls on a grid of eighths, of a quarter of that distance in radius.
fn is_site(at: [usize; 3], size: usize) -> bool {
    let cell = size as f64 / 8.0;
    let from_centre = |index: usize| (index as f64 / cell).fract() - 0.5;
    at.into_iter().map(|index| from_centre(index).powi(2)).sum::<f64>() < 0.0625
}

fn main() {
    let size = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(512);
    let sites: Vec<bool> =
        (0..size * size * size).map(|i| is_site([i % size, i / size % size, i / (size * size)], size)).collect();
    let lattice = Lattice::new([size; 3], SPACING).expect("a lattice");
    let time = |_| {
        let start = Instant::now();
        let squared = squared_distances(&sites, &lattice).expect("a mask of the lattice's size");
        (start.elapsed().as_secs_f64(), squared.iter().copied().fold(0.0, f64::max).sqrt())
    };
    let runs: Vec<(f64, f64)> = (0..RUNS).map(time).collect();
    let fastest = runs.iter().map(|run| run.0).fold(f64::INFINITY, f64::min);
    println!("{size}^3: {fastest:.3} s, the farthest point {:.6} mm away", runs[0].1);
}
