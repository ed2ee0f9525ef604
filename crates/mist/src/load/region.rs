//! Cutting boxes out of arrays.

/// The part of a patch that lies in its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Its first voxel in the volume.
    pub start: [usize; 3],
    /// Its first voxel in the patch.
    pub offset: [usize; 3],
    /// Its size; zero on an axis where nothing overlaps.
    pub size: [usize; 3],
}

/// The part of a patch at `anchor` that lies in a volume of this size; a patch may reach beyond it on all sides.
pub fn overlap(size: [usize; 3], anchor: [isize; 3], patch: [usize; 3]) -> Overlap {
    let along = |axis: usize| {
        let start = usize::try_from(anchor[axis]).unwrap_or(0).min(size[axis]);
        let offset = anchor[axis].min(0).unsigned_abs().min(patch[axis]);
        (start, offset, (patch[axis] - offset).min(size[axis] - start))
    };
    let parts = [0, 1, 2].map(along);
    Overlap { start: parts.map(|part| part.0), offset: parts.map(|part| part.1), size: parts.map(|part| part.2) }
}

/// Copies the box of size `patch` at `anchor` out of an array `[x][y][z][channel]` of this size; zero beyond its ends.
pub fn copy_box<T: Copy + Default>(
    source: &[T],
    size: [usize; 3],
    channels: usize,
    anchor: [isize; 3],
    patch: [usize; 3],
    target: &mut [T],
) {
    let Overlap { start, offset, size: inside } = overlap(size, anchor, patch);
    if inside != patch {
        target.fill(T::default());
    }
    if inside.contains(&0) {
        return;
    }
    let length = inside[2] * channels;
    for x in 0..inside[0] {
        for y in 0..inside[1] {
            let from = (((start[0] + x) * size[1] + start[1] + y) * size[2] + start[2]) * channels;
            let to = (((offset[0] + x) * patch[1] + offset[1] + y) * patch[2] + offset[2]) * channels;
            target[to..to + length].copy_from_slice(&source[from..from + length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_box_is_the_volume_inside_and_zero_beyond(
            size in [1usize..6, 1usize..6, 1usize..6],
            patch in [1usize..8, 1usize..8, 1usize..8],
            anchor in [-9isize..7, -9isize..7, -9isize..7],
            channels in 1usize..3,
        ) {
            let source: Vec<u32> = (1..=(size.iter().product::<usize>() * channels) as u32).collect();
            let mut target = vec![99; patch.iter().product::<usize>() * channels];
            copy_box(&source, size, channels, anchor, patch, &mut target);
            for (i, found) in target.iter().enumerate() {
                let (voxel, channel) = (i / channels, i % channels);
                let within = [voxel / (patch[1] * patch[2]), voxel / patch[2] % patch[1], voxel % patch[2]];
                let at = [0, 1, 2].map(|axis| usize::try_from(anchor[axis] + within[axis] as isize).unwrap_or(usize::MAX));
                let expected = if (0..3).all(|axis| at[axis] < size[axis]) {
                    source[((at[0] * size[1] + at[1]) * size[2] + at[2]) * channels + channel]
                } else {
                    0
                };
                prop_assert_eq!(*found, expected);
            }
        }
    }
}
