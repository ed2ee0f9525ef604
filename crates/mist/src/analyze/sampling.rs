//! A regular subset of the foreground of a mask, for statistics of intensities.

/// Indices of every `stride`-th foreground voxel (`mask` is not 0) of an x-fastest volume of `size` voxels, starting with the
/// first, in the order in which the reference meets them: z runs fastest and x slowest.
///
/// Goes through the memory in order: what comes before a voxel in the other order is the columns along z before its own, which
/// are counted first.
pub fn every_nth_of_foreground(mask: &[f32], size: [usize; 3], stride: impl FnOnce(usize) -> usize) -> Vec<usize> {
    let [nx, ny, _] = size;
    let plane = nx * ny;
    if plane == 0 {
        return Vec::new();
    }
    let mut columns = vec![0_usize; plane];
    for slice in mask.chunks_exact(plane) {
        for (count, &value) in columns.iter_mut().zip(slice) {
            *count += usize::from(value != 0.0);
        }
    }
    let mut total = 0;
    for x in 0..nx {
        for y in 0..ny {
            let count = &mut columns[x + nx * y];
            total += std::mem::replace(count, total);
        }
    }
    let stride = stride(total).max(1);
    let mut chosen = vec![0; total.div_ceil(stride)];
    for (z, slice) in mask.chunks_exact(plane).enumerate() {
        for (column, (next, &value)) in columns.iter_mut().zip(slice).enumerate() {
            if value != 0.0 {
                if next.is_multiple_of(stride) {
                    chosen[*next / stride] = z * plane + column;
                }
                *next += 1;
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition.
    fn by_definition(mask: &[f32], [nx, ny, nz]: [usize; 3], stride: usize) -> Vec<usize> {
        let mut all = Vec::new();
        for x in 0..nx {
            for y in 0..ny {
                for z in 0..nz {
                    let index = x + nx * (y + ny * z);
                    if mask[index] != 0.0 {
                        all.push(index);
                    }
                }
            }
        }
        all.into_iter().step_by(stride).collect()
    }

    proptest! {
        #[test]
        fn voxels_are_those_of_the_definition(
            mask in prop::collection::vec(0_u8..3, 2 * 3 * 4),
            stride in 1_usize..7,
        ) {
            let mask: Vec<f32> = mask.into_iter().map(f32::from).collect();
            let size = [3, 2, 4];
            prop_assert_eq!(every_nth_of_foreground(&mask, size, |_| stride), by_definition(&mask, size, stride));
        }
    }

    #[test]
    fn the_stride_may_depend_on_the_count() {
        let chosen = every_nth_of_foreground(&[1.0, 0.0, 2.0, 1.0], [4, 1, 1], |count| {
            assert_eq!(count, 3);
            2
        });
        assert_eq!(chosen, [0, 3]);
        assert!(every_nth_of_foreground(&[0.0; 4], [4, 1, 1], |count| count).is_empty());
        assert!(every_nth_of_foreground(&[], [0, 1, 1], |count| count).is_empty());
    }
}
