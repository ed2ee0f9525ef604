//! Layer normalisation against its formula.

use proptest::prelude::*;

use super::data::{bits, error, noise, same_on_any_threads};
use crate::layer_norm::{Gradients, backward_on, forward_on};
use crate::reference::layer_norm as truth;
use crate::simd::Isa;

const EPS: f32 = 1e-5;

struct Case {
    channels: usize,
    x: Vec<f32>,
    parameters: Option<[Vec<f32>; 2]>,
    dy: Vec<f32>,
}

impl Case {
    fn new(voxels: usize, channels: usize, affine: bool) -> Self {
        Self {
            channels,
            x: noise(1, voxels * channels).into_iter().map(|value| 3.0 + value).collect(),
            parameters: affine.then(|| [noise(2, channels), noise(3, channels)]),
            dy: noise(4, voxels * channels),
        }
    }

    fn affine(&self) -> Option<[&[f32]; 2]> {
        self.parameters.as_ref().map(|parameters| parameters.each_ref().map(Vec::as_slice))
    }

    fn outputs(&self, isa: Isa) -> [Vec<f32>; 4] {
        let y = forward_on(isa, self.channels, &self.x, self.affine(), EPS);
        let gamma = self.affine().map(|[gamma, _]| gamma);
        let Gradients { x, gamma, beta } = backward_on(isa, self.channels, &self.x, gamma, EPS, &self.dy);
        [y, x, gamma, beta]
    }

    fn expected(&self) -> [Vec<f32>; 4] {
        let y = truth::forward(self.channels, &self.x, self.affine(), EPS);
        let gamma = self.affine().map(|[gamma, _]| gamma);
        let Gradients { x, gamma, beta } = truth::backward(self.channels, &self.x, gamma, EPS, &self.dy);
        [y, x, gamma, beta]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_directions_agree_with_the_formula(voxels in 1usize..1200, channels in 4usize..70, affine: bool) {
        let case = Case::new(voxels, channels, affine);
        let outputs = case.outputs(Isa::best());
        for (found, expected) in outputs.iter().zip(case.expected()) {
            prop_assert!(error(found, &expected) < 5e-5, "{}", error(found, &expected));
        }
        for isa in Isa::all() {
            prop_assert!(outputs.iter().zip(case.outputs(isa)).all(|(a, b)| bits(a) == bits(&b)), "{:?} differs", isa);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = Case::new(3000, 24, true);
    same_on_any_threads(|| case.outputs(Isa::best()).concat());
}
