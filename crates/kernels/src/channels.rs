//! Joining and splitting maps along the channel axis (skip connections).

/// Joins `a`, `[voxels, a_channels]`, and `b`, `[voxels, b_channels]`, into `[voxels, a_channels + b_channels]`;
/// `voxels` counts those of all images.
pub fn concat(voxels: usize, a_channels: usize, a: &[f32], b_channels: usize, b: &[f32]) -> Vec<f32> {
    assert_eq!((a.len(), b.len()), (voxels * a_channels, voxels * b_channels), "maps do not match their shapes");
    let mut y = Vec::with_capacity(a.len() + b.len());
    for v in 0..voxels {
        y.extend_from_slice(&a[v * a_channels..][..a_channels]);
        y.extend_from_slice(&b[v * b_channels..][..b_channels]);
    }
    y
}

/// Gradient of [`concat`]: splits `dy`, `[voxels, a_channels + b_channels]`, into the two parts.
pub fn split(voxels: usize, a_channels: usize, b_channels: usize, dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let width = a_channels + b_channels;
    assert_eq!(dy.len(), voxels * width, "map does not match its shape");
    let (mut a, mut b) = (Vec::with_capacity(voxels * a_channels), Vec::with_capacity(voxels * b_channels));
    for v in 0..voxels {
        let (left, right) = dy[v * width..][..width].split_at(a_channels);
        a.extend_from_slice(left);
        b.extend_from_slice(right);
    }
    (a, b)
}
