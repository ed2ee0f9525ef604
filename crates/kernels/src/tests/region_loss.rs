use super::data::{bits, noise, same_on_any_threads};
use crate::encoding::Encoding;
use crate::reference;
use crate::region_loss::{RegionLoss, backward, backward_on, forward, forward_on};
use crate::simd::Isa;
use proptest::prelude::*;

fn encodings() -> impl Strategy<Value = Encoding> {
    let classes = (1usize..9).prop_map(Encoding::classes);
    let regions = (1usize..9, 2usize..6).prop_flat_map(|(regions, labels)| {
        let members = prop::collection::vec(prop::collection::vec(any::<bool>(), regions), labels);
        members.prop_map(move |members| Encoding::regions(regions, &members))
    });
    let weights = prop::collection::vec(0.25f32..3.0, 8);
    (prop_oneof![classes, regions], any::<bool>(), any::<bool>(), weights).prop_map(
        |(encoding, ignoring, weighted, weights)| {
            let outputs = encoding.outputs();
            let encoding = if weighted { encoding.weighted(weights[..outputs].to_vec()) } else { encoding };
            if ignoring { encoding.ignoring(1) } else { encoding }
        },
    )
}

fn losses() -> impl Strategy<Value = RegionLoss> {
    let factor = prop_oneof![Just(0.0), 0.1f64..2.0];
    // Single groups of 16 voxels, several of them, and several chunks, all with and without a rest.
    let voxels = prop_oneof![8 => 1usize..60, 1 => 4000usize..8300, 1 => Just(64usize)];
    (1usize..4, voxels, encodings(), 0usize..2, factor.clone(), factor).prop_map(
        |(batch, voxels, encoding, first_output, cross_entropy, dice)| {
            let first_output = first_output.min(encoding.outputs() - 1);
            RegionLoss { batch, voxels, encoding, first_output, cross_entropy, dice, eps: 1e-6 }
        },
    )
}

fn data(loss: &RegionLoss, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let z = noise(seed, loss.batch * loss.voxels * loss.encoding.outputs()).into_iter().map(|z| 4.0 * z).collect();
    let known: Vec<u8> = (0..=u8::MAX).filter(|label| loss.encoding.knows(*label)).collect();
    let label = |noise: f32| known[((noise + 1.0) * 1e6) as usize % known.len()];
    (z, noise(seed + 1, loss.batch * loss.voxels).into_iter().map(label).collect())
}

proptest! {
    #[test]
    fn values_follow_the_formula(loss in losses(), seed in 0u64..1000) {
        let (z, labels) = data(&loss, seed);
        let truth = reference::region_loss::forward(&loss, &z, &labels);
        let (value, _) = forward(&loss, &z, &labels);
        // Next to 0 it is the difference of logits up to 4 in single precision.
        prop_assert!((f64::from(value) - truth).abs() <= 1e-6 * truth.abs().max(0.25), "{value} {truth}");
    }

    #[test]
    fn gradients_follow_the_formula(loss in losses(), seed in 0u64..1000) {
        // With little eps, E and M of few voxels may be almost the same; then the terms of the slope nearly cancel.
        let loss = RegionLoss { eps: 1.0, ..loss };
        let (z, labels) = data(&loss, seed);
        let (_, sums) = forward(&loss, &z, &labels);
        let truth = reference::region_loss::backward(&loss, &z, &labels);
        let largest = truth.iter().fold(0.0f64, |largest, slope| largest.max(slope.abs()));
        let bound = 1e-5 * largest + 1e-6 / labels.len() as f64;
        for (found, truth) in backward(&loss, &z, &labels, &sums, 1.0).iter().zip(truth) {
            prop_assert!((f64::from(*found) - truth).abs() <= bound, "{found} {truth} of {largest}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits(loss in losses(), seed in 0u64..1000) {
        let (z, labels) = data(&loss, seed);
        let run = |isa| {
            let (value, sums) = forward_on(isa, &loss, &z, &labels);
            let gradient = backward_on(isa, &loss, &z, &labels, &sums, 1.0);
            [vec![value.to_bits()], bits(&sums.error), bits(&sums.mass), bits(&gradient)]
        };
        let best = run(Isa::best());
        prop_assert!(Isa::all().all(|isa| run(isa) == best));
    }

    #[test]
    fn ignored_voxels_may_have_any_logits(loss in losses(), seed in 0u64..1000, broken in 0usize..3) {
        let loss = RegionLoss { encoding: loss.encoding.ignoring(255), ..loss };
        let outputs = loss.encoding.outputs();
        let (mut z, labels) = data(&loss, seed);
        let run = |z: &[f32]| {
            let (value, sums) = forward(&loss, z, &labels);
            (value.to_bits(), bits(&backward(&loss, z, &labels, &sums, 1.0)))
        };
        let (value, gradient) = run(&z);
        for (z, _) in z.chunks_mut(outputs).zip(&labels).filter(|(_, label)| **label == 255) {
            z.fill([f32::NAN, f32::INFINITY, f32::NEG_INFINITY][broken]);
        }
        prop_assert!(run(&z) == (value, gradient.clone()));
        let ignored = gradient.chunks(outputs).zip(&labels).filter(|(_, label)| **label == 255);
        prop_assert!(ignored.into_iter().all(|(dz, _)| dz.iter().all(|dz| *dz == 0)));
    }

    #[test]
    fn gradients_are_the_slopes_of_the_formula(loss in losses(), seed in 0u64..1000, at: prop::sample::Index) {
        let (mut z, labels) = data(&loss, seed);
        let (_, sums) = forward(&loss, &z, &labels);
        let gradient = backward(&loss, &z, &labels, &sums, 3.0);
        let at = at.index(z.len());
        let value = z[at];
        let step = 1.0f32 / 1024.0;
        let mut shifted = |shift: f32| {
            z[at] = value + shift;
            reference::region_loss::forward(&loss, &z, &labels)
        };
        let slope = 3.0 * (shifted(step) - shifted(-step)) / (f64::from(value + step) - f64::from(value - step));
        prop_assert!((f64::from(gradient[at]) - slope).abs() <= 1e-5 * slope.abs() + 1e-6, "{} {slope}", gradient[at]);
    }
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let loss = RegionLoss {
        batch: 2,
        voxels: 10_000,
        encoding: Encoding::classes(3).ignoring(3).weighted(vec![1.0, 2.0, 0.3]),
        first_output: 0,
        cross_entropy: 0.5,
        dice: 0.5,
        eps: 1e-6,
    };
    let (z, labels) = data(&loss, 5);
    same_on_any_threads(|| {
        let (value, sums) = forward(&loss, &z, &labels);
        let gradient = backward(&loss, &z, &labels, &sums, 1.0);
        [vec![value], sums.error, sums.mass, gradient].concat()
    });
}

#[test]
fn a_logit_that_is_no_number_stays_one() {
    let regions = Encoding::regions(2, &[vec![false; 2], vec![true; 2]]);
    for encoding in [Encoding::classes(2), regions, Encoding::classes(2).weighted(vec![0.0, 1.0])] {
        let encoding = encoding.ignoring(2);
        let loss =
            RegionLoss { batch: 1, voxels: 37, encoding, first_output: 0, cross_entropy: 1.0, dice: 1.0, eps: 1e-6 };
        let mut labels = [0, 1, 1, 0, 0].repeat(8)[..37].to_vec();
        labels[20] = 2;
        for at in (0..74).filter(|at| at / 2 != 20) {
            let mut z = noise(1, 74);
            z[at] = f32::NAN;
            let (value, sums) = forward(&loss, &z, &labels);
            assert!(value.is_nan(), "{at}");
            let gradient = backward(&loss, &z, &labels, &sums, 1.0);
            assert!(gradient[at].is_nan() && gradient[40..42] == [0.0; 2], "{at}");
        }
    }
}

#[test]
fn logits_far_apart_are_no_overflow() {
    let regions = Encoding::regions(2, &[vec![false, true], vec![true, false]]);
    // One voxel is right and one is wrong, which costs the distance.
    let z = [6e4, -6e4, 6e4, -6e4];
    let cases = [(Encoding::classes(2), 6e4, [0.5, -0.5, 0.0, 0.0]), (regions, 3e4, [0.0, 0.0, 0.25, -0.25])];
    for (encoding, expected, slopes) in cases {
        let loss =
            RegionLoss { batch: 1, voxels: 2, encoding, first_output: 0, cross_entropy: 1.0, dice: 0.0, eps: 1e-6 };
        let (value, sums) = forward(&loss, &z, &[1, 0]);
        let gradient = backward(&loss, &z, &[1, 0], &sums, 1.0);
        assert_eq!(value, expected);
        assert!(gradient.iter().zip(slopes).all(|(found, slope)| (found - slope).abs() < 1e-30), "{gradient:?}");
    }
}

#[test]
fn a_sample_without_truth_has_no_loss() {
    let encoding = Encoding::classes(2).ignoring(2);
    let loss = RegionLoss { batch: 1, voxels: 2, encoding, first_output: 0, cross_entropy: 1.0, dice: 1.0, eps: 1e-6 };
    let (z, labels) = ([0.0, 3.0, 1.0, 2.0], [2, 2]);
    let (value, sums) = forward(&loss, &z, &labels);
    assert_eq!(value, 0.0);
    assert_eq!(backward(&loss, &z, &labels, &sums, 1.0), [0.0; 4]);
}
