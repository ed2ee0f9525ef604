//! Max- and min-pooling, for losses that do morphology on probabilities.

use crate::apply;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::{Extremum, PoolShape, pool};

/// Geometry of a pooling. Windows are cut off at the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Extent of the window per axis.
    pub kernel: [usize; 3],
    /// Distance of windows per axis.
    pub stride: [usize; 3],
    /// How far the first window begins before the grid, per axis; at most half the kernel.
    pub padding: [usize; 3],
}

impl Pool {
    /// Windows of odd extents around every voxel: the grid keeps its size.
    pub fn around(kernel: [usize; 3]) -> Self {
        Self { kernel, stride: [1; 3], padding: kernel.map(|extent| extent / 2) }
    }
}

#[derive(Debug)]
struct PoolOperation {
    extremum: Extremum,
    shape: PoolShape,
}

impl Operation for PoolOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 1, output: false }
    }

    fn name(&self) -> String {
        let PoolShape { input, channels, kernel, .. } = self.shape;
        format!("{:?}-pool {}, {channels} channels, {}", self.extremum, grid(kernel), grid(input)).to_lowercase()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.shape.output();
        vec![self.shape.batch, a, b, c, self.shape.channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        Output::plain(pool::forward(self.extremum, &self.shape, inputs[0].values))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let x = context.inputs[0].values;
        vec![Some(pool::input_gradient(self.extremum, &self.shape, x, context.gradient))]
    }
}

fn pool3d(extremum: Extremum, x: Tensor<5>, pool: Pool) -> Tensor<5> {
    let [batch, a, b, c, channels] = x.dims();
    let Pool { kernel, stride, padding } = pool;
    let shape = PoolShape { batch, input: [a, b, c], channels, kernel, stride, padding };
    apply::unary(PoolOperation { extremum, shape }, x)
}

/// Largest value of every window of `x`, `[batch, axis 0, axis 1, axis 2, channel]`. The first of equal values gets the
/// gradient.
pub fn max_pool3d(x: Tensor<5>, pool: Pool) -> Tensor<5> {
    pool3d(Extremum::Max, x, pool)
}

/// As [`max_pool3d`], the smallest value.
pub fn min_pool3d(x: Tensor<5>, pool: Pool) -> Tensor<5> {
    pool3d(Extremum::Min, x, pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gradients, for_training, parameter};
    use burn::tensor::{module, ops::MaxPoolOptions};

    /// Values without equals.
    fn distinct(len: usize) -> Vec<f32> {
        (0..len).map(|i| (i * 7919 % len) as f32 / len as f32).collect()
    }

    /// Result and gradient of a pooling of a map with two images of one plane.
    fn pooled(pool: impl Fn(Tensor<5>) -> Tensor<5>) -> (Vec<f32>, Vec<f32>) {
        let x = parameter(distinct(2 * 9 * 8 * 3), &for_training());
        let y = pool(x.clone().reshape([2, 1, 9, 8, 3]));
        let factors = Tensor::<1>::from_floats(&distinct(y.dims().iter().product())[..], &for_training());
        let gradient = Gradients::of(&(y.clone() * factors.reshape(y.dims())).sum()).take(&x).expect("a gradient");
        (crate::parameter::values_of(y), gradient)
    }

    /// The engine's own pooling of the same planes.
    fn of_engine(x: Tensor<5>, sign: f32) -> Tensor<5> {
        let options = MaxPoolOptions::new([3, 2]).with_stride([1, 2]).with_padding([1, 0]);
        let planes = x.squeeze_dim::<4>(1).permute([0, 3, 1, 2]) * sign;
        (module::max_pool2d(planes, options) * sign).permute([0, 2, 3, 1]).unsqueeze_dim(1)
    }

    #[test]
    fn poolings_agree_with_the_engine() {
        let pool = Pool { kernel: [1, 3, 2], stride: [1, 1, 2], padding: [0, 1, 0] };
        assert_eq!(pooled(|x| max_pool3d(x, pool)), pooled(|x| of_engine(x, 1.0)));
        assert_eq!(pooled(|x| min_pool3d(x, pool)), pooled(|x| of_engine(x, -1.0)));
    }

    #[test]
    fn windows_around_voxels_keep_the_size() {
        let x = parameter(distinct(2 * 60 * 2), &for_training()).reshape([2, 3, 4, 5, 2]);
        assert_eq!(max_pool3d(x, Pool::around([3, 1, 5])).dims(), [2, 3, 4, 5, 2]);
    }
}
