//! Trilinear resizing with half-pixel centres, and its adjoint.
//!
//! Along each axis, `source = max((i + ½)·in/out − ½, 0)`, upper neighbour clamped (PyTorch's `align_corners=False`).
//! Few voxels pass through here (auxiliary outputs of custom networks), so rows are simple loops.

/// Lower neighbour, upper neighbour and weight of the upper one for each output position of one axis.
fn taps(input: usize, output: usize) -> Vec<(usize, usize, f32)> {
    let scale = input as f32 / output as f32;
    let tap = |i: usize| {
        let source = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
        let low = (source as usize).min(input - 1);
        (low, (low + 1).min(input - 1), source - low as f32)
    };
    (0..output).map(tap).collect()
}

/// Calls `visit(output voxel, input voxel, weight)` for the eight neighbours of every output voxel.
fn visit_neighbours(input: [usize; 3], output: [usize; 3], mut visit: impl FnMut(usize, usize, f32)) {
    let [t0, t1, t2] = [0, 1, 2].map(|axis| taps(input[axis], output[axis]));
    let mut voxel = 0;
    for &(low0, high0, f0) in &t0 {
        for &(low1, high1, f1) in &t1 {
            for &(low2, high2, f2) in &t2 {
                for (i0, w0) in [(low0, 1.0 - f0), (high0, f0)] {
                    for (i1, w1) in [(low1, 1.0 - f1), (high1, f1)] {
                        for (i2, w2) in [(low2, 1.0 - f2), (high2, f2)] {
                            visit(voxel, (i0 * input[1] + i1) * input[2] + i2, w0 * w1 * w2);
                        }
                    }
                }
                voxel += 1;
            }
        }
    }
}

/// Resizes `x`, `[batch, input.., channels]`, to `[batch, output.., channels]`.
pub fn resize(batch: usize, input: [usize; 3], output: [usize; 3], channels: usize, x: &[f32]) -> Vec<f32> {
    let (from, to) = (input.iter().product::<usize>() * channels, output.iter().product::<usize>() * channels);
    let mut y = vec![0.0; batch * to];
    for (y, x) in y.chunks_exact_mut(to).zip(x.chunks_exact(from)) {
        visit_neighbours(input, output, |o, i, weight| {
            for c in 0..channels {
                y[o * channels + c] += weight * x[i * channels + c];
            }
        });
    }
    y
}

/// Gradient of [`resize`] by its input, from the gradient `dy` by its output.
pub fn resize_gradient(batch: usize, input: [usize; 3], output: [usize; 3], channels: usize, dy: &[f32]) -> Vec<f32> {
    let (from, to) = (input.iter().product::<usize>() * channels, output.iter().product::<usize>() * channels);
    let mut dx = vec![0.0; batch * from];
    for (dx, dy) in dx.chunks_exact_mut(from).zip(dy.chunks_exact(to)) {
        visit_neighbours(input, output, |o, i, weight| {
            for c in 0..channels {
                dx[i * channels + c] += weight * dy[o * channels + c];
            }
        });
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_between_the_outer_centres() {
        let x: Vec<f32> = (0..4).map(|i| i as f32).collect();
        let y = resize(1, [4, 1, 1], [8, 1, 1], 1, &x);
        assert_eq!(y, [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
    }

    #[test]
    fn the_gradient_is_the_adjoint() {
        let (input, output) = ([2, 3, 1], [5, 4, 3]);
        let value = |i: usize, salt: usize| ((i * 37 + salt * 11) % 17) as f32 / 8.0 - 1.0;
        let x: Vec<f32> = (0..2 * 6 * 2).map(|i| value(i, 1)).collect();
        let dy: Vec<f32> = (0..2 * 60 * 2).map(|i| value(i, 2)).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let forward = dot(&resize(2, input, output, 2, &x), &dy);
        let backward = dot(&x, &resize_gradient(2, input, output, 2, &dy));
        assert!((forward - backward).abs() < 1e-4, "{forward} {backward}");
    }
}
