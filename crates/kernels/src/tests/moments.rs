//! Moments that convolutions measure on the way, against those of their output.

use super::data::{bits, error, noise, same_on_any_threads};
use crate::Activation;
use crate::ConvShape;
use crate::conv::{Input, Prepared, forward, forward_measured};
use crate::instance_norm::{NormShape, Pending, apply, statistics};

/// Odd sizes, so that tiles reach over every end; channels that fill no whole block, and so many that all phases run one after
/// the other.
fn shapes() -> impl Iterator<Item = ConvShape> {
    let winograd = [
        ([13, 14, 17], 1, [32, 32], 3, 1),
        ([13, 12, 14], 2, [24, 24], 3, 1),
        ([9, 10, 12], 2, [80, 16], 3, 1),
        ([8, 9, 8], 1, [128, 256], 3, 1),
    ];
    let direct = [([9, 40, 11], 2, [1, 20], 3, 1), ([9, 10, 12], 2, [32, 24], 3, 2), ([5, 6, 7], 1, [3, 9], 1, 1)];
    winograd.into_iter().chain(direct).map(|(input, batch, [in_channels, out_channels], kernel, stride)| ConvShape {
        batch,
        input,
        in_channels,
        out_channels,
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [kernel / 2; 3],
    })
}

#[test]
fn moments_are_those_of_the_output() {
    for shape in shapes() {
        let x: Vec<f32> = noise(1, shape.input_len()).into_iter().map(|value| value + 2.0).collect();
        let weight = noise(2, shape.weight_len());
        let (y, moments) = forward_measured(&shape, &x, &weight);
        assert_eq!(bits(&y), bits(&forward(&shape, &x, &weight, None)), "{shape:?}");
        let norm =
            NormShape { batch: shape.batch, voxels: shape.output().iter().product(), channels: shape.out_channels };
        let (found, expected) = (moments.unwrap().statistics(1e-5), statistics(&norm, &y, 1e-5));
        // Both sum in single precision first, over other groups of voxels.
        assert!(error(&found.mean, &expected.mean) < 2e-6, "{shape:?}");
        assert!(error(&found.rstd, &expected.rstd) < 2e-6, "{shape:?}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for shape in shapes() {
        let (x, weight) = (noise(1, shape.input_len()), noise(2, shape.weight_len()));
        same_on_any_threads(|| {
            let statistics = forward_measured(&shape, &x, &weight).1.unwrap().statistics(1e-5);
            [statistics.mean, statistics.rstd].concat()
        });
    }
}

#[test]
fn a_pending_norm_and_prepared_weights_change_no_bit_of_them() {
    for shape in shapes() {
        let channels = shape.in_channels;
        let norm = NormShape { batch: shape.batch, voxels: shape.input.iter().product(), channels };
        let (x, weight) = (noise(1, norm.len()), noise(2, shape.weight_len()));
        let (gamma, beta) = (noise(3, channels), noise(4, channels));
        let statistics = statistics(&norm, &x, 1e-5);
        let pending = Pending::new(&norm, &statistics, &gamma, &beta, Activation::LeakyRelu(0.01));
        let settled = apply(&pending, &x, None);
        let (_, expected) = forward_measured(&shape, &settled, &weight);
        let (_, found) = forward_measured(&shape, Input::Pending(&x, &pending), &weight);
        assert_eq!(found, expected, "{shape:?}");
        let (_, prepared) = Prepared::forward(&shape, &weight).run_measured(&shape, &settled).expect("the same form");
        assert_eq!(prepared, expected, "{shape:?}");
    }
}

#[test]
fn a_map_without_voxels_has_moments_of_nothing() {
    for (input, kernel) in [([3, 3, 0], 1), ([0, 3, 3], 3), ([3, 0, 3], 1)] {
        let (kernel, padding) = ([kernel; 3], [kernel / 2; 3]);
        let shape = ConvShape { batch: 2, input, in_channels: 16, out_channels: 32, kernel, stride: [1; 3], padding };
        let (y, moments) = forward_measured(&shape, &Vec::new(), &noise(1, shape.weight_len()));
        assert!(y.is_empty() && moments.is_some(), "{shape:?}");
    }
}
