//! Holes of a mask: what it encloses.

use crate::components::{Components, ComponentsError, Connectivity};

/// Voxels outside the mask (x fastest, `size` voxels) from which no way over voxels that share a face, all outside the mask,
/// leads to a face of the image. A hole that is open through a diagonal neighbour only is closed.
///
/// # Errors
/// As [`Components::of`].
pub fn holes(mask: &[bool], size: [usize; 3]) -> Result<Vec<bool>, ComponentsError> {
    let outside: Vec<bool> = mask.iter().map(|inside| !inside).collect();
    let components = Components::of(&outside, size, Connectivity::Faces)?;
    let mut is_open = vec![false; components.count + 1];
    is_open[0] = true;
    let [nx, ny, nz] = size;
    let ends = |index: usize, count: usize| index == 0 || index + 1 == count;
    for (row, labels) in components.labels.chunks_exact(nx.max(1)).enumerate() {
        if ends(row % ny, ny) || ends(row / ny, nz) {
            labels.iter().for_each(|label| is_open[*label as usize] = true);
        } else {
            [labels[0], labels[nx - 1]].iter().for_each(|label| is_open[*label as usize] = true);
        }
    }
    Ok(components.labels.iter().map(|label| !is_open[*label as usize]).collect())
}
