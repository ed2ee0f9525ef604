//! Morphology and holes against what their definitions say of single voxels.

use mist_volume::holes::holes;
use mist_volume::morphology::{dilate, erode};
use proptest::prelude::*;

type Mask = (Vec<bool>, [usize; 3]);

fn masks() -> impl Strategy<Value = Mask> {
    [1_usize..7, 1_usize..6, 1_usize..6].prop_flat_map(|size| {
        let voxels = size.iter().product::<usize>();
        let density = 0.2_f64..0.9;
        let mask =
            density.prop_flat_map(move |density| proptest::collection::vec(prop::bool::weighted(density), voxels));
        (mask, Just(size))
    })
}

fn position(index: usize, [nx, ny, _]: [usize; 3]) -> [usize; 3] {
    [index % nx, index / nx % ny, index / (nx * ny)]
}

/// Steps over faces between two voxels.
fn distance(a: usize, b: usize, size: [usize; 3]) -> usize {
    let (a, b) = (position(a, size), position(b, size));
    (0..3).map(|axis| a[axis].abs_diff(b[axis])).sum()
}

/// Steps over faces from a voxel to the nearest place beyond the image.
fn way_out(index: usize, size: [usize; 3]) -> usize {
    let at = position(index, size);
    (0..3).map(|axis| (at[axis] + 1).min(size[axis] - at[axis])).min().unwrap()
}

proptest! {
    #[test]
    fn dilation_reaches_what_is_that_many_steps_away((mask, size) in masks(), iterations in 0_usize..4) {
        let found = dilate(&mask, size, iterations);
        for index in 0..mask.len() {
            let near = (0..mask.len()).any(|other| mask[other] && distance(index, other, size) <= iterations);
            prop_assert_eq!(found[index], near);
        }
    }

    #[test]
    fn erosion_leaves_what_is_farther_from_everything_outside((mask, size) in masks(), iterations in 0_usize..4) {
        let found = erode(&mask, size, iterations);
        for index in 0..mask.len() {
            let near = (0..mask.len()).any(|other| !mask[other] && distance(index, other, size) <= iterations);
            prop_assert_eq!(found[index], mask[index] && !near && way_out(index, size) > iterations);
        }
    }

    #[test]
    fn holes_cannot_be_left((mask, size) in masks()) {
        let found = holes(&mask, size).unwrap();
        // From every face inwards, until nothing changes.
        let mut open: Vec<bool> = (0..mask.len()).map(|index| !mask[index] && way_out(index, size) == 1).collect();
        loop {
            let reached = |index: usize| {
                !mask[index] && (open[index] || (0..mask.len()).any(|o| open[o] && distance(index, o, size) == 1))
            };
            let more: Vec<bool> = (0..mask.len()).map(reached).collect();
            if more == open {
                break;
            }
            open = more;
        }
        for index in 0..mask.len() {
            prop_assert_eq!(found[index], !mask[index] && !open[index]);
        }
    }
}
