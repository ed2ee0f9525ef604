//! Instance normalisation against its formulas.

use proptest::prelude::*;

use super::data::{bits, dot, error, noise, same_on_any_threads};
use crate::conv::Input;
use crate::instance_norm::{
    NormShape, Pending, apply_on, backward, backward_on, backward_residual_on, forward, forward_on, statistics,
};
use crate::reference::instance_norm as truth;
use crate::simd::Isa;
use crate::{Activation, instance_norm};

struct Case {
    shape: NormShape,
    x: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    residual: Option<Vec<f32>>,
    dy: Vec<f32>,
    activation: Activation,
}

const EPS: f32 = 1e-5;

impl Case {
    fn new(shape: NormShape, activation: Activation, has_residual: bool) -> Self {
        Self {
            shape,
            x: noise(1, shape.len()).into_iter().map(|value| 3.0 * value + 0.5).collect(),
            gamma: noise(2, shape.channels),
            beta: noise(3, shape.channels),
            residual: has_residual.then(|| noise(4, shape.len())),
            dy: noise(5, shape.len()),
            activation,
        }
    }

    /// All outputs of both directions, one after the other.
    fn outputs(&self, isa: Isa) -> Vec<Vec<f32>> {
        let Self { shape, x, gamma, beta, activation, dy, .. } = self;
        let residual = self.residual.as_deref();
        let (y, statistics) = forward_on(isa, shape, x, gamma, beta, EPS, *activation, residual);
        let norm = Pending::new(shape, &statistics, gamma, beta, *activation);
        let (back, residual) = match residual {
            Some(_) => backward_residual_on(isa, &norm, x, gamma, &y, dy),
            None => (backward_on(isa, &norm, x, gamma, dy, true), Vec::new()),
        };
        vec![y, statistics.mean, statistics.rstd, back.x, back.gamma, back.beta, residual]
    }

    fn expected(&self) -> Vec<Vec<f32>> {
        let Self { shape, x, gamma, beta, activation, dy, .. } = self;
        let residual = self.residual.as_deref();
        let (y, statistics) = truth::forward(shape, x, gamma, beta, EPS, *activation, residual);
        // The branch of the activation is taken from the fast output, where a sum next to 0 may round otherwise.
        let (fast, _) = forward(shape, x, gamma, beta, EPS, *activation, residual);
        let (back, of_residual) = truth::backward(shape, x, gamma, &statistics, &fast, dy, *activation);
        let residual = residual.map(|_| of_residual).unwrap_or_default();
        vec![y, statistics.mean, statistics.rstd, back.x, back.gamma, back.beta, residual]
    }

    fn check(&self) {
        let outputs = self.outputs(Isa::best());
        for (index, (result, expected)) in outputs.iter().zip(self.expected()).enumerate() {
            let error = error(result, &expected);
            assert!(error < 1e-4, "output {index}: error {error:e} of {:?}", self.shape);
        }
        for isa in Isa::all() {
            let same = outputs.iter().zip(self.outputs(isa)).all(|(a, b)| bits(a) == bits(&b));
            assert!(same, "{isa:?} differs for {:?}", self.shape);
        }
    }
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Activation::Identity), Just(Activation::LeakyRelu(0.01)), Just(Activation::LeakyRelu(0.0))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_directions_agree_with_the_formula(
        batch in 1usize..3, voxels in 8usize..3000, channels in 1usize..50, activation in activations(), residual: bool,
    ) {
        Case::new(NormShape { batch, voxels, channels }, activation, residual).check();
    }
}

#[test]
fn a_residual_may_be_pending() {
    let shape = NormShape { batch: 2, voxels: 700, channels: 19 };
    let [x, residual] = [1, 2].map(|seed| noise(seed, shape.len()));
    let [gamma, beta, other] = [3, 4, 5].map(|seed| noise(seed, shape.channels));
    let [of_x, of_residual] = [&x, &residual].map(|map| statistics(&shape, map, EPS));
    let norm = Pending::new(&shape, &of_x, &gamma, &beta, Activation::LeakyRelu(0.01));
    for activation in [Activation::Identity, Activation::LeakyRelu(0.2)] {
        let pending = Pending::new(&shape, &of_residual, &other, &gamma, activation);
        for isa in Isa::all() {
            let settled = apply_on(isa, &pending, &residual, None);
            let expected = apply_on(isa, &norm, &x, Some(Input::Map(&settled)));
            let found = apply_on(isa, &norm, &x, Some(Input::Pending(&residual, &pending)));
            assert_eq!(bits(&found), bits(&expected), "{isa:?}");
        }
    }
}

#[test]
fn a_large_mean_costs_no_digits() {
    let shape = NormShape { batch: 1, voxels: 5000, channels: 3 };
    let x: Vec<f32> = noise(1, shape.len()).into_iter().map(|value| 1e4 + value).collect();
    let (_, fast) = forward(&shape, &x, &[1.0; 3], &[0.0; 3], EPS, Activation::Identity, None);
    let (_, expected) = truth::forward(&shape, &x, &[1.0; 3], &[0.0; 3], EPS, Activation::Identity, None);
    assert!(error(&fast.rstd, &expected.rstd) < 1e-6);
    assert!(error(&fast.mean, &expected.mean) < 1e-6);
}

#[test]
fn a_constant_channel_becomes_beta() {
    let shape = NormShape { batch: 1, voxels: 100, channels: 1 };
    let (y, _) = forward(&shape, &[7.0; 100], &[2.0], &[0.25], EPS, Activation::Identity, None);
    assert_eq!(y, [0.25; 100]);
}

#[test]
fn a_nan_is_not_hidden_by_the_activation() {
    let shape = NormShape { batch: 1, voxels: 4, channels: 1 };
    let x = [1.0, f32::NAN, 2.0, 3.0];
    let (y, _) = forward(&shape, &x, &[1.0], &[0.0], EPS, Activation::LeakyRelu(0.01), None);
    assert!(y.iter().all(|value| value.is_nan()));
}

#[test]
fn the_gradient_predicts_small_changes() {
    let case = Case::new(NormShape { batch: 2, voxels: 40, channels: 5 }, Activation::Identity, false);
    let Case { shape, x, gamma, beta, dy, activation, .. } = &case;
    let (_, statistics) = forward(shape, x, gamma, beta, EPS, *activation, None);
    let norm = Pending::new(shape, &statistics, gamma, beta, *activation);
    let back = backward(&norm, x, gamma, dy);
    let step: Vec<f32> = noise(6, x.len()).into_iter().map(|value| 1e-2 * value).collect();
    let moved = |sign: f32| {
        let x: Vec<f32> = x.iter().zip(&step).map(|(x, step)| x + sign * step).collect();
        dot(dy, &instance_norm::forward(shape, &x, gamma, beta, EPS, *activation, None).0)
    };
    let (measured, predicted) = ((moved(1.0) - moved(-1.0)) / 2.0, dot(&back.x, &step));
    assert!((measured - predicted).abs() < 1e-3 * predicted.abs().max(0.1), "{measured} {predicted}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = Case::new(NormShape { batch: 2, voxels: 5000, channels: 20 }, Activation::LeakyRelu(0.01), true);
    same_on_any_threads(|| case.outputs(Isa::best()).concat());
}
