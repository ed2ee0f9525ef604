//! Training steps per second that the loader alone can feed: `cargo bench -p mist --bench loader`.
//!
//! Made-up cases of the size of the Medical Segmentation Decathlon's hippocampus (about 36 x 50 x 35 voxels, one channel,
//! two foreground classes), batches of two patches.

use mist::load::{CaseArrays, CaseFiles, Loader, LoaderSettings, Switches};
use std::path::Path;
use std::time::{Duration, Instant};

const CASES: usize = 40;
const CLASSES: usize = 3;
const MEASURED: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let cases = make_cases(folder.path())?;
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

fn make_cases(folder: &Path) -> Result<Vec<CaseArrays>, Box<dyn std::error::Error>> {
    std::fs::create_dir(folder.join("images"))?;
    std::fs::create_dir(folder.join("labels"))?;
    let mut cases = Vec::new();
    for case in 0..CASES {
        let files = CaseFiles::in_folder(folder, &case.to_string(), false);
        let size = [33 + case % 7, 46 + case % 9, 31 + case % 8];
        let voxels = size.iter().product::<usize>();
        // Any cheap texture will do: nothing depends on the values.
        let image: Vec<f32> = (0..voxels).map(|i| ((i * 7919 + case) % 1009) as f32 / 250.0 - 2.0).collect();
        let mut label = vec![0u8; voxels];
        for (x, plane) in label.chunks_mut(size[1] * size[2]).enumerate().skip(8).take(18) {
            for row in plane.chunks_mut(size[2]).skip(12).take(20) {
                row[10..22].fill(if x < 17 { 1 } else { 2 });
            }
        }
        mist_volume::npy::write(&files.image, &[size[0], size[1], size[2], 1], &image)?;
        mist_volume::npy::write(&files.label, &[size[0], size[1], size[2], 1], &label)?;
        cases.push(CaseArrays::open(files, CLASSES)?);
    }
    Ok(cases)
}
