//! Attention within windows against its formula.

use proptest::prelude::*;

use super::data::{bits, error, noise, same_on_any_threads};
use crate::attention::{AttentionShape, Gradients, backward_on, forward_on};
use crate::reference::attention as truth;
use crate::simd::Isa;

struct Case {
    shape: AttentionShape,
    qkv: Vec<f32>,
    table: Vec<f32>,
    padding: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(shape: AttentionShape) -> Self {
        let channels = shape.channels();
        Self {
            qkv: noise(1, 3 * shape.tokens() * channels).into_iter().map(|value| 2.0 * value).collect(),
            table: noise(2, shape.distances() * shape.heads),
            padding: noise(3, 3 * channels),
            dy: noise(4, shape.tokens() * channels),
            shape,
        }
    }

    /// Output and gradients.
    fn outputs(&self, isa: Isa) -> [Vec<f32>; 4] {
        let Self { shape, qkv, table, padding, dy } = self;
        let y = forward_on(isa, shape, qkv, table, padding);
        let Gradients { qkv, table, padding } = backward_on(isa, shape, qkv, table, padding, dy);
        [y, qkv, table, padding]
    }

    fn check(&self) {
        let Self { shape, qkv, table, padding, dy } = self;
        let y = truth::forward(shape, qkv, table, padding);
        let gradients = truth::backward(shape, qkv, table, padding, dy);
        let outputs = self.outputs(Isa::best());
        let names = ["output", "gradient by qkv", "gradient by table", "gradient by padding"];
        let expected = [y, gradients.qkv, gradients.table, gradients.padding];
        for ((name, found), expected) in names.iter().zip(&outputs).zip(&expected) {
            assert!(error(found, expected) < 2e-5, "{name} of {shape:?}: {}", error(found, expected));
        }
        for isa in Isa::all() {
            let same = outputs.iter().zip(self.outputs(isa)).all(|(a, b)| bits(a) == bits(&b));
            assert!(same, "{isa:?} differs for {shape:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_directions_agree_with_the_formula(
        batch in 1usize..3, grid in [1usize..8, 1usize..8, 1usize..8], heads in 1usize..4, head_size in 1usize..20,
        window in 2usize..5, shifted: bool,
    ) {
        Case::new(AttentionShape { batch, grid, heads, head_size, window, shifted }).check();
    }
}

#[test]
fn windows_of_swin_transformers_agree_with_the_formula() {
    let shape = AttentionShape { batch: 1, grid: [8, 7, 4], heads: 2, head_size: 8, window: 7, shifted: true };
    Case::new(shape).check();
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape = AttentionShape { batch: 2, grid: [9, 10, 11], heads: 2, head_size: 8, window: 3, shifted: true };
    let case = Case::new(shape);
    same_on_any_threads(|| case.outputs(Isa::best()).concat());
}

#[test]
fn a_broken_value_is_not_hidden() {
    let mut case =
        Case::new(AttentionShape { batch: 1, grid: [2, 2, 2], heads: 1, head_size: 4, window: 2, shifted: false });
    case.qkv[0] = f32::NAN;
    assert!(case.outputs(Isa::best())[0][..4].iter().all(|value| value.is_nan()));
}
