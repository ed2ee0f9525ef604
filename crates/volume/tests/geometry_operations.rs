//! Laws of orientation, crop and percentiles.

use mist_volume::crop::{BoundingBox, BoxError, crop, uncrop};
use mist_volume::orientation::{SignedPermutation, from_standard, standard_axes, standard_geometry, to_standard};
use mist_volume::percentile::{percentile, percentile_f32, percentile_f64, volume_percentiles, volume_percentiles_f32};
use mist_volume::{Geometry, IDENTITY_DIRECTION, Volume};
use proptest::prelude::*;

/// All ways of permuting and flipping axes: image axis and sign per world axis.
fn orientations() -> Vec<SignedPermutation> {
    let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let signs = |bits: usize| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
    let with_signs = |image_axis| (0..8).map(move |bits| SignedPermutation { image_axis, reversed: signs(bits) });
    permutations.into_iter().flat_map(with_signs).collect()
}

fn direction(orientation: &SignedPermutation) -> [[f64; 3]; 3] {
    let mut direction = [[0.0; 3]; 3];
    for world in 0..3 {
        direction[world][orientation.image_axis[world]] = if orientation.reversed[world] { -1.0 } else { 1.0 };
    }
    direction
}

fn numbered(direction: [[f64; 3]; 3]) -> Volume<usize> {
    let geometry = Geometry { size: [3, 4, 5], spacing: [0.5, 1.5, 2.5], origin: [-7.0, 11.0, 13.0], direction };
    Volume::from_fn(geometry, |[x, y, z]| x + 10 * y + 100 * z)
}

#[test]
fn all_48_orientations_are_recognized_and_undone() {
    let all = orientations();
    assert_eq!(all.len(), 48);
    for orientation in all {
        let volume = numbered(direction(&orientation));
        assert_eq!(standard_axes(&volume.geometry().direction), orientation);
        let standard = to_standard(&volume);
        assert_eq!(standard.geometry().direction, IDENTITY_DIRECTION);
        assert_eq!(standard.geometry(), &standard_geometry(volume.geometry()));
        let back = from_standard(&standard, &volume.geometry().direction);
        assert_eq!(back.voxels(), volume.voxels());
        assert_eq!(back.geometry().spacing, volume.geometry().spacing);
        assert_eq!(back.geometry().direction, volume.geometry().direction);
    }
}

#[test]
fn every_voxel_stays_where_it_is_in_the_world() {
    for orientation in orientations() {
        let volume = numbered(direction(&orientation));
        let standard = to_standard(&volume);
        let [nx, ny, nz] = volume.size();
        for (x, y, z) in [(0, 0, 0), (nx - 1, 0, 1), (1, ny - 1, 0), (2, 2, nz - 1)] {
            let point = volume.geometry().physical_point([x as f64, y as f64, z as f64]);
            let at = [0, 1, 2].map(|axis| {
                ((point[axis] - standard.geometry().origin[axis]) / standard.geometry().spacing[axis]).round() as usize
            });
            assert_eq!(standard.get(at), volume.get([x, y, z]), "{orientation:?}");
        }
    }
}

#[test]
fn restoring_puts_the_origin_at_the_new_first_voxel() {
    let mut turned = IDENTITY_DIRECTION;
    turned[1][1] = -1.0;
    let standard = Volume::filled(Geometry::axis_aligned([4, 5, 6], [1.0, 2.0, 3.0]), 0_u8);
    assert_eq!(from_standard(&standard, &turned).geometry().origin, [0.0, 8.0, 0.0]);
}

#[test]
fn strongly_oblique_axes_are_matched_by_the_largest_element_first() {
    // Columns 0 and 1 both have their maximum in row 0; only one can have it.
    let oblique = [[0.7, 0.71, 0.1], [0.6, 0.5, -0.6], [0.4, -0.5, 0.8]];
    let axes = standard_axes(&oblique);
    assert_eq!(axes.image_axis, [1, 0, 2]);
    assert_eq!(axes.reversed, [false; 3]);
    assert_eq!(axes.to_standard(["a", "b", "c"]), ["b", "a", "c"]);
    assert_eq!(axes.from_standard(axes.to_standard([1, 2, 3])), [1, 2, 3]);
}

#[test]
fn boxes_that_do_not_fit_are_refused() {
    let volume = numbered(IDENTITY_DIRECTION);
    let inside = BoundingBox { start: [1, 1, 1], end: [2, 3, 4], original_size: [3, 4, 5] };
    for (start, end) in [([1, 1, 1], [3, 3, 4]), ([2, 1, 1], [1, 3, 4]), ([1, 1, 1], [2, 3, usize::MAX])] {
        let outside = BoundingBox { start, end, ..inside };
        assert!(matches!(crop(&volume, &outside), Err(BoxError::Outside { .. })));
    }
    let other = BoundingBox { original_size: [9, 9, 9], ..inside };
    assert!(matches!(crop(&volume, &other), Err(BoxError::OtherImage { .. })));
    assert!(matches!(uncrop(&volume, &inside, 0), Err(BoxError::OtherContent { .. })));
    assert_eq!(crop(&volume, &BoundingBox::whole([3, 4, 5])).unwrap(), volume);
}

proptest! {
    #[test]
    fn uncropping_undoes_cropping_inside_the_box(
        ends in [(0_usize..6, 0_usize..6), (0_usize..5, 0_usize..5), (0_usize..4, 0_usize..4)],
        orientation in 0_usize..48,
    ) {
        let geometry = Geometry {
            size: [6, 5, 4],
            spacing: [0.5, 1.0, 2.0],
            origin: [1.0, -2.0, 4.0],
            direction: direction(&orientations()[orientation]),
        };
        let volume = Volume::from_fn(geometry, |[x, y, z]| 1 + x + 10 * y + 100 * z);
        let found = BoundingBox {
            start: ends.map(|(a, b)| a.min(b)),
            end: ends.map(|(a, b)| a.max(b)),
            original_size: geometry.size,
        };
        let cropped = crop(&volume, &found).unwrap();
        prop_assert_eq!(cropped.size(), found.size());
        prop_assert_eq!(cropped.get([0; 3]), volume.get(found.start));
        prop_assert_eq!(cropped.geometry().origin, geometry.physical_point(found.start.map(|i| i as f64)));
        let back = uncrop(&cropped, &found, 0).unwrap();
        prop_assert_eq!(back.geometry(), &geometry);
        for (value, original) in back.voxels().iter().zip(volume.voxels()) {
            prop_assert!(value == original || *value == 0);
        }
        prop_assert_eq!(back.voxels().iter().filter(|&&value| value != 0).count(), found.voxel_count());
    }

    #[test]
    fn percentiles_are_those_of_a_full_sort(values in prop::collection::vec(-1000_i16..1000, 1..200), percent in 0.0..=100.0) {
        let mut sorted: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        sorted.sort_by(f64::total_cmp);
        let position: f64 = percent / 100.0 * (sorted.len() - 1) as f64;
        let below = position.floor() as usize;
        let above = (below + 1).min(sorted.len() - 1);
        let expected = sorted[below] + (sorted[above] - sorted[below]) * position.fract();
        let mut floats: Vec<f32> = values.iter().map(|&value| f32::from(value)).collect();
        prop_assert!((percentile(&mut floats, percent).unwrap() - expected).abs() < 1e-9);
        prop_assert!((f64::from(percentile_f32(&mut floats, percent).unwrap()) - expected).abs() < 1e-3);
        let mut doubles: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        prop_assert!((percentile_f64(&mut doubles, percent).unwrap() - expected).abs() < 1e-9);
    }
}

#[test]
fn nothing_has_no_percentile() {
    assert_eq!(percentile(&mut [], 50.0), None);
    assert_eq!(percentile_f32(&mut [2.5], 99.5), Some(2.5));
    assert_eq!(percentile_f64(&mut [4.0, 1.0, 2.0, 3.0], 50.0), Some(2.5));
}

proptest! {
    #[test]
    fn counted_percentiles_are_the_selected_ones(
        values in prop::collection::vec(prop_oneof![-1e3_f32..1e3, Just(0.0), Just(-0.0), Just(7.0)], 1..300),
        percents in [0.0..=100.0, 0.5..=0.5, 99.5..=99.5],
    ) {
        let mut kept: Vec<f32> = values.iter().copied().filter(|&value| value != 0.0).collect();
        let found = volume_percentiles(&values, |value| value != 0.0, percents);
        let single = volume_percentiles_f32(&values, |value| value != 0.0, percents);
        for i in 0..3 {
            prop_assert_eq!(found.map(|found| found[i]), percentile(&mut kept, percents[i]));
            prop_assert_eq!(single.map(|single| single[i]), percentile_f32(&mut kept, percents[i]));
        }
    }
}
