//! Attention within windows, one window after the other, as the steps of its description say.

use crate::attention::{AttentionShape, Gradients};

/// A token of a window: its voxel, if it has one, and the number of its region along each axis.
type Token = (Option<usize>, [usize; 3]);

/// Tokens of every window of an image.
fn windows(shape: &AttentionShape) -> Vec<Vec<Token>> {
    let window = shape.grid.map(|extent| extent.min(shape.window));
    let shift = shape.grid.map(|extent| if shape.shifted && extent > shape.window { shape.window / 2 } else { 0 });
    let padded: [usize; 3] = std::array::from_fn(|axis| shape.grid[axis].next_multiple_of(window[axis]));
    let [depth, height, width] = shape.grid;
    let region = |axis: usize, place: usize| match shift[axis] {
        0 => 0,
        _ if place < padded[axis] - window[axis] => 0,
        shift if place < padded[axis] - shift => 1,
        _ => 2,
    };
    let token = |place: [usize; 3]| {
        let [x, y, z] = std::array::from_fn(|axis| (place[axis] + shift[axis]) % padded[axis]);
        let voxel = (x < depth && y < height && z < width).then_some((x * height + y) * width + z);
        (voxel, std::array::from_fn(|axis| region(axis, place[axis])))
    };
    let mut windows = Vec::new();
    for a in (0..padded[0]).step_by(window[0]) {
        for b in (0..padded[1]).step_by(window[1]) {
            for c in (0..padded[2]).step_by(window[2]) {
                let mut tokens = Vec::new();
                for i in a..a + window[0] {
                    for j in b..b + window[1] {
                        tokens.extend((c..c + window[2]).map(|k| token([i, j, k])));
                    }
                }
                windows.push(tokens);
            }
        }
    }
    windows
}

/// Calls `visit(map index or none per token, rows of q, k, v, softmax by query and key)` for every window and head.
fn visit(
    shape: &AttentionShape,
    [qkv, table, padding]: [&[f32]; 3],
    mut work: impl FnMut(usize, &[Option<usize>], [Vec<Vec<f64>>; 3], Vec<Vec<f64>>),
) {
    let (channels, size) = (shape.channels(), shape.head_size);
    let voxels = shape.grid.iter().product::<usize>();
    for image in 0..shape.batch {
        for window in windows(shape) {
            let places: Vec<Option<usize>> =
                window.iter().map(|(voxel, _)| voxel.map(|voxel| image * voxels + voxel)).collect();
            for head in 0..shape.heads {
                let rows = |part: usize| -> Vec<Vec<f64>> {
                    let row = |place: &Option<usize>| {
                        let first = part * channels + head * size;
                        let row = match place {
                            Some(place) => &qkv[place * 3 * channels + first..][..size],
                            None => &padding[first..][..size],
                        };
                        row.iter().map(|&value| f64::from(value)).collect()
                    };
                    places.iter().map(row).collect()
                };
                let parts = [rows(0), rows(1), rows(2)];
                let logit = |query: usize, key: usize| {
                    let product: f64 = parts[0][query].iter().zip(&parts[1][key]).map(|(q, k)| q * k).sum();
                    let bias = f64::from(table[shape.distance(query, key) * shape.heads + head]);
                    let mask = if window[query].1 == window[key].1 { 0.0 } else { -100.0 };
                    product / (size as f64).sqrt() + bias + mask
                };
                let softmax = (0..places.len()).map(|query| {
                    let weights: Vec<f64> = (0..places.len()).map(|key| logit(query, key).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    weights.into_iter().map(|weight| weight / total).collect()
                });
                let softmax = softmax.collect();
                work(head, &places, parts, softmax);
            }
        }
    }
}

/// See [`crate::attention::forward`].
pub fn forward(shape: &AttentionShape, qkv: &[f32], table: &[f32], padding: &[f32]) -> Vec<f32> {
    let (channels, size) = (shape.channels(), shape.head_size);
    let mut y = vec![0.0; shape.tokens() * channels];
    visit(shape, [qkv, table, padding], |head, places, [_, _, values], softmax| {
        for (place, weights) in places.iter().zip(&softmax) {
            let Some(place) = place else { continue };
            for channel in 0..size {
                let sum: f64 = weights.iter().zip(&values).map(|(weight, value)| weight * value[channel]).sum();
                y[place * channels + head * size + channel] = sum as f32;
            }
        }
    });
    y
}

/// See [`crate::attention::backward`].
pub fn backward(shape: &AttentionShape, qkv: &[f32], table: &[f32], padding: &[f32], dy: &[f32]) -> Gradients {
    let (channels, size) = (shape.channels(), shape.head_size);
    let scale = 1.0 / (size as f64).sqrt();
    let (mut dqkv, mut dtable, mut dpadding) =
        (vec![0.0f64; qkv.len()], vec![0.0f64; table.len()], vec![0.0f64; padding.len()]);
    visit(shape, [qkv, table, padding], |head, places, [queries, keys, values], softmax| {
        let mut add = |part: usize, token: usize, channel: usize, value: f64| {
            let within = part * channels + head * size + channel;
            match places[token] {
                Some(place) => dqkv[place * 3 * channels + within] += value,
                None => dpadding[within] += value,
            }
        };
        for (query, place) in places.iter().enumerate() {
            let Some(place) = place else { continue };
            let dy: Vec<f64> =
                dy[place * channels + head * size..][..size].iter().map(|&value| f64::from(value)).collect();
            let gradients: Vec<f64> =
                values.iter().map(|value| value.iter().zip(&dy).map(|(value, dy)| value * dy).sum()).collect();
            let mean: f64 = softmax[query].iter().zip(&gradients).map(|(weight, gradient)| weight * gradient).sum();
            for key in 0..places.len() {
                let logit = softmax[query][key] * (gradients[key] - mean);
                dtable[shape.distance(query, key) * shape.heads + head] += logit;
                for channel in 0..size {
                    add(0, query, channel, scale * logit * keys[key][channel]);
                    add(1, key, channel, scale * logit * queries[query][channel]);
                    add(2, key, channel, softmax[query][key] * dy[channel]);
                }
            }
        }
    });
    let rounded = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    Gradients { qkv: rounded(dqkv), table: rounded(dtable), padding: rounded(dpadding) }
}
