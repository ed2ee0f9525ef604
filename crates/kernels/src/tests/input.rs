//! Maps that are read with a pending norm, or in two parts, against the same maps made first.

use super::data::{bits, noise};
use crate::conv::{Input, forward_on, input_gradients, reads_joined, transposed, weight_gradient_on};
use crate::instance_norm::{NormShape, Pending, apply, statistics};
use crate::simd::Isa;
use crate::{Activation, ConvShape, channels};

const CHANNELS: [usize; 2] = [16, 48];

/// For Winograd's algorithm. Odd sizes, so that tiles reach over every end; with many channels the phases run one after the
/// other.
fn shapes() -> impl Iterator<Item = ConvShape> {
    [([13, 14, 17], 1, 32), ([9, 10, 12], 2, 16), ([8, 9, 8], 1, 512)].into_iter().map(
        |(input, batch, out_channels)| {
            let in_channels = CHANNELS[0] + CHANNELS[1];
            ConvShape { batch, input, in_channels, out_channels, kernel: [3; 3], stride: [1; 3], padding: [1; 3] }
        },
    )
}

/// Output and weight gradient of both forms of an input are the same bits.
fn agree(shape: &ConvShape, input: Input, settled: &[f32]) {
    let (weight, dy) = (noise(1, shape.weight_len()), noise(2, shape.output_len()));
    for isa in Isa::all() {
        let forward = |input: Input| forward_on(isa, shape, input, &weight, None);
        assert_eq!(bits(&forward(input)), bits(&forward(settled.into())), "{isa:?} {shape:?}");
        let gradient = |input: Input| weight_gradient_on(isa, shape, input, &dy);
        assert_eq!(bits(&gradient(input)), bits(&gradient(settled.into())), "{isa:?} {shape:?}");
    }
}

#[test]
fn a_pending_norm_changes_no_bit() {
    // Direct ones: kernels of one voxel, with a stride, with margins, of any number of channels.
    let direct =
        [([1; 3], [1; 3], 64, 3), ([1; 3], [2; 3], 64, 32), ([3; 3], [2; 3], 64, 20), ([3, 3, 1], [1; 3], 7, 5)];
    let direct = direct.map(|(kernel, stride, in_channels, out_channels)| {
        let padding = kernel.map(|extent| extent / 2);
        ConvShape { batch: 2, input: [7, 6, 21], in_channels, out_channels, kernel, stride, padding }
    });
    for shape in shapes().chain(direct) {
        let channels = shape.in_channels;
        let norm = NormShape { batch: shape.batch, voxels: shape.input.iter().product(), channels };
        let x: Vec<f32> = noise(3, norm.len()).into_iter().map(|value| 3.0 * value + 1.0).collect();
        let (gamma, beta) = (noise(4, channels), noise(5, channels));
        let statistics = statistics(&norm, &x, 1e-5);
        let pending = Pending::new(&norm, &statistics, &gamma, &beta, Activation::LeakyRelu(0.01));
        agree(&shape, Input::Pending(&x, &pending), &apply(&pending, &x, None));
    }
}

#[test]
#[should_panic(expected = "norm of another shape")]
fn a_norm_of_another_batch_is_refused() {
    let shape = ConvShape {
        batch: 2,
        input: [2, 3, 4],
        in_channels: 4,
        out_channels: 4,
        kernel: [1; 3],
        stride: [1; 3],
        padding: [0; 3],
    };
    let norm = NormShape { batch: 1, voxels: 48, channels: 4 };
    let x = noise(1, norm.len());
    let statistics = statistics(&norm, &x, 1e-5);
    let ones = [1.0; 4];
    let pending = Pending::new(&norm, &statistics, &ones, &ones, Activation::Identity);
    forward_on(Isa::best(), &shape, Input::Pending(&x, &pending), &noise(2, 16), None);
}

#[test]
fn two_parts_are_read_and_written_like_their_join() {
    for shape in shapes() {
        assert!(reads_joined(&shape, CHANNELS));
        let voxels = shape.batch * shape.input.iter().product::<usize>();
        let [a, b] = CHANNELS.map(|channels| noise(channels as u64, voxels * channels));
        agree(&shape, Input::Joined([&a, &b]), &channels::concat(voxels, CHANNELS[0], &a, CHANNELS[1], &b));

        let (weight, dy) = (noise(1, shape.weight_len()), noise(2, shape.output_len()));
        let joined = transposed(&shape, &dy, &weight, None);
        let (first, second) = channels::split(voxels, CHANNELS[0], CHANNELS[1], &joined);
        let parts = input_gradients(&shape, &dy, &weight, CHANNELS);
        assert_eq!(parts.each_ref().map(|part| bits(part)), [bits(&first), bits(&second)], "{shape:?}");
    }
}
