//! Every kind of convolution on the numbers that networks see, unit-normal activations and weights as He et al. (2015)
//! draw them: rounding errors, finite differences, and batches without images.

use super::data::{dot, noise};
use crate::conv::{self, ConvShape};
use crate::depthwise::{self, DepthwiseShape};
use crate::grouped::{self, GroupedShape};
use crate::{reference, winograd};

/// Largest relative L2 errors that users are promised.
const WINOGRAD: f64 = 5e-6;
const DIRECT: f64 = 1e-6;
const GRADIENT: f64 = 2e-5;

/// Unit-normal values (Box and Muller 1958).
fn normal(seed: u64, len: usize) -> Vec<f32> {
    let uniform = |seed| noise(seed, len).into_iter().map(|value| 0.5 * f64::from(value) + 0.5);
    let pairs = uniform(2 * seed).zip(uniform(2 * seed + 1));
    pairs.map(|(u, v)| ((-2.0 * (1.0 - u).max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32).collect()
}

/// L2 norm of the difference as a fraction of that of `truth`.
fn relative(result: &[f32], truth: &[f32]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    assert_eq!(result.len(), truth.len());
    let difference = squares(&mut result.iter().zip(truth).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (difference / squares(&mut truth.iter().map(|value| f64::from(*value)))).sqrt()
}

/// The kinds of convolution. For the transposed one the shape is that of the convolution that leads back.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Dense,
    Transposed,
    Grouped(usize),
    Depthwise,
}

#[derive(Clone, Copy, Debug)]
struct Layer {
    kind: Kind,
    shape: ConvShape,
}

impl Layer {
    fn new(kind: Kind, batch: usize, size: usize, channels: [usize; 2], kernel: usize, stride: usize) -> Self {
        let [in_channels, out_channels] = channels;
        let padding = if matches!(kind, Kind::Transposed) { 0 } else { kernel / 2 };
        let input = [size; 3];
        let (kernel, stride, padding) = ([kernel; 3], [stride; 3], [padding; 3]);
        Self { kind, shape: ConvShape { batch, input, in_channels, out_channels, kernel, stride, padding } }
    }

    fn groups(&self) -> GroupedShape {
        let groups = match self.kind {
            Kind::Dense | Kind::Transposed => 1,
            Kind::Grouped(groups) => groups,
            Kind::Depthwise => self.shape.in_channels,
        };
        GroupedShape { whole: self.shape, groups }
    }

    fn depthwise(&self) -> DepthwiseShape {
        let ConvShape { batch, input, in_channels, kernel, stride, padding, .. } = self.shape;
        DepthwiseShape { batch, input, channels: in_channels, kernel, stride, padding }
    }

    /// Lengths of input, weight and output.
    fn lengths(&self) -> [usize; 3] {
        let (x, y) = (self.shape.input_len(), self.shape.output_len());
        let weight = self.shape.weight_len() / self.groups().groups;
        if matches!(self.kind, Kind::Transposed) { [y, weight, x] } else { [x, weight, y] }
    }

    /// Input, weight and gradient of the output.
    fn data(&self) -> [Vec<f32>; 3] {
        let [x, weight, y] = self.lengths();
        let [kd, kh, kw] = self.shape.kernel;
        let fan = match self.kind {
            Kind::Transposed => self.shape.out_channels,
            _ => self.shape.in_channels / self.groups().groups * kd * kh * kw,
        };
        let deviation = (2.0 / fan as f32).sqrt();
        [normal(1, x), normal(2, weight).into_iter().map(|value| deviation * value).collect(), normal(3, y)]
    }

    fn forward(&self, x: &[f32], weight: &[f32]) -> Vec<f32> {
        match self.kind {
            Kind::Dense => conv::forward(&self.shape, x, weight, None),
            Kind::Transposed => conv::transposed(&self.shape, x, weight, None),
            Kind::Grouped(_) => grouped::forward(&self.groups(), x, weight, None),
            Kind::Depthwise => depthwise::forward(&self.depthwise(), x, weight, None),
        }
    }

    /// Gradients by input and weight.
    fn gradients(&self, x: &[f32], weight: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
        let shape = &self.shape;
        match self.kind {
            Kind::Dense => [conv::input_gradient(shape, dy, weight), conv::weight_gradient(shape, x, dy)],
            Kind::Transposed => [conv::forward(shape, dy, weight, None), conv::weight_gradient(shape, dy, x)],
            Kind::Grouped(_) => {
                let shape = self.groups();
                [grouped::transposed(&shape, dy, weight, None), grouped::weight_gradient(&shape, x, dy)]
            }
            Kind::Depthwise => {
                let shape = self.depthwise();
                [depthwise::input_gradient(&shape, dy, weight), depthwise::weight_gradient(&shape, x, dy)]
            }
        }
    }

    /// Output and gradients by the formula, summed in double precision.
    fn truth(&self, x: &[f32], weight: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
        use reference::grouped::{forward, transposed, weight_gradient};
        let shape = self.groups();
        match self.kind {
            Kind::Transposed => {
                [transposed(&shape, x, weight, None), forward(&shape, dy, weight, None), weight_gradient(&shape, dy, x)]
            }
            _ => {
                [forward(&shape, x, weight, None), transposed(&shape, dy, weight, None), weight_gradient(&shape, x, dy)]
            }
        }
    }

    fn check(&self, forward: f64) {
        let [x, weight, dy] = self.data();
        let [y, dx, dw] = self.truth(&x, &weight, &dy);
        let [input, weights] = self.gradients(&x, &weight, &dy);
        for (pass, result, truth, most) in [
            ("output", self.forward(&x, &weight), y, forward),
            ("input gradient", input, dx, GRADIENT),
            ("weight gradient", weights, dw, GRADIENT),
        ] {
            let error = relative(&result, &truth);
            assert!(error <= most, "{pass}: relative error {error:.1e} of {self:?}");
        }
    }
}

/// Small layers, one of each kind and way.
fn small() -> impl Iterator<Item = Layer> {
    [
        Layer::new(Kind::Dense, 2, 8, [16, 32], 3, 1),
        Layer::new(Kind::Dense, 2, 6, [20, 12], 3, 2),
        Layer::new(Kind::Dense, 2, 5, [17, 3], 1, 1),
        Layer::new(Kind::Transposed, 2, 6, [16, 24], 2, 2),
        Layer::new(Kind::Grouped(3), 2, 5, [12, 6], 3, 1),
        Layer::new(Kind::Depthwise, 2, 7, [18, 18], 5, 2),
    ]
    .into_iter()
}

#[test]
fn winograd_keeps_its_accuracy() {
    for layer in [
        Layer::new(Kind::Dense, 1, 16, [32, 32], 3, 1),
        Layer::new(Kind::Dense, 2, 13, [64, 16], 3, 1),
        Layer::new(Kind::Dense, 1, 8, [64, 64], 3, 1),
        Layer::new(Kind::Dense, 1, 8, [256, 128], 3, 1),
    ] {
        assert!(winograd::suits(&layer.shape), "{layer:?}");
        layer.check(WINOGRAD);
    }
}

#[test]
fn direct_ways_keep_their_accuracy() {
    let thin = Layer::new(Kind::Dense, 1, 10, [32, 32], 3, 1);
    let thin = ConvShape { kernel: [3, 3, 1], stride: [2, 2, 1], padding: [1, 1, 0], ..thin.shape };
    for layer in [
        Layer::new(Kind::Dense, 1, 16, [32, 64], 3, 2),
        Layer::new(Kind::Dense, 1, 4, [64, 64], 3, 1),
        Layer::new(Kind::Dense, 2, 16, [32, 3], 1, 1),
        Layer::new(Kind::Dense, 1, 16, [1, 32], 3, 1),
        Layer { kind: Kind::Dense, shape: thin },
        Layer::new(Kind::Transposed, 1, 16, [32, 64], 2, 2),
        Layer::new(Kind::Grouped(4), 1, 8, [32, 64], 3, 1),
        Layer::new(Kind::Depthwise, 1, 14, [32, 32], 3, 1),
        Layer::new(Kind::Depthwise, 1, 13, [32, 32], 7, 1),
        Layer::new(Kind::Depthwise, 1, 13, [48, 48], 3, 2),
    ] {
        assert!(!matches!(layer.kind, Kind::Dense) || !winograd::suits(&layer.shape), "{layer:?}");
        layer.check(DIRECT);
    }
}

/// The outputs are linear in input and weight, so a difference of any size will do.
#[test]
fn gradients_predict_differences() {
    for layer in small() {
        let [x, weight, dy] = layer.data();
        let [dx, dw] = layer.gradients(&x, &weight, &dy);
        let [x_step, weight_step] = [(8, x.len()), (9, weight.len())].map(|(seed, len)| normal(seed, len));
        let moved = |values: &[f32], step: &[f32], sign: f32| -> Vec<f32> {
            values.iter().zip(step).map(|(value, step)| value + sign * step).collect()
        };
        let along_x = |sign| dot(&dy, &layer.forward(&moved(&x, &x_step, sign), &weight));
        let along_weight = |sign| dot(&dy, &layer.forward(&x, &moved(&weight, &weight_step, sign)));
        for (measured, predicted, scale) in [
            ((along_x(1.0) - along_x(-1.0)) / 2.0, dot(&dx, &x_step), dot(&dx, &dx).sqrt()),
            ((along_weight(1.0) - along_weight(-1.0)) / 2.0, dot(&dw, &weight_step), dot(&dw, &dw).sqrt()),
        ] {
            assert!((measured - predicted).abs() <= 1e-4 * scale, "{measured} {predicted} of {layer:?}");
        }
    }
}

#[test]
fn a_batch_without_images_gives_nothing_and_no_gradient() {
    for layer in small().map(|layer| Layer { shape: ConvShape { batch: 0, ..layer.shape }, ..layer }) {
        let [x, weight, dy] = layer.data();
        assert!(layer.forward(&x, &weight).is_empty(), "{layer:?}");
        let [dx, dw] = layer.gradients(&x, &weight, &dy);
        assert!(dx.is_empty(), "{layer:?}");
        assert_eq!(dw, vec![0.0; weight.len()], "{layer:?}");
    }
}
