//! Winograd's algorithm for 3x3x3 convolutions of stride 1: 4.5 to 8 times fewer multiplications than the direct way.
//!
//! A tile of outputs is computed from frequencies: transforms of its input voxels times transforms of the kernel,
//! transformed back. The products of all tiles and channels at one frequency are a matrix product, which is where the
//! time goes. Tiles are 4x4x4 where the map is large enough, 2x4x4 where it is not, and for the weight gradient of the
//! smallest 2x2x2. Their relative rounding errors (L2, random data, 32 channels) are 1.4e-6, 8e-7 and 2.6e-7; that of the
//! direct way is 2.4e-7.

mod columns;
mod forward;
mod fused;
mod grid;
mod input;
mod inverse;
mod output;
mod products;
mod transform;
mod weight_gradient;
mod weights;

use crate::conv::{ConvShape, Input, Roles};
use crate::instance_norm::Moments;
use crate::output::with_scratch;
use crate::simd::Isa;
use crate::tile::BLOCK;
use forward::Pass;
use grid::Grid;
use input::Source;
use weights::Frequencies;

/// Least extent for tiles of 4 along every axis.
const LARGE: usize = 12;
/// Least extent for any tile; below, tiles would cover more than they compute.
const SMALL: usize = 6;
/// Least voxels of all images: with fewer, transforming the weights costs more than it saves.
const VOXELS: usize = 512;
/// Least extent for the weight gradient, which has no weights to transform.
const SMALL_OF_WEIGHT_GRADIENT: usize = 4;
/// Least extent for tiles of 4 in the weight gradient: their sums stay in the cache, however many channels there are.
const LARGE_OF_WEIGHT_GRADIENT: usize = 7;

/// Whether this module computes the forward pass and the input gradient of a shape.
pub(crate) fn suits(shape: &ConvShape) -> bool {
    has_tiles(shape, SMALL) && shape.batch * shape.output().iter().product::<usize>() >= VOXELS
}

/// Whether this module computes the weight gradient of a shape; it does where it computes the other passes.
pub(crate) fn suits_weight_gradient(shape: &ConvShape) -> bool {
    has_tiles(shape, SMALL_OF_WEIGHT_GRADIENT) && shape.batch > 0
}

/// Whether kernel and channels are those of the tiles, and the extents at least that.
fn has_tiles(shape: &ConvShape, least: usize) -> bool {
    shape.kernel == [3; 3]
        && shape.stride == [1; 3]
        && shape.padding.iter().all(|&padding| padding <= 2)
        && fills_blocks(shape)
        && shape.input.iter().chain(&shape.output()).all(|&extent| extent >= least)
}

/// Whether there are channels, and fill most of the blocks in which they are handled: at least half of the pairs are of
/// channels that there are.
fn fills_blocks(shape: &ConvShape) -> bool {
    let [inputs, outputs] = [shape.in_channels, shape.out_channels];
    inputs * outputs > 0 && blocks(inputs) * blocks(outputs) <= 2 * inputs * outputs
}

/// Channels rounded up to whole blocks. Those beyond are zeros when read, and not written.
pub(crate) fn blocks(channels: usize) -> usize {
    channels.next_multiple_of(BLOCK)
}

/// Values of the transformed weights of a shape.
pub(crate) fn weights_len(shape: &ConvShape, tile: Tile) -> usize {
    tile.frequencies() * blocks(shape.in_channels) * blocks(shape.out_channels)
}

/// Output voxels of a tile per axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    Cube4,
    Flat244,
}

impl Tile {
    /// Products per tile and pair of channels.
    pub fn frequencies(self) -> usize {
        match self {
            Tile::Cube4 => 6 * 6 * 6,
            Tile::Flat244 => 4 * 6 * 6,
        }
    }
}

/// The tile of the forward pass and of the input gradient of a shape that [`suits`]. Larger ones save products; smaller
/// ones waste less at the ends of a small map, and have fewer frequencies of the weights to go through memory.
pub(crate) fn tile_of_pass(shape: &ConvShape) -> Tile {
    if shape.input.iter().all(|&extent| extent >= LARGE) { Tile::Cube4 } else { Tile::Flat244 }
}

/// What a pass makes.
pub(crate) struct Convolved {
    /// The first channels, and the others.
    pub maps: [Vec<f32>; 2],
    /// Of the first map, where they were wanted.
    pub moments: Option<Moments>,
}

/// How the output of a pass is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Channels of the first map.
    pub first: usize,
    /// Whether its moments are, too.
    pub moments: bool,
}

/// The forward pass, or with exchanged roles the input gradient, of a shape that [`suits`].
pub(crate) fn convolve(
    isa: Isa,
    shape: &ConvShape,
    roles: Roles,
    input: Input,
    weight: &[f32],
    bias: Option<&[f32]>,
    wanted: Wanted,
) -> Convolved {
    let tile = tile_of_pass(shape);
    with_scratch(weights_len(shape, tile), |room| {
        transform_weights(isa, shape, roles, tile, weight, room);
        convolve_transformed(isa, shape, roles, input, room, bias, wanted)
    })
}

/// Weights for [`convolve_transformed`]: to `room`, which has as many values as frequencies and pairs of channels.
pub(crate) fn transform_weights(
    isa: Isa,
    shape: &ConvShape,
    roles: Roles,
    tile: Tile,
    weight: &[f32],
    room: &mut [f32],
) {
    match tile {
        Tile::Cube4 => weights::transform::<4, 4, 4>(isa, shape, weight, roles, room),
        Tile::Flat244 => weights::transform::<2, 4, 4>(isa, shape, weight, roles, room),
    }
}

/// [`convolve`] with weights that are already transformed, for the same roles and tile.
pub(crate) fn convolve_transformed(
    isa: Isa,
    shape: &ConvShape,
    roles: Roles,
    input: Input,
    weights: &[f32],
    bias: Option<&[f32]>,
    wanted: Wanted,
) -> Convolved {
    match tile_of_pass(shape) {
        Tile::Cube4 => convolve_tiles::<4, 4, 4>(isa, shape, roles, input, weights, bias, wanted),
        Tile::Flat244 => convolve_tiles::<2, 4, 4>(isa, shape, roles, input, weights, bias, wanted),
    }
}

fn convolve_tiles<const D: usize, const H: usize, const W: usize>(
    isa: Isa,
    shape: &ConvShape,
    roles: Roles,
    input: Input,
    weights: &[f32],
    bias: Option<&[f32]>,
    wanted: Wanted,
) -> Convolved {
    let (batch, tile) = (shape.batch, [D, H, W]);
    let (grid, source_channels, output_channels) = match roles {
        Roles::Forward => {
            let grid = Grid { batch, source: shape.input, output: shape.output(), padding: shape.padding, tile };
            (grid, shape.in_channels, shape.out_channels)
        }
        Roles::Exchanged => {
            let padding = shape.padding.map(|padding| 2 - padding);
            let grid = Grid { batch, source: shape.output(), output: shape.input, padding, tile };
            (grid, shape.out_channels, shape.in_channels)
        }
    };
    let source = Source::new(&grid, input, source_channels);
    let mut of_blocks = vec![0.0; blocks(output_channels)];
    if let Some(bias) = bias {
        of_blocks[..output_channels].copy_from_slice(bias);
    }
    let channels = [wanted.first, output_channels - wanted.first];
    let (source_channels, output_channels) = (blocks(source_channels), blocks(output_channels));
    let weights = Frequencies::new(weights, grid.frequencies(), [source_channels, output_channels]);
    let pass = Pass { grid, source: &source, source_channels, output_channels, weights, bias: &of_blocks };
    pass.run::<D, H, W>(isa, channels, wanted.moments)
}

/// The weight gradient of a shape that [`suits_weight_gradient`].
pub(crate) fn weight_gradient(isa: Isa, shape: &ConvShape, x: Input, dy: &[f32]) -> Vec<f32> {
    let [depth, height, width] = shape.output().map(|extent| extent >= LARGE_OF_WEIGHT_GRADIENT);
    match (depth, height && width) {
        (true, true) => weight_gradient::weight_gradient::<4, 4, 4>(isa, shape, x, dy),
        (false, true) => weight_gradient::weight_gradient::<2, 4, 4>(isa, shape, x, dy),
        (_, false) => weight_gradient::weight_gradient::<2, 2, 2>(isa, shape, x, dy),
    }
}
