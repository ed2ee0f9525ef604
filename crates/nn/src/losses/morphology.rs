//! Soft morphology on probabilities: minima and maxima over windows that are cut off at the border of the grid.

use mist_ops::{Pool, Tensor, activation, max_pool3d, min_pool3d, minimum};

/// Values of a grid, every class for itself: `[batch, axis 0, axis 1, axis 2, class]`.
#[derive(Clone)]
pub struct Grid(Tensor<5>);

impl Grid {
    /// From axes `[batch, voxel, class]`.
    pub fn new(values: Tensor<3>, [x, y, z]: [usize; 3]) -> Self {
        let [batch, _, classes] = values.dims();
        Self(values.reshape([batch, x, y, z, classes]))
    }

    /// To axes `[batch, voxel, class]`.
    pub fn into_values(self) -> Tensor<3> {
        let [batch, x, y, z, classes] = self.0.dims();
        self.0.reshape([batch, x * y * z, classes])
    }

    /// Largest value of a box of odd extents around each voxel. One axis after the other, the fastest first: of equal values the
    /// first in index order gets the gradient, as in one pass over the box.
    pub fn dilate(&self, window: [usize; 3]) -> Self {
        Self([2, 1, 0].into_iter().fold(self.0.clone(), |x, axis| max_pool3d(x, along(axis, window[axis]))))
    }

    /// Smallest value of a cube of three voxels.
    fn erode_by_cube(&self) -> Self {
        Self([2, 1, 0].into_iter().fold(self.0.clone(), |x, axis| min_pool3d(x, along(axis, 3))))
    }

    /// Smallest value of each voxel and its six face neighbours.
    fn erode_by_cross(&self) -> Self {
        let [first, second, third] = [0, 1, 2].map(|axis| min_pool3d(self.0.clone(), along(axis, 3)));
        Self(minimum(minimum(first, second), third))
    }

    /// What an opening takes away, given the erosion.
    fn ridge(&self, eroded: &Self) -> Tensor<5> {
        activation::relu(self.0.clone() - eroded.dilate([3; 3]).0)
    }

    /// Soft skeleton (Shit et al. 2021, algorithm 1): ridges of ever stronger erosions.
    pub fn skeleton(&self, iterations: usize) -> Self {
        let mut next = self.erode_by_cross();
        let mut skeleton = self.ridge(&next);
        for _ in 0..iterations {
            let eroded = next;
            next = eroded.erode_by_cross();
            let ridge = eroded.ridge(&next);
            skeleton = skeleton.clone() + activation::relu(ridge.clone() - skeleton * ridge);
        }
        Self(skeleton)
    }

    /// What an erosion by a cube of three voxels takes away.
    pub fn boundary(&self) -> Self {
        Self(self.0.clone() - self.erode_by_cube().0)
    }
}

/// A window of `extent` voxels along one axis.
fn along(axis: usize, extent: usize) -> Pool {
    let mut window = [1; 3];
    window[axis] = extent;
    Pool::around(window)
}
