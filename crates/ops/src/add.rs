//! The sum of two maps.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View};

#[derive(Debug)]
struct Add {
    values: usize,
}

impl Operation for Add {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("add, {} values", self.values)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        Output::plain(mist_kernels::add(inputs[0].values, inputs[1].values))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        vec![Some(context.gradient.to_vec()), Some(context.gradient.to_vec())]
    }
}

/// Adds two maps of the same grid and number of channels.
pub fn add(first: &FeatureMap, second: &FeatureMap) -> FeatureMap {
    let first = first.tensor();
    let values = first.dims().iter().product();
    FeatureMap::new(apply::binary(Add { values }, first, second.tensor()))
}
