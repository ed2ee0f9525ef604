//! Comparing images within a tolerance.

use mist_volume::Volume;

/// Largest absolute difference of two images of one size.
pub fn largest_difference(a: &Volume<f32>, b: &Volume<f32>) -> f32 {
    assert_eq!(a.size(), b.size());
    a.voxels().iter().zip(b.voxels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
