//! Joining blocks of voxels.

use super::data::{dot, noise};
use crate::patches::{merge, merge_gradient};

#[test]
fn a_block_becomes_a_voxel_with_its_corners_in_order() {
    // One image of 2×2×2 voxels, numbered in memory order, and a second with 10 added.
    let x: Vec<f32> = [0.0, 10.0].iter().flat_map(|more| (0..8).map(move |voxel| voxel as f32 + more)).collect();
    let merged = merge(2, [2; 3], 1, &x);
    // Offsets 000, 100, 010, 001, 110, 101, 011, 111.
    assert_eq!(merged[..8], [0.0, 4.0, 2.0, 1.0, 6.0, 5.0, 3.0, 7.0]);
    assert_eq!(merged[8], 10.0);
}

#[test]
fn the_gradient_is_the_adjoint() {
    let (batch, input, channels) = (2, [4, 2, 6], 3);
    let len = batch * 48 * channels;
    let (x, dy) = (noise(1, len), noise(2, len));
    let (forward, backward) = (merge(batch, input, channels, &x), merge_gradient(batch, input, channels, &dy));
    assert!((dot(&forward, &dy) - dot(&x, &backward)).abs() < 1e-6);
}
