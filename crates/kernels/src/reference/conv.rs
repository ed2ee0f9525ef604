//! Convolution and its gradients, term by term.

use crate::conv::ConvShape;

/// One product of the convolution: flat indices into input, weight (PyTorch layout) and output.
struct Term {
    x: usize,
    weight: usize,
    y: usize,
}

/// Calls `visit` for every product whose input voxel is inside the image.
fn for_each_term(shape: &ConvShape, mut visit: impl FnMut(Term)) {
    let ([in_d, in_h, in_w], [out_d, out_h, out_w], [kd, kh, kw]) = (shape.input, shape.output(), shape.kernel);
    let source = |axis: usize, o: usize, k: usize| {
        (o * shape.stride[axis] + k).checked_sub(shape.padding[axis]).filter(|&i| i < shape.input[axis])
    };
    for n in 0..shape.batch {
        for (d, h, w) in voxels([out_d, out_h, out_w]) {
            for (a, b, c) in voxels([kd, kh, kw]) {
                let (Some(i), Some(j), Some(k)) = (source(0, d, a), source(1, h, b), source(2, w, c)) else { continue };
                let x = (((n * in_d + i) * in_h + j) * in_w + k) * shape.in_channels;
                let y = (((n * out_d + d) * out_h + h) * out_w + w) * shape.out_channels;
                for co in 0..shape.out_channels {
                    for ci in 0..shape.in_channels {
                        let weight = (((co * shape.in_channels + ci) * kd + a) * kh + b) * kw + c;
                        visit(Term { x: x + ci, weight, y: y + co });
                    }
                }
            }
        }
    }
}

/// All positions of a grid, the last axis fastest.
fn voxels(size: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..size[0]).flat_map(move |d| (0..size[1]).flat_map(move |h| (0..size[2]).map(move |w| (d, h, w))))
}

fn rounded(sums: Vec<f64>) -> Vec<f32> {
    sums.into_iter().map(|sum| sum as f32).collect()
}

fn biases(len: usize, channels: usize, bias: Option<&[f32]>) -> Vec<f64> {
    (0..len).map(|i| bias.map_or(0.0, |bias| f64::from(bias[i % channels]))).collect()
}

/// See [`crate::conv::forward`].
pub fn forward(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let mut y = biases(shape.output_len(), shape.out_channels, bias);
    for_each_term(shape, |term| y[term.y] += f64::from(x[term.x]) * f64::from(weight[term.weight]));
    rounded(y)
}

/// See [`crate::conv::input_gradient`].
pub fn input_gradient(shape: &ConvShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    transposed_forward(shape, dy, weight, None)
}

/// Input gradient plus a bias per input channel: with kernel = stride, the transposed convolution.
pub fn transposed_forward(shape: &ConvShape, dy: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let mut dx = biases(shape.input_len(), shape.in_channels, bias);
    for_each_term(shape, |term| dx[term.x] += f64::from(dy[term.y]) * f64::from(weight[term.weight]));
    rounded(dx)
}

/// See [`crate::conv::weight_gradient`].
pub fn weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = vec![0.0; shape.weight_len()];
    for_each_term(shape, |term| dw[term.weight] += f64::from(x[term.x]) * f64::from(dy[term.y]));
    rounded(dw)
}

/// See [`crate::conv::bias_gradient`].
pub fn bias_gradient(channels: usize, dy: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; channels];
    for voxel in dy.chunks_exact(channels) {
        for (sum, &value) in sums.iter_mut().zip(voxel) {
            *sum += f64::from(value);
        }
    }
    rounded(sums)
}
