//! Components against a flood fill.

use mist_volume::components::{Components, ComponentsError, Connectivity};
use proptest::prelude::*;

/// Numbers components by walking from neighbour to neighbour.
fn flood_fill(mask: &[bool], size: [usize; 3], connectivity: Connectivity) -> Vec<u32> {
    let shared_axes = match connectivity {
        Connectivity::Faces => 1,
        Connectivity::Edges => 2,
        Connectivity::Corners => 3,
    };
    let [nx, ny, _] = size;
    let position = |index: usize| [index % nx, index / nx % ny, index / (nx * ny)];
    let neighbours = |a: usize, b: usize| {
        let (a, b) = (position(a), position(b));
        let steps = [0, 1, 2].map(|axis| a[axis].abs_diff(b[axis]));
        steps.iter().all(|&step| step <= 1) && steps.iter().sum::<usize>() <= shared_axes
    };
    let mut labels = vec![0; mask.len()];
    let mut count = 0;
    for seed in 0..mask.len() {
        if !mask[seed] || labels[seed] != 0 {
            continue;
        }
        count += 1;
        labels[seed] = count;
        let mut open = vec![seed];
        while let Some(voxel) = open.pop() {
            for other in 0..mask.len() {
                if mask[other] && labels[other] == 0 && neighbours(voxel, other) {
                    labels[other] = count;
                    open.push(other);
                }
            }
        }
    }
    labels
}

proptest! {
    #[test]
    fn agrees_with_a_flood_fill(
        // Rows are shorter or longer than the pieces that are compared at once.
        (mask, size) in prop_oneof![[1_usize..7, 1_usize..6, 1_usize..6], [30_usize..80, 1_usize..4, 1_usize..4]].prop_flat_map(|size| {
            let voxels = size.iter().product::<usize>();
            let density = 0.1_f64..0.7;
            (density.prop_flat_map(move |density| proptest::collection::vec(prop::bool::weighted(density), voxels)), Just(size))
        }),
        connectivity in prop::sample::select(vec![Connectivity::Faces, Connectivity::Edges, Connectivity::Corners]),
    ) {
        let found = Components::of(&mask, size, connectivity).unwrap();
        let expected = flood_fill(&mask, size, connectivity);
        prop_assert_eq!(found.count, expected.iter().copied().max().unwrap_or(0) as usize);
        let sizes: Vec<usize> = found.voxels().iter().map(Vec::len).collect();
        prop_assert_eq!(sizes.iter().sum::<usize>(), mask.iter().filter(|&&inside| inside).count());
        let [nx, ny, _] = size;
        for (statistics, voxels) in found.statistics(size).iter().zip(found.voxels()) {
            let along = |axis: usize| voxels.iter().map(move |&at| [at % nx, at / nx % ny, at / (nx * ny)][axis]);
            prop_assert_eq!(statistics.voxels, voxels.len());
            for axis in 0..3 {
                prop_assert_eq!(Some(statistics.start[axis]), along(axis).min());
                prop_assert_eq!(Some(statistics.end[axis] - 1), along(axis).max());
                let mean = along(axis).sum::<usize>() as f64 / voxels.len() as f64;
                prop_assert!((statistics.centroid[axis] - mean).abs() < 1e-9);
            }
        }
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(&one_thread.install(|| Components::of(&mask, size, connectivity).unwrap()), &found);
        prop_assert_eq!(found.labels, expected);
    }
}

#[test]
fn two_voxels_at_an_edge_are_joined_by_edges_but_not_by_faces() {
    let mut mask = [false; 8];
    mask[0] = true;
    mask[3] = true;
    let count = |connectivity| Components::of(&mask, [2; 3], connectivity).unwrap().count;
    assert_eq!([Connectivity::Faces, Connectivity::Edges, Connectivity::Corners].map(count), [2, 1, 1]);
}

#[test]
fn neighbours_are_6_18_and_26() {
    let count = |connectivity: Connectivity| connectivity.offsets().len();
    assert_eq!([Connectivity::Faces, Connectivity::Edges, Connectivity::Corners].map(count), [6, 18, 26]);
}

#[test]
fn nothing_has_no_components() {
    assert_eq!(Components::of(&[], [0, 3, 3], Connectivity::Faces).unwrap().count, 0);
    assert_eq!(Components::of(&[false; 27], [3; 3], Connectivity::Faces).unwrap().count, 0);
}

#[test]
fn a_mask_of_another_size_is_refused() {
    let error = Components::of(&[true; 5], [2; 3], Connectivity::Faces).unwrap_err();
    assert_eq!(error, ComponentsError::Length { size: [2; 3], found: 5 });
}
