//! What holds for every metric and every pair of masks.

use mist_metrics::Comparison;
use mist_metrics::metric::{self, Settings};
use mist_volume::distance::Lattice;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Scene {
    size: [usize; 3],
    spacing: [f64; 3],
    truth: Vec<bool>,
    prediction: Vec<bool>,
}

prop_compose! {
    fn scene()(
        size in [1_usize..8, 1_usize..7, 1_usize..6],
        spacing in [0.3_f64..3.0, 0.3_f64..3.0, 0.3_f64..3.0],
        density in 0.02_f64..0.98,
    )(
        truth in proptest::collection::vec(prop::bool::weighted(density), size.iter().product::<usize>()),
        prediction in proptest::collection::vec(prop::bool::weighted(density), size.iter().product::<usize>()),
        size in Just(size),
        spacing in Just(spacing),
    ) -> Scene {
        Scene { size, spacing, truth, prediction }
    }
}

/// Values of the metrics that compare whole masks.
fn values_of_whole_masks(scene: &Scene) -> Vec<(&'static str, f64)> {
    values(scene).into_iter().filter(|(name, _)| !name.starts_with("lesion_wise")).collect()
}

/// Values of all metrics, in order of name.
fn values(scene: &Scene) -> Vec<(&'static str, f64)> {
    let grid = Lattice::new(scene.size, scene.spacing).unwrap();
    let comparison = Comparison::new(&scene.truth, &scene.prediction, grid).unwrap();
    let score = |name| metric::find(name).unwrap().score(&comparison, &Settings::default()).value;
    metric::names().into_iter().map(|name| (name, score(name))).collect()
}

fn assert_same(found: &[(&str, f64)], expected: &[(&str, f64)]) -> Result<(), TestCaseError> {
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        prop_assert!(
            (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{name}: {found} instead of {expected}"
        );
    }
    Ok(())
}

/// Axis `n` of the result is axis `permutation[n]` of `mask`, mirrored if `flip[n]`.
fn moved(mask: &[bool], size: [usize; 3], permutation: [usize; 3], flip: [bool; 3]) -> Vec<bool> {
    let [nx, ny, nz] = permutation.map(|axis| size[axis]);
    let mut result = Vec::with_capacity(mask.len());
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let mut from = [0; 3];
                for (axis, (position, length)) in [(x, nx), (y, ny), (z, nz)].into_iter().enumerate() {
                    from[permutation[axis]] = if flip[axis] { length - 1 - position } else { position };
                }
                result.push(mask[from[0] + size[0] * (from[1] + size[1] * from[2])]);
            }
        }
    }
    result
}

proptest! {
    #[test]
    fn truth_and_prediction_can_be_exchanged(scene in scene()) {
        let exchanged =
            Scene { truth: scene.prediction.clone(), prediction: scene.truth.clone(), ..scene.clone() };
        assert_same(&values_of_whole_masks(&exchanged), &values_of_whole_masks(&scene))?;
    }

    #[test]
    fn a_perfect_prediction_has_the_best_values(scene in scene()) {
        for (name, value) in values_of_whole_masks(&Scene { prediction: scene.truth.clone(), ..scene.clone() }) {
            prop_assert_eq!(value, metric::find(name).unwrap().best, "{}", name);
        }
    }

    #[test]
    fn axes_can_be_exchanged_and_mirrored(
        scene in scene(),
        permutation in prop::sample::select(vec![[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]),
        flip in any::<[bool; 3]>(),
    ) {
        let turned = Scene {
            size: permutation.map(|axis| scene.size[axis]),
            spacing: permutation.map(|axis| scene.spacing[axis]),
            truth: moved(&scene.truth, scene.size, permutation, flip),
            prediction: moved(&scene.prediction, scene.size, permutation, flip),
        };
        assert_same(&values(&turned), &values(&scene))?;
    }

    #[test]
    fn distances_scale_with_the_spacing_and_overlaps_do_not(scene in scene()) {
        let larger = Scene { spacing: scene.spacing.map(|step| 2.0 * step), ..scene.clone() };
        for ((name, value), (_, larger)) in values_of_whole_masks(&scene).into_iter().zip(values_of_whole_masks(&larger)) {
            match name {
                "dice" => prop_assert_eq!(larger, value),
                "haus95" | "avg_surf" => prop_assert!((larger - 2.0 * value).abs() <= 1e-9 * larger.max(1.0), "{name}"),
                _ => prop_assert!(larger <= value + 1e-12, "{name} at a fixed tolerance"),
            }
        }
    }

    #[test]
    fn a_class_missed_altogether_has_the_worst_values(scene in scene()) {
        prop_assume!(scene.truth.contains(&true));
        let empty = vec![false; scene.truth.len()];
        let squares = [0, 1, 2].map(|axis| (scene.size[axis] as f64 * scene.spacing[axis]).powi(2));
        let diagonal = squares.iter().sum::<f64>().sqrt();
        for (name, value) in values(&Scene { prediction: empty, ..scene.clone() }) {
            let worst = if name.ends_with("haus95") || name == "avg_surf" { diagonal } else { 0.0 };
            prop_assert!((value - worst).abs() <= 1e-12 * diagonal, "{}", name);
        }
    }
}

#[test]
fn two_empty_masks_agree_perfectly() {
    let empty = Scene { size: [3, 2, 2], spacing: [1.0; 3], truth: vec![false; 12], prediction: vec![false; 12] };
    for (name, value) in values(&empty) {
        assert_eq!(value, metric::find(name).unwrap().best, "{name}");
    }
}

/// A row of voxels 1 mm long each, from a drawing: `#` is inside.
fn row(truth: &str, prediction: &str) -> Comparison {
    let mask = |drawing: &str| drawing.chars().map(|voxel| voxel == '#').collect::<Vec<_>>();
    let grid = Lattice::new([truth.len(), 1, 1], [1.0; 3]).unwrap();
    Comparison::new(&mask(truth), &mask(prediction), grid).unwrap()
}

fn lesion_scores(truth: &str, prediction: &str, settings: &[(&str, f64)]) -> [f64; 2] {
    let settings = Settings::new(settings.iter().map(|(name, value)| ((*name).to_owned(), *value)));
    let comparison = row(truth, prediction);
    ["lesion_wise_dice", "lesion_wise_f1"].map(|name| metric::find(name).unwrap().score(&comparison, &settings).value)
}

#[test]
fn lesions_without_dilation_match_only_what_overlaps_them() {
    let small = ("min_lesion_volume", 1.0);
    let (truth, beside) = ("##......##", "..##....##");
    assert_eq!(lesion_scores(truth, beside, &[small, ("dilation_iters", 0.0)]), [1.0 / 3.0, 0.5]);
    assert_eq!(lesion_scores(truth, beside, &[small, ("dilation_iters", 1.0)]), [0.5, 1.0]);
}

#[test]
fn a_lesion_below_the_limit_does_not_count_and_its_prediction_is_false() {
    let scores = lesion_scores("#...####", "#...####", &[("min_lesion_volume", 2.0)]);
    assert_eq!(scores, [0.5, 2.0 / 3.0]);
}

#[test]
fn consolidation_makes_one_lesion_of_close_pieces() {
    let count = ("min_lesion_volume", 1.0);
    let alone = ("dilation_iters", 0.0);
    // Apart, each of the two pieces is matched by the one component: Dice 2·2/(2+6) each.
    assert_eq!(lesion_scores("##..##", "######", &[count, alone])[0], 0.5);
    assert_eq!(lesion_scores("##..##", "######", &[count, alone, ("gt_consolidation_iters", 1.0)])[0], 0.8);
}
