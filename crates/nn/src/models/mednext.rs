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
    what: "depthwise convolutions, pairs of blocks; `kernel_size` 3, 5, 7",
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
    let mut network = Construction { builder: Builder::default(), kernel: kernel_size(config)? };
    let channels = |level: usize| BASE_CHANNELS << level;
    // The decoder counts from the level above the bottleneck up.
    let level_of = |index: usize| HALVINGS - 1 - index;
    let ((encoder_factors, bottleneck_factor, decoder_factors), (encoder_blocks, bottleneck_blocks, decoder_blocks)) =
        (size.expansions, size.blocks);

    let stem_channels = [config.in_channels, channels(0)];
    let stem = Conv::new(&mut network.builder, "stem", stem_channels, [1; 3], [1; 3], Start::UNIFORM);
    let stem = stem.with_bias(&mut network.builder, "stem", Start::UNIFORM);
    let mut stages = Vec::new();
    for level in 0..HALVINGS {
        let prefix = format!("enc_stages.{level}");
        stages.push(network.stage(&prefix, encoder_blocks[level], channels(level), encoder_factors[level]));
    }
    let mut halvings = Vec::new();
    for level in 0..HALVINGS {
        let (prefix, between) = (format!("down_blocks.{level}"), [channels(level), channels(level + 1)]);
        halvings.push(network.block(&prefix, between, encoder_factors[level], Sampling::Halve));
    }
    let bottleneck = network.stage("bottleneck", bottleneck_blocks, channels(HALVINGS), bottleneck_factor);
    let mut doublings = Vec::new();
    for index in 0..HALVINGS {
        let between = [channels(level_of(index) + 1), channels(level_of(index))];
        doublings.push(network.block(&format!("up_blocks.{index}"), between, decoder_factors[index], Sampling::Double));
    }
    let mut decoder_stages = Vec::new();
    for index in 0..HALVINGS {
        let (prefix, channels) = (format!("dec_stages.{index}"), channels(level_of(index)));
        decoder_stages.push(network.stage(&prefix, decoder_blocks[index], channels, decoder_factors[index]));
    }
    let mut head = |name: &str, level: usize| {
        Head::new(&mut network.builder, name, [channels(level), config.out_channels], Start::UNIFORM)
    };
    let main_head = head("out_0.conv_out", 0);
    let auxiliary = |index: usize| head(&format!("out_blocks.{index}.conv_out"), level_of(index) + 1);
    let auxiliary_heads = (0..HALVINGS).map(auxiliary).collect();
    Ok(Box::new(MedNext {
        layout: network.builder.finish(),
        stem,
        encoder: stages.into_iter().zip(halvings).collect(),
        bottleneck,
        decoder: doublings.into_iter().zip(decoder_stages).collect(),
        head: main_head,
        auxiliary_heads,
    }))
}

/// Adds the blocks of a network.
struct Construction {
    builder: Builder,
    /// Depthwise.
    kernel: usize,
}

impl Construction {
    fn block(&mut self, prefix: &str, channels: [usize; 2], expansion: usize, sampling: Sampling) -> MedNextBlock {
        MedNextBlock::new(&mut self.builder, prefix, channels, self.kernel, expansion, sampling)
    }

    /// So many blocks of one level.
    fn stage(&mut self, prefix: &str, blocks: usize, channels: usize, expansion: usize) -> Vec<MedNextBlock> {
        let block = |index| self.block(&format!("{prefix}.{index}"), [channels; 2], expansion, Sampling::Keep);
        (0..blocks).map(block).collect()
    }
}

/// Values of the parameter `kernel_size`, the size of the depthwise kernels.
pub const KERNEL_SIZES: [i64; 3] = [3, 5, 7];

/// `kernel_size` of the parameters.
fn kernel_size(config: &ModelConfig) -> Result<usize, ModelError> {
    let Some(value) = config.extra.get("kernel_size").filter(|value| !value.is_null()) else { return Ok(KERNEL) };
    match value.as_i64() {
        Some(size) if KERNEL_SIZES.contains(&size) => Ok(size as usize),
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
