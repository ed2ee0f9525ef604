//! Max- and min-pooling, window by window.

use crate::pool::{Extremum, PoolShape};

/// For every output value, the index of the input value that it is: the first extremum of the window in index order;
/// of several NaN the last, as PyTorch has it.
fn chosen(extremum: Extremum, shape: &PoolShape, x: &[f32]) -> Vec<usize> {
    let ([in_d, in_h, in_w], [out_d, out_h, out_w]) = (shape.input, shape.output());
    let window = |axis: usize, o: usize| {
        let first = (o * shape.stride[axis]) as isize - shape.padding[axis] as isize;
        first.max(0) as usize..((first + shape.kernel[axis] as isize) as usize).min(shape.input[axis])
    };
    let mut all = Vec::new();
    for n in 0..shape.batch {
        for (d, h, w) in (0..out_d * out_h * out_w).map(|o| (o / out_w / out_h, o / out_w % out_h, o % out_w)) {
            for c in 0..shape.channels {
                let mut best: Option<usize> = None;
                for i in window(0, d) {
                    for j in window(1, h) {
                        for k in window(2, w) {
                            let at = (((n * in_d + i) * in_h + j) * in_w + k) * shape.channels + c;
                            let better = |best: usize| match extremum {
                                Extremum::Max => x[at] > x[best],
                                Extremum::Min => x[at] < x[best],
                            };
                            if x[at].is_nan() || best.is_none_or(better) {
                                best = Some(at);
                            }
                        }
                    }
                }
                all.extend(best);
            }
        }
    }
    all
}

/// See [`crate::pool::forward`].
pub fn forward(extremum: Extremum, shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    chosen(extremum, shape, x).into_iter().map(|index| x[index]).collect()
}

/// See [`crate::pool::input_gradient`].
pub fn input_gradient(extremum: Extremum, shape: &PoolShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    for (index, &gradient) in chosen(extremum, shape, x).into_iter().zip(dy) {
        dx[index] += gradient;
    }
    dx
}
