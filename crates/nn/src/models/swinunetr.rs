//! Swin UNETR, version 2 (Hatamizadeh et al. 2022; He et al. 2023): a Swin Transformer as encoder and convolutions as
//! decoder, in three sizes.

use super::{Mode, Model, ModelConfig, ModelError, Output, check_channels, check_halvings};
use crate::About;
use crate::blocks::{DoubleConv, Head, MergePatches, Shortcut, Style, SwinBlock, Up};
use crate::layers::{Conv, Norm};
use crate::parameters::{Builder, Layout, Weights};
use mist_ops::FeatureMap;

const STYLE: Style = Style::SWIN;
/// Heads of the attention of each stage.
const HEADS: [usize; 4] = [3, 6, 12, 24];
/// Transformer blocks of a stage, every other one with shifted windows.
const BLOCKS: usize = 2;
/// Product of all halvings of an axis.
const DIVISOR: usize = 32;

/// The small network.
pub const ABOUT_SMALL: About = About {
    what: "Swin Transformer as encoder, 24 features",
    patch: "every axis a multiple of 32, one of them at least 64",
    encoder: &["model.swinViT."],
    input: &["model.swinViT.patch_embed.proj.weight"],
    planned: false,
};
/// The base network.
pub const ABOUT_BASE: About = About { what: "Swin Transformer as encoder, 48 features", ..ABOUT_SMALL };
/// The large network.
pub const ABOUT_LARGE: About = About { what: "Swin Transformer as encoder, 96 features", ..ABOUT_SMALL };

/// 24 features.
pub fn small(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, 24)
}

/// 48 features.
pub fn base(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, 48)
}

/// 96 features.
pub fn large(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, 96)
}

/// One resolution of the transformer.
struct Stage {
    /// For the decoder, of what the stage begins with; the last stage hands that on as it is.
    skip: Option<DoubleConv>,
    /// What version 2 of the network adds.
    conv: DoubleConv,
    blocks: Vec<SwinBlock>,
    merge: MergePatches,
    /// Of what the stage ends with, for the decoder.
    norm: Norm,
}

struct SwinUnetr {
    layout: Layout,
    embed: Conv,
    embed_norm: Norm,
    stages: Vec<Stage>,
    /// For the decoder, of the image.
    skip: DoubleConv,
    bottleneck: DoubleConv,
    /// From the deepest level up.
    decoder: Vec<Up>,
    head: Head,
}

/// A residual block that changes neither grid nor kernel.
fn residual(builder: &mut Builder, prefix: &str, channels: [usize; 2]) -> DoubleConv {
    DoubleConv::new(builder, prefix, channels, [3; 3], [1; 3], Shortcut::Residual, STYLE)
}

fn build(config: &ModelConfig, features: usize) -> Result<Box<dyn Model>, ModelError> {
    check_channels(config)?;
    check_halvings(config.patch_size, DIVISOR)?;
    let input = config.in_channels;
    let mut builder = Builder::default();
    let name = "model.swinViT.patch_embed.proj";
    let embed = Conv::new(&mut builder, name, [input, features], [2; 3], [2; 3], STYLE.start);
    let embed = embed.with_bias(&mut builder, name, STYLE.start);
    let transformer = |(index, heads): (usize, &usize)| {
        let channels = features << index;
        let prefix = format!("model.swinViT.layers{}.0", index + 1);
        let block = |block: usize| {
            SwinBlock::new(&mut builder, &format!("{prefix}.blocks.{block}"), channels, *heads, block % 2 == 1)
        };
        let blocks: Vec<_> = (0..BLOCKS).map(block).collect();
        (blocks, MergePatches::new(&mut builder, &format!("{prefix}.downsample"), channels))
    };
    let transformers: Vec<_> = HEADS.iter().enumerate().map(transformer).collect();
    let conv = |index: usize| {
        residual(&mut builder, &format!("model.swinViT.layers{}c.0.layer", index + 1), [features << index; 2])
    };
    let convs: Vec<_> = (0..HEADS.len()).map(conv).collect();
    let mut encoder =
        |number: usize, channels: [usize; 2]| residual(&mut builder, &format!("model.encoder{number}.layer"), channels);
    let skip = encoder(1, [input, features]);
    let stage = |(index, ((blocks, merge), conv)): (usize, ((Vec<SwinBlock>, MergePatches), DoubleConv))| {
        let channels = features << index;
        let skip = (index + 1 < HEADS.len()).then(|| encoder(index + 2, [channels; 2]));
        Stage { skip, conv, blocks, merge, norm: Norm::plain(2 * channels) }
    };
    let stages = transformers.into_iter().zip(convs).enumerate().map(stage).collect();
    let bottleneck = residual(&mut builder, "model.encoder10.layer", [16 * features; 2]);
    let up = |number: usize| {
        let to = features << number.saturating_sub(2);
        let channels = [features << (number - 1), to];
        let prefix = format!("model.decoder{number}");
        Up::new(&mut builder, &prefix, channels, [3; 3], [2; 3], Shortcut::Residual, STYLE)
    };
    let decoder = (1..=5).rev().map(up).collect();
    let head = Head::new(&mut builder, "model.out.conv.conv", [features, config.out_channels], STYLE.start);
    let layout = builder.finish();
    let embed_norm = Norm::plain(features);
    Ok(Box::new(SwinUnetr { layout, embed, embed_norm, stages, skip, bottleneck, decoder, head }))
}

impl Model for SwinUnetr {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn divisor(&self) -> [usize; 3] {
        [DIVISOR; 3]
    }

    fn forward(&self, weights: &Weights, image: &FeatureMap, _: Mode) -> Output {
        let mut skips = vec![self.skip.forward(weights, image.clone())];
        let mut x = self.embed.forward(weights, image);
        // What the decoder gets to see; the transformer itself goes on with what is not normalised.
        let mut normalised = self.embed_norm.of_channels(weights, &x);
        for stage in &self.stages {
            skips.push(match &stage.skip {
                Some(block) => block.forward(weights, normalised),
                None => normalised,
            });
            x = stage.conv.forward(weights, x);
            for block in &stage.blocks {
                x = block.forward(weights, &x);
            }
            x = stage.merge.forward(weights, &x);
            normalised = stage.norm.of_channels(weights, &x);
        }
        drop(x);
        let mut x = self.bottleneck.forward(weights, normalised);
        for up in &self.decoder {
            if let Some(skip) = skips.pop() {
                x = up.forward(weights, x, skip);
            }
        }
        Output { prediction: self.head.forward(weights, &x), auxiliary: Vec::new() }
    }
}
