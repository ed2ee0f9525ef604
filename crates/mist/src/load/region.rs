//! Cutting boxes out of arrays.

/// The part of a patch that lies in its volume: a patch may reach beyond the ends, never before the start.
pub fn overlap(size: [usize; 3], anchor: [usize; 3], patch: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|axis| patch[axis].min(size[axis].saturating_sub(anchor[axis])))
}

/// Copies the box of size `patch` at `anchor` out of an array `[x][y][z][channel]` of this size; zero beyond the ends.
pub fn copy_box<T: Copy + Default>(
    source: &[T],
    size: [usize; 3],
    channels: usize,
    anchor: [usize; 3],
    patch: [usize; 3],
    target: &mut [T],
) {
    let inside = overlap(size, anchor, patch);
    if inside != patch {
        target.fill(T::default());
    }
    if inside.contains(&0) {
        return;
    }
    let length = inside[2] * channels;
    for x in 0..inside[0] {
        for y in 0..inside[1] {
            let from = (((anchor[0] + x) * size[1] + anchor[1] + y) * size[2] + anchor[2]) * channels;
            let to = (x * patch[1] + y) * patch[2] * channels;
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
            anchor in [0usize..6, 0usize..6, 0usize..6],
            channels in 1usize..3,
        ) {
            let source: Vec<u32> = (1..=(size.iter().product::<usize>() * channels) as u32).collect();
            let mut target = vec![99; patch.iter().product::<usize>() * channels];
            copy_box(&source, size, channels, anchor, patch, &mut target);
            for (i, found) in target.iter().enumerate() {
                let (voxel, channel) = (i / channels, i % channels);
                let within = [voxel / (patch[1] * patch[2]), voxel / patch[2] % patch[1], voxel % patch[2]];
                let at = [0, 1, 2].map(|axis| anchor[axis] + within[axis]);
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
