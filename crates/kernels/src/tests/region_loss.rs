use super::data::{bits, noise};
use crate::reference;
use crate::region_loss::{RegionLoss, backward, forward};
use proptest::prelude::*;

fn losses() -> impl Strategy<Value = RegionLoss> {
    let factor = prop_oneof![Just(0.0), 0.1f64..2.0];
    (1usize..4, 1usize..60, 2usize..7, any::<bool>(), factor.clone(), factor).prop_map(
        |(batch, voxels, classes, foreground, cross_entropy, dice)| RegionLoss {
            batch,
            voxels,
            classes,
            first_class: usize::from(foreground),
            cross_entropy,
            dice,
            eps: 1e-6,
        },
    )
}

fn data(loss: &RegionLoss, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let z = noise(seed, loss.batch * loss.voxels * loss.classes).into_iter().map(|z| 4.0 * z).collect();
    let labels = noise(seed + 1, loss.batch * loss.voxels);
    (
        z,
        labels
            .into_iter()
            .map(|label| ((label + 1.0) * 1e6) as usize % loss.classes)
            .map(|label| label as u8)
            .collect(),
    )
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
    let loss =
        RegionLoss { batch: 2, voxels: 10_000, classes: 3, first_class: 0, cross_entropy: 0.5, dice: 0.5, eps: 1e-6 };
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
    let loss = RegionLoss { batch: 1, voxels: 2, classes: 2, first_class: 0, cross_entropy: 1.0, dice: 1.0, eps: 1e-6 };
    assert!(forward(&loss, &[0.0, f32::NAN, 1.0, 2.0], &[0, 1]).0.is_nan());
}
