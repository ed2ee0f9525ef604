//! Training steps per second that the loader alone can feed: `cargo bench -p mist --bench loader`.
//!
//! Made-up cases of the size of the Medical Segmentation Decathlon's hippocampus (about 36 x 50 x 35 voxels, one channel,
//! two foreground classes), batches of two patches. `mist bench --pass train --loader` measures both together.

use mist::load::{Loader, LoaderSettings, Switches};
use std::time::{Duration, Instant};

const CASES: usize = 40;
const CLASSES: usize = 3;
const MEASURED: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let cases = mist::bench::made_up_cases(folder.path(), CASES, 1, CLASSES)?;
    println!("{:>6} {:>12} {:>9} {:>8} {:>10}", "patch", "augmentation", "in memory", "threads", "steps/s");
    for patch in [32, 64] {
        for (augmentation, name) in [(Switches::NONE, "none"), (Switches::STANDARD, "standard"), (Switches::ALL, "all")]
        {
            for (cache_bytes, cached) in [(0, "no"), (usize::MAX, "yes")] {
                for threads in [0, 2] {
                    let settings = LoaderSettings {
                        patch_size: [patch; 3],
                        spacing: [1.0; 3],
                        batch_size: 2,
                        foreground_probability: 0.6,
                        augmentation,
                        classes: CLASSES,
                        seed: 42,
                        fold: 0,
                        cache_bytes,
                    };
                    let loader = Loader::new(cases.clone(), settings)?;
                    let rate = steps_per_second(&loader, threads)?;
                    println!("{patch:>6} {name:>12} {cached:>9} {threads:>8} {rate:>10.0}");
                }
            }
        }
    }
    Ok(())
}

fn steps_per_second(loader: &Loader, threads: usize) -> Result<f64, mist::Error> {
    // The first pass reads and checks every case; it is not measured.
    for batch in loader.stream(0, 0, loader.steps_per_epoch(0), threads)? {
        batch?;
    }
    let start = Instant::now();
    let mut steps = 0;
    for batch in loader.stream(1, 0, usize::MAX, threads)? {
        batch?;
        steps += 1;
        if start.elapsed() > MEASURED {
            break;
        }
    }
    Ok(f64::from(steps) / start.elapsed().as_secs_f64())
}
