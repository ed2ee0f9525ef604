//! Conversion between PyTorch's channels-first maps and ours, at the two ends of a network.

/// `[batch, channels, voxels]` to `[batch, voxels, channels]`.
pub fn channels_first_to_last(batch: usize, channels: usize, voxels: usize, x: &[f32]) -> Vec<f32> {
    transpose_each(batch, channels, voxels, x)
}

/// `[batch, voxels, channels]` to `[batch, channels, voxels]`.
pub fn channels_last_to_first(batch: usize, channels: usize, voxels: usize, x: &[f32]) -> Vec<f32> {
    transpose_each(batch, voxels, channels, x)
}

/// Transposes each of `batch` row-major matrices.
fn transpose_each(batch: usize, rows: usize, columns: usize, x: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), batch * rows * columns, "map does not match its shape");
    let mut y = Vec::with_capacity(x.len());
    for n in 0..batch {
        let matrix = &x[n * rows * columns..][..rows * columns];
        for column in 0..columns {
            y.extend((0..rows).map(|row| matrix[row * columns + column]));
        }
    }
    y
}
