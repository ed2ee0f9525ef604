//! Erosion and dilation of a mask with the cross of a voxel and its six face neighbours.

use rayon::prelude::*;

/// Erodes a mask (x fastest, `size` voxels) so many times. Voxels beyond the image count as outside, so that erosion also
/// eats inwards from the faces of the image.
pub fn erode(mask: &[bool], size: [usize; 3], iterations: usize) -> Vec<bool> {
    repeat(mask, size, iterations, |own, neighbours| own && neighbours.iter().all(|neighbour| *neighbour))
}

/// Dilates a mask (x fastest, `size` voxels) so many times.
pub fn dilate(mask: &[bool], size: [usize; 3], iterations: usize) -> Vec<bool> {
    repeat(mask, size, iterations, |own, neighbours| own || neighbours.iter().any(|neighbour| *neighbour))
}

fn repeat(
    mask: &[bool],
    size: [usize; 3],
    iterations: usize,
    rule: impl Fn(bool, [bool; 6]) -> bool + Sync,
) -> Vec<bool> {
    let mut mask = mask.to_vec();
    for _ in 0..iterations {
        mask = step(&mask, size, &rule);
    }
    mask
}

fn step(mask: &[bool], [nx, ny, nz]: [usize; 3], rule: &(impl Fn(bool, [bool; 6]) -> bool + Sync)) -> Vec<bool> {
    let mut result = vec![false; mask.len()];
    if mask.is_empty() {
        return result;
    }
    let at = |inside: bool, index: usize| inside && mask[index];
    result.par_chunks_mut(nx * ny).enumerate().for_each(|(z, plane)| {
        for (y, row) in plane.chunks_exact_mut(nx).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                let index = (z * ny + y) * nx + x;
                let neighbours = [
                    at(x > 0, index.wrapping_sub(1)),
                    at(x + 1 < nx, index + 1),
                    at(y > 0, index.wrapping_sub(nx)),
                    at(y + 1 < ny, index + nx),
                    at(z > 0, index.wrapping_sub(nx * ny)),
                    at(z + 1 < nz, index + nx * ny),
                ];
                *value = rule(mask[index], neighbours);
            }
        }
    });
    result
}
