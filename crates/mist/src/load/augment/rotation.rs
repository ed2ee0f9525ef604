//! Rotation.

use mist_nn::random::Stream;

/// Turns a patch about its middle, around the three axes, in physical proportion: a ball stays a ball whatever the spacing.
///
/// Probability 0.2; the angles uniform in ±30°, those of nnU-Net (Isensee et al., "nnU-Net: a self-configuring method for
/// deep learning-based biomedical image segmentation", Nature Methods 18, 2021). Where one axis is more than three times as
/// coarse as another, only around the coarsest axis: turning slices that far apart into each other would invent what lies
/// between them. Not for patches with distance maps: the maps are made for the axes of the volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation {
    /// Angles around x, y and z, in radians; the rotation around x comes first.
    pub angles: [f64; 3],
}

impl Rotation {
    const PROBABILITY: f64 = 0.2;
    const LARGEST_ANGLE: f64 = 30.0;
    const ANISOTROPIC: f64 = 3.0;

    /// Coin, then the three angles. `spacing` is that of the patch, along x, y and z.
    pub fn draw(spacing: [f64; 3], stream: &mut Stream) -> Option<Self> {
        if stream.uniform() >= Self::PROBABILITY {
            return None;
        }
        let limit = Self::LARGEST_ANGLE.to_radians();
        let angles = [(); 3].map(|()| stream.uniform_in(-limit, limit));
        let coarsest = spacing.into_iter().fold(0.0, f64::max);
        let finest = spacing.into_iter().fold(f64::INFINITY, f64::min);
        let may_turn = |axis: usize| coarsest <= Self::ANISOTROPIC * finest || spacing[axis] == coarsest;
        Some(Self { angles: [0, 1, 2].map(|axis| if may_turn(axis) { angles[axis] } else { 0.0 }) })
    }

    /// The matrix `S⁻¹ R S` that turns offsets in voxels of this spacing `S`.
    pub fn matrix(&self, spacing: [f64; 3]) -> [[f64; 3]; 3] {
        let [(sin_x, cos_x), (sin_y, cos_y), (sin_z, cos_z)] = self.angles.map(f64::sin_cos);
        let around_x = [[1.0, 0.0, 0.0], [0.0, cos_x, -sin_x], [0.0, sin_x, cos_x]];
        let around_y = [[cos_y, 0.0, sin_y], [0.0, 1.0, 0.0], [-sin_y, 0.0, cos_y]];
        let around_z = [[cos_z, -sin_z, 0.0], [sin_z, cos_z, 0.0], [0.0, 0.0, 1.0]];
        let turn = product(around_z, product(around_y, around_x));
        [0, 1, 2].map(|row| [0, 1, 2].map(|column| turn[row][column] * (spacing[column] / spacing[row])))
    }
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| (0..3).map(|i| a[row][i] * b[i][column]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_nn::random::{Place, Purpose};
    use proptest::prelude::*;

    fn draws(spacing: [f64; 3]) -> impl Iterator<Item = Rotation> {
        (0..2000).filter_map(move |sample| {
            let place = Place { sample, ..Place::default() };
            Rotation::draw(spacing, &mut Stream::new(1, Purpose::Augmentation, place))
        })
    }

    proptest! {
        #[test]
        fn lengths_in_millimetres_are_kept(
            angles in [-0.6..0.6f64, -0.6..0.6f64, -0.6..0.6f64],
            spacing in [0.3..3.0f64, 0.3..3.0f64, 0.3..3.0f64],
            offset in [-9.0..9.0f64, -9.0..9.0f64, -9.0..9.0f64],
        ) {
            let matrix = Rotation { angles }.matrix(spacing);
            let turned = matrix.map(|row| (0..3).map(|i| row[i] * offset[i]).sum::<f64>());
            let length = |v: [f64; 3]| (0..3).map(|i| (v[i] * spacing[i]).powi(2)).sum::<f64>().sqrt();
            prop_assert!((length(turned) - length(offset)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_quarter_turn_around_z_takes_x_to_y() {
        let matrix = Rotation { angles: [0.0, 0.0, std::f64::consts::FRAC_PI_2] }.matrix([1.0, 2.0, 1.0]);
        // 1 mm along x is half a voxel along y.
        assert!((matrix[1][0] - 0.5).abs() < 1e-12 && matrix[0][0].abs() < 1e-12);
    }

    #[test]
    fn angles_reach_thirty_degrees_around_every_axis() {
        let all: Vec<Rotation> = draws([1.0, 1.0, 3.0]).collect();
        assert!((all.len() as f64 / 2000.0 - 0.2).abs() < 0.03);
        for axis in 0..3 {
            let angles = all.iter().map(|rotation| rotation.angles[axis].to_degrees());
            let (low, high) = angles.fold((0.0, 0.0), |(low, high), angle| (angle.min(low), angle.max(high)));
            assert!((-30.0..-25.0).contains(&low) && (25.0..30.0).contains(&high), "{low} {high}");
        }
    }

    #[test]
    fn coarse_slices_are_turned_only_within_their_planes() {
        for Rotation { angles } in draws([0.5, 5.0, 0.5]) {
            assert!(angles[0] == 0.0 && angles[1] != 0.0 && angles[2] == 0.0);
        }
    }
}
