//! The Gaussian error linear unit.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View};
use mist_kernels::gelu as kernel;

#[derive(Debug)]
struct Gelu {
    values: usize,
}

impl Operation for Gelu {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 1, output: false }
    }

    fn name(&self) -> String {
        format!("gelu, {} values", self.values)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        Output::plain(kernel::forward(inputs[0].values))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        vec![Some(kernel::backward(context.inputs[0].values, context.gradient))]
    }
}

/// `x Φ(x)` of every value, with the exact normal distribution `Φ` (Hendrycks and Gimpel 2016).
pub fn gelu(x: &FeatureMap) -> FeatureMap {
    let x = x.tensor();
    let values = x.dims().iter().product();
    FeatureMap::new(apply::unary(Gelu { values }, x))
}
