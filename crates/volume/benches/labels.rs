//! Seconds of resampling a label map with many classes, whose one-hot volumes are never made.
//!
//!     cargo bench -p mist-volume --bench labels [-- SIZE]
//!
//! The map has the balls of the bench `distance`, each with a label of its own up to 117, SIZE voxels along each axis of 1 mm;
//! it is resampled to 0.8 mm.

use mist_volume::resample::resample_labels;
use mist_volume::{Geometry, Volume};
use std::time::Instant;

const LABELS: i64 = 117;

fn main() {
    let size: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(256);
    let period = size as f64 / 8.0;
    let offset = |at: usize| ((at as f64 / period) % 1.0 - 0.5).powi(2);
    let mask = Volume::from_fn(Geometry::axis_aligned([size; 3], [1.0; 3]), |[x, y, z]| {
        let ball = [x, y, z].map(|at| (at as f64 / period) as i64);
        let label = 1 + (ball[0] + 8 * ball[1] + 64 * ball[2]) % LABELS;
        if offset(x) + offset(y) + offset(z) < 0.0625 { label as f32 } else { 0.0 }
    });
    let labels: Vec<i64> = (0..=LABELS).collect();
    let begin = Instant::now();
    let found = resample_labels(&mask, &labels, [0.8; 3]).expect("few labels");
    let seconds = begin.elapsed().as_secs_f64();
    let inside = found.voxels().iter().filter(|&&label| label > 0).count();
    println!("{size}^3 to {}^3: {seconds:.3} s, {inside} voxels inside", found.size()[0]);
}
