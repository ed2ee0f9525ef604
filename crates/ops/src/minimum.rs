//! The smaller of two values, with PyTorch's gradient where they are equal.

use crate::apply;
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;

#[derive(Debug)]
struct Minimum;

impl Operation for Minimum {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 2, output: false }
    }

    fn name(&self) -> String {
        "minimum".to_owned()
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let pairs = inputs[0].values.iter().zip(inputs[1].values);
        // `f32::min` would lose a NaN.
        let smaller = pairs.map(|(a, b)| if a.is_nan() || a < b { *a } else { *b });
        Output::plain(smaller.collect())
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (first, second) = (context.inputs[0].values, context.inputs[1].values);
        let share = |of: &[f32], other: &[f32]| {
            let pairs = of.iter().zip(other).zip(context.gradient);
            pairs
                .map(|((a, b), gradient)| {
                    if a < b {
                        *gradient
                    } else if a == b {
                        0.5 * gradient
                    } else {
                        0.0
                    }
                })
                .collect()
        };
        vec![Some(share(first, second)), Some(share(second, first))]
    }
}

/// The smaller value at every place of two tensors of the same shape; equal values share the gradient in halves.
pub fn minimum<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    apply::binary(Minimum, a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gradients, for_training, parameter};

    #[test]
    fn equal_values_share_the_gradient() {
        let a = parameter(vec![1.0, 5.0, 3.0], &for_training());
        let b = parameter(vec![2.0, 4.0, 3.0], &for_training());
        let smaller = minimum(a.clone(), b.clone());
        assert_eq!(crate::parameter::values_of(smaller.clone()), [1.0, 4.0, 3.0]);
        let mut gradients = Gradients::of(&smaller.sum());
        assert_eq!(gradients.take(&a), Some(vec![1.0, 0.0, 0.5]));
        assert_eq!(gradients.take(&b), Some(vec![0.0, 1.0, 0.5]));
    }

    #[test]
    fn a_value_that_is_no_number_wins() {
        let device = crate::for_inference();
        let (a, b) = (parameter(vec![f32::NAN, 1.0], &device), parameter(vec![1.0, f32::NAN], &device));
        assert!(crate::parameter::values_of(minimum(a, b)).iter().all(|value| value.is_nan()));
    }
}
