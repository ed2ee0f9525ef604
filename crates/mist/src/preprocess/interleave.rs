//! From image order (x fastest) to array order (channel fastest, then z, then y; x slowest).

/// Edge of the square of x and z positions that is moved at once, so that both sides stay in the cache.
const TILE: usize = 32;

/// Writes `voxels` (x fastest, `size` voxels) as channel `channel` of `channels` into `array`, whose order is
/// `[x][y][z][channel]`. `array` holds `voxels.len() · channels` values.
pub fn interleave<T: Copy>(voxels: &[T], size: [usize; 3], array: &mut [T], channel: usize, channels: usize) {
    let [nx, ny, nz] = size;
    for y in 0..ny {
        for z0 in (0..nz).step_by(TILE) {
            for x0 in (0..nx).step_by(TILE) {
                for x in x0..(x0 + TILE).min(nx) {
                    for z in z0..(z0 + TILE).min(nz) {
                        array[((x * ny + y) * nz + z) * channels + channel] = voxels[x + nx * (y + ny * z)];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_voxel_lands_at_its_index() {
        let size @ [nx, ny, nz] = [37, 3, 70];
        let voxels: Vec<usize> = (0..nx * ny * nz).collect();
        let mut array = vec![usize::MAX; voxels.len() * 2];
        interleave(&voxels, size, &mut array, 1, 2);
        for x in 0..nx {
            for y in 0..ny {
                for z in 0..nz {
                    let place = 2 * ((x * ny + y) * nz + z);
                    assert_eq!((array[place], array[place + 1]), (usize::MAX, x + nx * (y + ny * z)));
                }
            }
        }
    }
}
