//! The distance transform against the definition, and the laws that it obeys.

use mist_volume::distance::{DistanceError, Lattice, nearest_distances, squared_distances};
use proptest::prelude::*;

/// Nearest site by looking at all of them.
fn brute_force(sites: &[bool], lattice: &Lattice) -> Vec<f64> {
    let [nx, ny, nz] = lattice.size();
    let [sx, sy, sz] = lattice.spacing();
    let position = |index: usize| [index % nx, index / nx % ny, index / (nx * ny) % nz];
    let sites: Vec<_> = (0..sites.len()).filter(|&index| sites[index]).map(position).collect();
    (0..lattice.points())
        .map(position)
        .map(|[x, y, z]| {
            sites
                .iter()
                .map(|&[i, j, k]| {
                    let dx = x.abs_diff(i) as f64 * sx;
                    let dy = y.abs_diff(j) as f64 * sy;
                    let dz = z.abs_diff(k) as f64 * sz;
                    (dx * dx + dy * dy) + dz * dz
                })
                .fold(f64::INFINITY, f64::min)
        })
        .collect()
}

fn same(found: f64, expected: f64) -> bool {
    found == expected || (found - expected).abs() <= 1e-14 * expected.abs()
}

prop_compose! {
    /// Sparse to dense masks: `density` of 0 gives an empty one.
    fn scene()(
        size in [1_usize..14, 1_usize..12, 1_usize..10],
        spacing in [0.2_f64..4.0, 0.2_f64..4.0, 0.2_f64..4.0],
        density in prop_oneof![Just(0.0), 0.001_f64..0.05, 0.05_f64..1.0],
    )(
        sites in proptest::collection::vec(prop::bool::weighted(density), size.iter().product::<usize>()),
        size in Just(size),
        spacing in Just(spacing),
    ) -> (Vec<bool>, Lattice) {
        (sites, Lattice::new(size, spacing).expect("a valid lattice"))
    }
}

proptest! {
    #[test]
    fn agrees_with_the_definition((sites, lattice) in scene()) {
        let found = squared_distances(&sites, &lattice).unwrap();
        for (index, (found, expected)) in found.iter().zip(brute_force(&sites, &lattice)).enumerate() {
            prop_assert!(same(*found, expected), "point {index}: {found} instead of {expected}");
        }
    }

    #[test]
    fn distances_at_points_are_those_of_the_whole_lattice((sites, lattice) in scene(), picks in proptest::collection::vec(0.0_f64..1.0, 0..40)) {
        let points: Vec<usize> = picks.iter().map(|pick| (pick * lattice.points() as f64) as usize).collect();
        let whole = squared_distances(&sites, &lattice).unwrap();
        let expected: Vec<f64> = points.iter().map(|&point| whole[point].sqrt()).collect();
        prop_assert_eq!(nearest_distances(&sites, &lattice, &points).unwrap(), expected);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit((sites, lattice) in scene()) {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| squared_distances(&sites, &lattice).unwrap())
        };
        prop_assert_eq!(with(1), with(3));
    }
}

#[test]
fn a_single_site_gives_the_distance_between_voxel_centres() {
    let lattice = Lattice::new([5, 4, 3], [0.5, 1.5, 2.0]).unwrap();
    let mut sites = vec![false; 60];
    sites[0] = true;
    let squared = squared_distances(&sites, &lattice).unwrap();
    assert_eq!(squared[4 + 5 * (3 + 4 * 2)], 2.0 * 2.0 + 4.5 * 4.5 + 4.0 * 4.0);
}

#[test]
fn without_a_site_every_distance_is_infinite() {
    let lattice = Lattice::new([3, 2, 2], [1.0; 3]).unwrap();
    assert!(squared_distances(&[false; 12], &lattice).unwrap().iter().all(|distance| distance.is_infinite()));
    assert_eq!(nearest_distances(&[false; 12], &lattice, &[7]).unwrap(), [f64::INFINITY]);
}

#[test]
fn an_empty_lattice_has_no_distances() {
    let lattice = Lattice::new([3, 0, 2], [1.0; 3]).unwrap();
    assert_eq!(squared_distances(&[], &lattice).unwrap(), Vec::<f64>::new());
}

#[test]
fn wrong_input_is_refused() {
    assert_eq!(Lattice::new([2; 3], [1.0, 0.0, 1.0]), Err(DistanceError::Spacing { spacing: [1.0, 0.0, 1.0] }));
    assert!(matches!(Lattice::new([2; 3], [1.0, f64::NAN, 1.0]), Err(DistanceError::Spacing { .. })));
    assert!(matches!(Lattice::new([usize::MAX, 2, 1], [1.0; 3]), Err(DistanceError::Size { .. })));
    let lattice = Lattice::new([2; 3], [1.0; 3]).unwrap();
    assert_eq!(squared_distances(&[true; 7], &lattice), Err(DistanceError::Length { expected: 8, found: 7 }));
    assert_eq!(nearest_distances(&[true; 8], &lattice, &[8]), Err(DistanceError::Point { point: 8, points: 8 }));
}
