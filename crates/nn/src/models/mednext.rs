//! MedNeXt (Roy et al. 2023): a U-shaped network of depthwise convolutions, in four sizes.

use super::{Mode, Model, ModelConfig, ModelError, Output, check_channels, check_halvings};
use crate::About;
use crate::blocks::{Head, MedNextBlock, Sampling};
use crate::layers::{Conv, Start};
use crate::parameters::{Builder, Layout, Weights};
use mist_ops::{FeatureMap, add, upsample_nearest};

/// Times that every axis is halved.
const HALVINGS: usize = 4;
/// Channels at full resolution; they double per level.
const BASE_CHANNELS: usize = 32;
/// Depthwise kernel unless the configuration says otherwise.
const KERNEL: usize = 3;

/// How large a network is: by level of the encoder, in the bottleneck, and by level of the decoder from deep to fine.
struct Size {
    /// Factors of channels inside the blocks.
    expansions: ([usize; HALVINGS], usize, [usize; HALVINGS]),
    /// Blocks.
    blocks: ([usize; HALVINGS], usize, [usize; HALVINGS]),
}

/// The small network.
pub const ABOUT_SMALL: About = About {
    what: "depthwise convolutions, two blocks per level; `kernel_size` 3, 5 or 7",
    patch: "every axis a multiple of 16, one of them at least 32",
    encoder: &["stem.", "enc_stages.", "down_blocks.", "bottleneck."],
    input: &["stem.weight"],
    planned: false,
};
/// The base network.
pub const ABOUT_BASE: About = About { what: "mednext-small with wider blocks", ..ABOUT_SMALL };
/// The medium network.
pub const ABOUT_MEDIUM: About = About { what: "mednext-base with three or four blocks per level", ..ABOUT_SMALL };
/// The large network.
pub const ABOUT_LARGE: About = About { what: "three to eight wide blocks per level", ..ABOUT_SMALL };

/// Two blocks everywhere, factor 2.
pub fn small(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, &Size { expansions: ([2; 4], 2, [2; 4]), blocks: ([2; 4], 2, [2; 4]) })
}

/// Two blocks everywhere, factors 2 to 4.
pub fn base(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, &Size { expansions: ([2, 3, 4, 4], 4, [4, 4, 3, 2]), blocks: ([2; 4], 2, [2; 4]) })
}

/// Three or four blocks, factors 2 to 4.
pub fn medium(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    let blocks = ([3, 4, 4, 4], 4, [4, 4, 4, 3]);
    build(config, &Size { expansions: ([2, 3, 4, 4], 4, [4, 4, 3, 2]), blocks })
}

/// Three to eight blocks, factors 3 to 8.
pub fn large(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    let sizes = ([3, 4, 8, 8], 8, [8, 8, 4, 3]);
    build(config, &Size { expansions: sizes, blocks: sizes })
}

struct MedNext {
    layout: Layout,
    stem: Conv,
    /// From full resolution down: blocks of a level, then the halving.
    encoder: Vec<(Vec<MedNextBlock>, MedNextBlock)>,
    bottleneck: Vec<MedNextBlock>,
    /// From the level above the bottleneck up: the doubling, then blocks of the level.
    decoder: Vec<(MedNextBlock, Vec<MedNextBlock>)>,
    head: Head,
    /// From the bottleneck up to level 1.
    auxiliary_heads: Vec<Head>,
}

fn build(config: &ModelConfig, size: &Size) -> Result<Box<dyn Model>, ModelError> {
    check_channels(config)?;
    check_halvings(config.patch_size, 1 << HALVINGS)?;
    let kernel = kernel_size(config)?;
    let channels = |level: usize| BASE_CHANNELS << level;

    let mut builder = Builder::default();
    let block = |builder: &mut Builder, prefix: String, channels, expansion, sampling| {
        MedNextBlock::new(builder, &prefix, channels, kernel, expansion, sampling)
    };
    let stage = |builder: &mut Builder, prefix: &str, count: usize, channels: usize, expansion: usize| {
        let of = |index| block(builder, format!("{prefix}.{index}"), [channels; 2], expansion, Sampling::Keep);
        (0..count).map(of).collect::<Vec<_>>()
    };
    let stem = Conv::new(&mut builder, "stem", [config.in_channels, channels(0)], [1; 3], [1; 3], Start::UNIFORM);
    let stem = stem.with_bias(&mut builder, "stem", Start::UNIFORM);
    let (
        (encoder_expansions, bottleneck_expansion, decoder_expansions),
        (encoder_blocks, bottleneck_blocks, decoder_blocks),
    ) = (size.expansions, size.blocks);
    let mut encoder_stage = |level: usize| {
        let prefix = format!("enc_stages.{level}");
        stage(&mut builder, &prefix, encoder_blocks[level], channels(level), encoder_expansions[level])
    };
    let stages: Vec<_> = (0..HALVINGS).map(&mut encoder_stage).collect();
    let mut halving = |level: usize| {
        let between = [channels(level), channels(level + 1)];
        block(&mut builder, format!("down_blocks.{level}"), between, encoder_expansions[level], Sampling::Halve)
    };
    let halvings: Vec<_> = (0..HALVINGS).map(&mut halving).collect();
    let bottleneck = stage(&mut builder, "bottleneck", bottleneck_blocks, channels(HALVINGS), bottleneck_expansion);
    // Index 0 leads from the bottleneck to the level above it.
    let level_of = |index: usize| HALVINGS - 1 - index;
    let mut doubling = |index: usize| {
        let between = [channels(level_of(index) + 1), channels(level_of(index))];
        block(&mut builder, format!("up_blocks.{index}"), between, decoder_expansions[index], Sampling::Double)
    };
    let doublings: Vec<_> = (0..HALVINGS).map(&mut doubling).collect();
    let mut decoder_stage = |index: usize| {
        let (prefix, channels) = (format!("dec_stages.{index}"), channels(level_of(index)));
        stage(&mut builder, &prefix, decoder_blocks[index], channels, decoder_expansions[index])
    };
    let decoder_stages: Vec<_> = (0..HALVINGS).map(&mut decoder_stage).collect();
    let classes = config.out_channels;
    let head = Head::new(&mut builder, "out_0.conv_out", [channels(0), classes], Start::UNIFORM);
    let mut auxiliary = |index: usize| {
        let name = format!("out_blocks.{index}.conv_out");
        Head::new(&mut builder, &name, [channels(level_of(index) + 1), classes], Start::UNIFORM)
    };
    let auxiliary_heads = (0..HALVINGS).map(&mut auxiliary).collect();
    Ok(Box::new(MedNext {
        layout: builder.finish(),
        stem,
        encoder: stages.into_iter().zip(halvings).collect(),
        bottleneck,
        decoder: doublings.into_iter().zip(decoder_stages).collect(),
        head,
        auxiliary_heads,
    }))
}

/// `kernel_size` of the parameters: an odd number.
fn kernel_size(config: &ModelConfig) -> Result<usize, ModelError> {
    let Some(value) = config.extra.get("kernel_size") else { return Ok(KERNEL) };
    match value.as_u64() {
        Some(size) if size % 2 == 1 => Ok(size as usize),
        _ => Err(ModelError::KernelSize { value: value.to_string() }),
    }
}

impl Model for MedNext {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn divisor(&self) -> [usize; 3] {
        [1 << HALVINGS; 3]
    }

    fn forward(&self, weights: &Weights, image: &FeatureMap, mode: Mode) -> Output {
        let run = |blocks: &[MedNextBlock], x: FeatureMap| blocks.iter().fold(x, |x, block| block.forward(weights, &x));
        let mut x = self.stem.forward(weights, image);
        let mut skips = Vec::with_capacity(HALVINGS);
        for (blocks, halving) in &self.encoder {
            x = run(blocks, x);
            let deeper = halving.forward(weights, &x);
            skips.push(std::mem::replace(&mut x, deeper));
        }
        x = run(&self.bottleneck, x);
        let mut auxiliary = Vec::new();
        for (index, (doubling, blocks)) in self.decoder.iter().enumerate() {
            if let (Mode::Training, Some(head)) = (mode, self.auxiliary_heads.get(index)) {
                auxiliary.push(upsample_nearest(&head.forward(weights, &x), [1 << (HALVINGS - index); 3]));
            }
            x = doubling.forward(weights, &x);
            if let Some(skip) = skips.pop() {
                x = add(&x, &skip);
            }
            x = run(blocks, x);
        }
        auxiliary.reverse();
        Output { prediction: self.head.forward(weights, &x), auxiliary }
    }
}
