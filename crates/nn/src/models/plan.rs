//! Strides and kernels that adapt to patch size and spacing (as in nnU-Net, Isensee et al. 2021).

/// Spacing ratio from which an axis is left alone.
const ANISOTROPY: f64 = 2.0;
/// Smallest extent, in voxels, that is still halved.
pub const SMALLEST_HALVED: usize = 8;
/// Most down-samplings.
const MOST_STEPS: usize = 5;

/// Kernels and strides per level, level 0 at full resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Kernel extents of the encoder's level.
    pub kernels: Vec<[usize; 3]>,
    /// Stride from the level above; `[1, 1, 1]` for level 0.
    pub strides: Vec<[usize; 3]>,
}

impl Plan {
    /// Halves every axis whose spacing is within twice the finest and that has at least eight voxels, up to five
    /// times; kernels are 1 wide along axes that are coarser than that.
    pub fn new(patch: [usize; 3], spacing: [f64; 3]) -> Self {
        let (mut size, mut spacing) = (patch, spacing);
        let (mut kernels, mut strides) = (Vec::new(), vec![[1; 3]]);
        while strides.len() <= MOST_STEPS {
            let finest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
            let near = |axis: usize| spacing[axis] / finest <= ANISOTROPY;
            let stride: [usize; 3] =
                std::array::from_fn(|axis| if near(axis) && size[axis] >= SMALLEST_HALVED { 2 } else { 1 });
            if stride == [1; 3] {
                break;
            }
            kernels.push(std::array::from_fn(|axis| if near(axis) { 3 } else { 1 }));
            strides.push(stride);
            for axis in 0..3 {
                size[axis] /= stride[axis];
                spacing[axis] *= stride[axis] as f64;
            }
        }
        kernels.push([3; 3]);
        Self { kernels, strides }
    }

    /// Number of levels, bottleneck included.
    pub fn levels(&self) -> usize {
        self.strides.len()
    }

    /// Per axis, the product of all strides.
    pub fn divisor(&self) -> [usize; 3] {
        self.factor_to(self.levels() - 1)
    }

    /// Per axis, by how much level `level` is smaller than full resolution.
    pub fn factor_to(&self, level: usize) -> [usize; 3] {
        std::array::from_fn(|axis| self.strides[..=level].iter().map(|stride| stride[axis]).product())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rows: &[[usize; 3]]) -> String {
        let row = |row: &[usize; 3]| row.iter().map(usize::to_string).collect::<String>();
        rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    /// The table of spec 04 §3.
    #[test]
    fn plans_match_the_examples() {
        let check = |patch, spacing, strides: &str, kernels: &str| {
            let plan = Plan::new(patch, spacing);
            assert_eq!(text(&plan.strides[1..]), strides, "{patch:?} {spacing:?}");
            assert_eq!(text(&plan.kernels), kernels, "{patch:?} {spacing:?}");
        };
        check([128; 3], [1.0; 3], "222 222 222 222 222", "333 333 333 333 333 333");
        check([256, 256, 5], [0.5, 0.5, 5.0], "221 221 221 221 221", "331 331 331 333 333 333");
        check([64, 8, 64], [1.0, 1.0, 1.5], "222 212 211", "333 333 331 333");
        check([64, 32, 32], [1.0; 3], "222 222 222 211", "333 333 333 333 333");
        check([128, 128, 32], [1.0, 1.0, 2.5], "221 222 222 222 221", "331 333 333 333 333 333");
        check([256, 256, 16], [0.5, 0.5, 5.0], "221 221 221 222 222", "331 331 331 333 333 333");
    }
}
