//! From the probabilities of 117 classes to a label map of 512 x 512 x 300 voxels: `cargo bench -p mist --bench many_classes`.
//!
//! The grid of the network is that of 1 mm voxels, 400 x 400 x 450. Its probabilities would be 34 GB; as in a prediction with
//! little memory they come slab by slab, here made up, and each slab is decided before the next one. Times are those of the
//! decision and of the way back to the scan's grid; memory is the most that the process ever held.

use mist::memory;
use mist::outputs::Outputs;
use mist::predict::ChannelsLast;
use mist::predict::restore::{Original, label_map};
use mist_volume::{Geometry, Volume};
use std::time::{Duration, Instant};

const CLASSES: usize = 117;
const NETWORK: [usize; 3] = [400, 400, 450];
const SCAN: [usize; 3] = [512, 512, 300];
const SPACING: [f64; 3] = [0.78125, 0.78125, 1.5];
/// Planes x = const at once, 0.8 GB of probabilities.
const PLANES: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let outputs = Outputs::classes(CLASSES);
    let mut classes = Volume::filled(Geometry::axis_aligned(NETWORK, [1.0; 3]), 0);
    let mut deciding = Duration::ZERO;
    for first in (0..NETWORK[0]).step_by(PLANES) {
        let slab = slab(first)?;
        let begin = Instant::now();
        outputs.decide(&slab, first, &mut classes)?;
        deciding += begin.elapsed();
    }
    let geometry = Geometry::axis_aligned(SCAN, SPACING);
    let original = Original { geometry: &geometry, bounding_box: None, untouched: false };
    let labels: Vec<i64> = (0..CLASSES as i64).collect();
    let begin = Instant::now();
    let map = label_map(&classes, &original, &labels)?;
    let restoring = begin.elapsed();
    let found = map.voxels().iter().fold([false; CLASSES], |mut found, label| {
        found[usize::from(*label)] = true;
        found
    });
    println!("{} of {CLASSES} classes in {:?} voxels", found.iter().filter(|found| **found).count(), map.size());
    println!("deciding {:.1} s, restoring {:.1} s", deciding.as_secs_f64(), restoring.as_secs_f64());
    println!("most memory {}", memory::peak().map_or("not known".to_owned(), memory::readable));
    Ok(())
}

/// Probabilities of some planes: blocks of voxels of one class each.
fn slab(first: usize) -> Result<ChannelsLast, Box<dyn std::error::Error>> {
    let size = [PLANES, NETWORK[1], NETWORK[2]];
    let mut values = vec![0.001; size.iter().product::<usize>() * CLASSES];
    for (voxel, values) in values.chunks_exact_mut(CLASSES).enumerate() {
        let [x, y, z] = [first + voxel / (size[1] * size[2]), voxel / size[2] % size[1], voxel % size[2]];
        values[(x / 40 * 121 + y / 40 * 11 + z / 45) % CLASSES] = 0.9;
    }
    Ok(ChannelsLast::new(size, CLASSES, values)?)
}
