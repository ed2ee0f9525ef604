//! Networks that go up and down between resolutions several times, after the cycles of multigrid solvers: FMG-Net and
//! W-Net (Celaya et al. 2023), with 32 filters everywhere.

use super::{Mode, Model, ModelConfig, ModelError, Output, check_channels, check_divisible, plan::Plan};
use crate::About;
use crate::blocks::{DoubleConv, Head, Shortcut, Style};
use crate::layers::TransposedConv;
use crate::parameters::{Builder, Layout, Weights};
use mist_ops::{FeatureMap, concat, upsample_nearest};

const FILTERS: usize = 32;
const STYLE: Style = Style::NNUNET;
/// Auxiliary heads, at levels 1 and 2.
const HEADS: usize = 2;
/// Fewest levels that the networks make sense with.
const LEAST_LEVELS: usize = 3;

/// FMG-Net.
pub const ABOUT_FMGNET: About = About {
    what: "full multigrid cycles between resolutions, 32 filters",
    patch: "multiples of its strides, a fine axis 16 or more",
    encoder: &["main_encoder."],
    input: &["main_encoder.0.conv1.conv.weight", "main_encoder.0.conv3.conv.weight"],
    planned: true,
};
/// W-Net.
pub const ABOUT_WNET: About = About { what: "W cycles between resolutions, 32 filters", ..ABOUT_FMGNET };

/// Full multigrid: every cycle climbs one level higher than the one before.
pub fn fmgnet(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, fmg_heights)
}

/// W cycles: short ones between ever higher, then ever lower ones.
pub fn wnet(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, w_heights)
}

/// Heights of the cycles of FMG-Net above a bottleneck at this level.
fn fmg_heights(bottleneck: usize) -> Vec<usize> {
    (1..=bottleneck).collect()
}

/// Heights of the cycles of W-Net above a bottleneck at this level.
fn w_heights(bottleneck: usize) -> Vec<usize> {
    let between = (2..=bottleneck).chain((2..bottleneck).rev());
    std::iter::once(1).chain(between.flat_map(|height| [height, 1])).collect()
}

/// From one level to the next finer one.
struct Rise {
    /// The level that it leads to.
    level: usize,
    up: TransposedConv,
    block: DoubleConv,
}

/// A cycle: up from the bottleneck, and down again.
struct Spike {
    rises: Vec<Rise>,
    /// Blocks that lead to these levels.
    falls: Vec<(usize, DoubleConv)>,
}

struct MgNet {
    layout: Layout,
    plan: Plan,
    /// Levels 0 to L − 1; the last is the bottleneck.
    encoder: Vec<DoubleConv>,
    spikes: Vec<Spike>,
    decoder: Vec<Rise>,
    head: Head,
    auxiliary_heads: Vec<Head>,
}

/// Adds the tensors of a network level by level, and knows where cycles have peaked.
struct Construction<'a> {
    plan: &'a Plan,
    builder: Builder,
    /// Levels at which a cycle has turned since the last block there: what the level's next block joins to its input is
    /// there twice, as the latest map of the level and as a peak.
    peaked: Vec<bool>,
}

impl Construction<'_> {
    /// Down to `level`, or into level 0.
    fn fall(&mut self, prefix: &str, input: usize, level: usize) -> DoubleConv {
        let (kernel, stride) = (self.plan.kernels[level], self.plan.strides[level]);
        DoubleConv::new(&mut self.builder, prefix, [input, FILTERS], kernel, stride, Shortcut::Residual, STYLE)
    }

    /// From the bottleneck up to `top`: all blocks, then all up-samplings, as weight files have them.
    fn rises(&mut self, top: usize, blocks: &str, ups: &str) -> Vec<Rise> {
        let levels = || (top..self.plan.levels() - 1).rev().enumerate();
        let block = |(index, level): (usize, usize)| {
            let parts = if std::mem::take(&mut self.peaked[level]) { 3 } else { 2 };
            let prefix = format!("{blocks}.{index}");
            let (channels, kernel) = ([parts * FILTERS, FILTERS], self.plan.kernels[level + 1]);
            let block =
                DoubleConv::new(&mut self.builder, &prefix, channels, kernel, [1; 3], Shortcut::Residual, STYLE);
            if parts == 3 { block.reading_once(FILTERS) } else { block }
        };
        let blocks: Vec<DoubleConv> = levels().map(block).collect();
        let up = |(index, level): (usize, usize)| {
            let (name, stride) = (format!("{ups}.{index}"), self.plan.strides[level + 1]);
            let up = TransposedConv::new(&mut self.builder, &name, [FILTERS; 2], stride, STYLE.start);
            (level, up.with_bias(&mut self.builder, &name, STYLE.start))
        };
        let ups: Vec<_> = levels().map(up).collect();
        ups.into_iter().zip(blocks).map(|((level, up), block)| Rise { level, up, block }).collect()
    }

    fn spike(&mut self, index: usize, height: usize) -> Spike {
        let bottleneck = self.plan.levels() - 1;
        let top = bottleneck - height;
        let part = |name: &str| format!("spikes.{index}.{name}");
        let rises = self.rises(top, &part("up_blocks"), &part("up_samples"));
        self.peaked[top] = true;
        let fall = |(index, level): (usize, usize)| {
            self.peaked[level] = false;
            (level, self.fall(&format!("{}.{index}", part("down_blocks")), FILTERS, level))
        };
        Spike { rises, falls: (top + 1..=bottleneck).enumerate().map(fall).collect() }
    }
}

fn build(config: &ModelConfig, heights: fn(usize) -> Vec<usize>) -> Result<Box<dyn Model>, ModelError> {
    check_channels(config)?;
    let plan = Plan::new(config.patch_size, config.target_spacing);
    let levels = plan.levels();
    if levels < LEAST_LEVELS {
        return Err(ModelError::too_small(config.patch_size, LEAST_LEVELS - 1));
    }
    check_divisible(config.patch_size, plan.divisor())?;

    let mut construction = Construction { plan: &plan, builder: Builder::default(), peaked: vec![false; levels] };
    let encoder_block = |level: usize| {
        let input = if level == 0 { config.in_channels } else { FILTERS };
        construction.fall(&format!("main_encoder.{level}"), input, level)
    };
    let encoder = (0..levels).map(encoder_block).collect();
    let heights = heights(levels - 1).into_iter().enumerate();
    let spikes = heights.map(|(index, height)| construction.spike(index, height)).collect();
    let decoder = construction.rises(0, "main_decoder_blocks", "main_decoder_upsamples");
    let mut builder = construction.builder;
    let mut head = |name: &str| Head::new(&mut builder, name, [FILTERS, config.out_channels], STYLE.start);
    let main_head = head("final_output_conv");
    let auxiliary_heads = (0..HEADS).map(|index| head(&format!("deep_supervision_heads.{index}"))).collect();
    let layout = builder.finish();
    Ok(Box::new(MgNet { layout, plan, encoder, spikes, decoder, head: main_head, auxiliary_heads }))
}

impl Rise {
    /// Joins the up-sampled map with the latest one of its level.
    fn forward(&self, weights: &Weights, x: FeatureMap, latest: &FeatureMap) -> FeatureMap {
        let up = self.up.forward(weights, &x);
        drop(x);
        self.block.forward(weights, concat(&up, latest))
    }
}

impl Model for MgNet {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn divisor(&self) -> [usize; 3] {
        self.plan.divisor()
    }

    fn forward(&self, weights: &Weights, image: &FeatureMap, mode: Mode) -> Output {
        let mut latest = Vec::with_capacity(self.encoder.len());
        let mut x = image.clone();
        for block in &self.encoder {
            x = block.forward(weights, x);
            latest.push(x.clone());
        }
        for spike in &self.spikes {
            for rise in &spike.rises {
                x = rise.forward(weights, x, &latest[rise.level]);
            }
            if let Some(top) = spike.rises.last() {
                latest[top.level] = x.clone();
            }
            for (level, block) in &spike.falls {
                x = block.forward(weights, x);
                latest[*level] = x.clone();
            }
        }
        let mut auxiliary = Vec::new();
        for rise in &self.decoder {
            x = rise.forward(weights, x, &latest[rise.level]);
            latest.truncate(rise.level);
            let head = rise.level.checked_sub(1).and_then(|index| self.auxiliary_heads.get(index));
            if let (Mode::Training, Some(head)) = (mode, head) {
                auxiliary.push(upsample_nearest(&head.forward(weights, &x), self.plan.factor_to(rise.level)));
            }
        }
        auxiliary.reverse();
        Output { prediction: self.head.forward(weights, &x), auxiliary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_those_of_the_cycles() {
        assert_eq!(fmg_heights(4), [1, 2, 3, 4]);
        assert_eq!(w_heights(1), [1]);
        assert_eq!(w_heights(2), [1, 2, 1]);
        assert_eq!(w_heights(4), [1, 2, 1, 3, 1, 4, 1, 3, 1, 2, 1]);
    }
}
