//! Weights in the order of the kernels, brought into it once for many calls.
//!
//! A pass over few voxels takes about as long to prepare its weights as to use them. Prediction calls the same layers
//! window after window, so there it pays to keep them; in training every pass sees other weights.

use super::correlation::Correlation;
use super::pack::{Packed, Roles};
use super::{ConvShape, Input};
use crate::instance_norm::Moments;
use crate::simd::Isa;
use crate::winograd::{self, Tile, Wanted};

/// With more output voxels, direct convolutions take no time worth mentioning to prepare (at 8^3: 10 %).
const DIRECT_VOXELS: usize = 512;
/// The same for Winograd's algorithm (at 16^3: 15 %).
const WINOGRAD_VOXELS: usize = 4096;

/// What the order of prepared weights depends on: the passes of one form can share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    roles: Roles,
    channels: [usize; 2],
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    /// None for the direct way.
    tile: Option<Tile>,
}

impl Preparation {
    /// For [`super::forward`] of a shape.
    pub fn forward(shape: &ConvShape) -> Self {
        Self::new(shape, Roles::Forward)
    }

    /// For [`super::transposed`] of a shape.
    pub fn transposed(shape: &ConvShape) -> Self {
        Self::new(shape, Roles::Exchanged)
    }

    fn new(shape: &ConvShape, roles: Roles) -> Self {
        Self {
            roles,
            channels: [shape.in_channels, shape.out_channels],
            kernel: shape.kernel,
            stride: shape.stride,
            padding: shape.padding,
            tile: winograd::suits(shape).then(|| winograd::tile_of_pass(shape)),
        }
    }

    /// Whether preparing the weights takes a share of a pass that is worth the memory.
    pub fn pays(&self, shape: &ConvShape) -> bool {
        let size = match self.roles {
            Roles::Forward => shape.output(),
            Roles::Exchanged => shape.input,
        };
        let voxels = shape.batch * size.iter().product::<usize>();
        voxels <= if self.tile.is_some() { WINOGRAD_VOXELS } else { DIRECT_VOXELS }
    }

    /// Bytes of the prepared weights.
    pub fn bytes(&self) -> usize {
        let [inputs, outputs] = self.channels;
        size_of::<f32>()
            * match (self.tile, self.roles) {
                (Some(tile), _) => tile.frequencies() * winograd::blocks(inputs) * winograd::blocks(outputs),
                (None, Roles::Forward) => Packed::len(inputs, outputs, self.kernel),
                (None, Roles::Exchanged) => Packed::len(outputs, inputs, self.kernel),
            }
    }

    /// Prepares `weight`, `[out, in, kd, kh, kw]` of `shape`, whose preparation this is.
    fn weights(&self, shape: &ConvShape, weight: &[f32]) -> Weights {
        assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
        match self.tile {
            Some(tile) => {
                let mut values = vec![0.0; winograd::weights_len(shape, tile)];
                winograd::transform_weights(Isa::best(), shape, self.roles, tile, weight, &mut values);
                Weights::Frequencies(values)
            }
            None => Weights::Packed(Packed::new(shape, weight, self.roles, &Correlation::new(shape, self.roles))),
        }
    }
}

enum Weights {
    Frequencies(Vec<f32>),
    Packed(Packed),
}

/// Weights prepared for all passes of one form.
pub struct Prepared {
    preparation: Preparation,
    weights: Weights,
}

impl Prepared {
    /// Prepares `weight`, `[out, in, kd, kh, kw]`, for [`super::forward`] of a shape.
    pub fn forward(shape: &ConvShape, weight: &[f32]) -> Self {
        let preparation = Preparation::forward(shape);
        Self { weights: preparation.weights(shape, weight), preparation }
    }

    /// Prepares `weight`, `[out, in, kd, kh, kw]`, for [`super::transposed`] of a shape.
    pub fn transposed(shape: &ConvShape, weight: &[f32]) -> Self {
        let preparation = Preparation::transposed(shape);
        Self { weights: preparation.weights(shape, weight), preparation }
    }

    /// The pass that the weights were prepared for, of `shape`, with the same bits as if they were prepared now; nothing
    /// if that wants another form, as with another size of map.
    pub fn run<'a>(&self, shape: &ConvShape, x: impl Into<Input<'a>>, bias: Option<&[f32]>) -> Option<Vec<f32>> {
        Some(self.run_wanted(shape, x.into(), bias, false)?.0)
    }

    /// As [`Self::run`], without a bias, and the moments of the output.
    pub fn run_measured<'a>(&self, shape: &ConvShape, x: impl Into<Input<'a>>) -> Option<(Vec<f32>, Option<Moments>)> {
        self.run_wanted(shape, x.into(), None, true)
    }

    fn run_wanted(
        &self,
        shape: &ConvShape,
        x: Input,
        bias: Option<&[f32]>,
        moments: bool,
    ) -> Option<(Vec<f32>, Option<Moments>)> {
        let roles = self.preparation.roles;
        if Preparation::new(shape, roles) != self.preparation {
            return None;
        }
        let (read, channels) = match roles {
            Roles::Forward => (*shape, shape.out_channels),
            Roles::Exchanged => {
                let (input, in_channels) = (shape.output(), shape.out_channels);
                (ConvShape { input, in_channels, ..*shape }, shape.in_channels)
            }
        };
        assert!(bias.is_none_or(|bias| bias.len() == channels), "bias does not match its shape");
        let isa = Isa::best();
        Some(match &self.weights {
            Weights::Frequencies(values) => {
                let wanted = Wanted { first: channels, moments };
                let convolved = winograd::convolve_transformed(isa, shape, roles, x, values, bias, wanted);
                let [y, _] = convolved.maps;
                (y, convolved.moments)
            }
            Weights::Packed(packed) => {
                let (pass, x) = (Correlation::new(shape, roles), x.single(&read.input_map()));
                if moments {
                    let (y, moments) = pass.run_measured(isa, x, packed);
                    (y, Some(moments))
                } else {
                    (pass.run(isa, x, packed, bias), None)
                }
            }
        })
    }
}
