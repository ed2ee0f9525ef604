use super::data::{bits, noise};
use crate::encoding::Encoding;
use crate::reference;
use crate::region_loss::{RegionLoss, backward, forward};
use proptest::prelude::*;

fn encodings() -> impl Strategy<Value = Encoding> {
    let classes = (2usize..7).prop_map(Encoding::classes);
    let regions = (1usize..4, 2usize..6).prop_flat_map(|(regions, labels)| {
        let members = prop::collection::vec(prop::collection::vec(any::<bool>(), regions), labels);
        members.prop_map(move |members| Encoding::regions(regions, &members))
    });
    let weights = prop::collection::vec(0.25f32..3.0, 7);
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
    (1usize..4, 1usize..60, encodings(), any::<bool>(), factor.clone(), factor).prop_map(
        |(batch, voxels, encoding, foreground, cross_entropy, dice)| {
            let first_output = if foreground { encoding.first_foreground() } else { 0 };
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
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (value, sums) = forward(&loss, &z, &labels);
            let gradient = backward(&loss, &z, &labels, &sums, 1.0);
            (value.to_bits(), bits(&sums.error), bits(&gradient))
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn a_logit_that_is_no_number_stays_one() {
    for encoding in [Encoding::classes(2), Encoding::regions(2, &[vec![false; 2], vec![true; 2]])] {
        let loss =
            RegionLoss { batch: 1, voxels: 2, encoding, first_output: 0, cross_entropy: 1.0, dice: 1.0, eps: 1e-6 };
        assert!(forward(&loss, &[0.0, f32::NAN, 1.0, 2.0], &[0, 1]).0.is_nan());
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
