//! Made-up training cases, for timing the loader.

use crate::error::{Error, Result};
use crate::load::{CaseArrays, CaseFiles};
use std::path::Path;

/// Writes arrays of the size of the Medical Segmentation Decathlon's hippocampus (about 36 × 50 × 35 voxels) to a folder
/// and opens them.
pub fn made_up_cases(folder: &Path, count: usize, channels: usize, classes: usize) -> Result<Vec<CaseArrays>> {
    for part in ["images", "labels"] {
        crate::files::create_folder(&folder.join(part))?;
    }
    (0..count).map(|case| made_up_case(folder, case, channels, classes)).collect()
}

fn made_up_case(folder: &Path, case: usize, channels: usize, classes: usize) -> Result<CaseArrays> {
    let files = CaseFiles::in_folder(folder, &case.to_string(), false);
    let size @ [_, y, z] = [33 + case % 7, 46 + case % 9, 31 + case % 8];
    let voxels = size.iter().product::<usize>();
    // Any cheap texture will do: nothing depends on the values.
    let image: Vec<f32> = (0..voxels * channels).map(|i| ((i * 7919 + case) % 1009) as f32 / 250.0 - 2.0).collect();
    let mut label = vec![0u8; voxels];
    for (x, plane) in label.chunks_mut(y * z).enumerate().skip(8).take(18) {
        let class = 1 + (x - 8) * (classes - 1) / 18;
        for row in plane.chunks_mut(z).skip(12).take(20) {
            row[10..22].fill(class as u8);
        }
    }
    let failed = |error: mist_volume::npy::NpyError| Error::new("cannot write the array").because(error);
    let shape = |channels: usize| [size[0], y, z, channels];
    mist_volume::npy::write(&files.image, &shape(channels), &image).map_err(failed)?;
    mist_volume::npy::write(&files.label, &shape(1), &label).map_err(failed)?;
    CaseArrays::open(files, classes)
}
