//! Seconds of the two percentiles that normalization asks of a scan.
//!
//!     cargo bench -p mist-volume --bench percentiles [-- SIZE]
//!
//! The values are squared distances from the centres of the balls of the bench `distance`, SIZE along each axis.
//! `benches/compare_scipy.py` runs this beside NumPy.

use mist_volume::percentile::volume_percentiles;
use std::time::Instant;

fn main() {
    let size = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(512);
    let offset = |at: usize| ((at as f64 / (size as f64 / 8.0)) % 1.0 - 0.5).powi(2);
    let offsets: Vec<f64> = (0..size).map(offset).collect();
    let mut values = Vec::with_capacity(size * size * size);
    for z in &offsets {
        for y in &offsets {
            values.extend(offsets.iter().map(|x| (x + y + z) as f32));
        }
    }
    let begin = Instant::now();
    let [_, high] = volume_percentiles(&values, |_| true, [0.5, 99.5]).expect("there are values");
    println!("{size}^3: {:.3} s, the upper percentile {high:.9}", begin.elapsed().as_secs_f64());
}
