//! nnU-Net with a residual encoder and two deep-supervision heads (Isensee et al. 2021, 2024), and its pocket
//! version with 32 filters at every level (Celaya et al. 2022).

use super::{Mode, Model, ModelConfig, ModelError, Output, check_channels, check_divisible, plan::Plan};
use crate::About;
use crate::blocks::{DoubleConv, Head, Shortcut, Style, Up};
use crate::parameters::{Builder, Layout, Weights};
use mist_ops::{FeatureMap, upsample_nearest};

/// Filters at full resolution.
const BASE_FILTERS: usize = 32;
/// Most filters at any level.
const MOST_FILTERS: usize = 320;
const STYLE: Style = Style::NNUNET;
/// Auxiliary heads, at levels 1 and 2.
const HEADS: usize = 2;

/// The full network.
pub const ABOUT: About = About {
    what: "U-shaped, with a residual encoder and up to 320 filters",
    patch: "multiples of its strides, a fine axis 32 or more",
    encoder: &["unet.input_block.", "unet.encoder_layers.", "unet.bottleneck."],
    input: &["unet.input_block.conv1.conv.weight", "unet.input_block.conv3.conv.weight"],
    planned: true,
};
/// The pocket network.
pub const ABOUT_POCKET: About = About { what: "nnunet with 32 filters everywhere: small and fast", ..ABOUT };

struct NnUnet {
    layout: Layout,
    plan: Plan,
    /// Levels 0 to L − 1; the last is the bottleneck.
    encoder: Vec<DoubleConv>,
    /// From the level above the bottleneck down to level 0.
    decoder: Vec<Up>,
    head: Head,
    auxiliary_heads: Vec<Head>,
}

/// The full network: filters double per level up to 320.
pub fn nnunet(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, |level| (BASE_FILTERS << level).min(MOST_FILTERS))
}

/// The pocket network: 32 filters everywhere.
pub fn pocket(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    build(config, |_| BASE_FILTERS)
}

fn build(config: &ModelConfig, filters: impl Fn(usize) -> usize) -> Result<Box<dyn Model>, ModelError> {
    check_channels(config)?;
    let plan = Plan::new(config.patch_size, config.target_spacing);
    let levels = plan.levels();
    if levels <= HEADS + 1 {
        return Err(ModelError::too_small(config.patch_size, HEADS + 1));
    }
    check_divisible(config.patch_size, plan.divisor())?;

    let mut builder = Builder::default();
    let mut encoder = Vec::with_capacity(levels);
    for level in 0..levels {
        let prefix = match level {
            0 => "unet.input_block".to_owned(),
            _ if level == levels - 1 => "unet.bottleneck".to_owned(),
            _ => format!("unet.encoder_layers.{}", level - 1),
        };
        let input = if level == 0 { config.in_channels } else { filters(level - 1) };
        let channels = [input, filters(level)];
        let (kernel, stride) = (plan.kernels[level], plan.strides[level]);
        encoder.push(DoubleConv::new(&mut builder, &prefix, channels, kernel, stride, Shortcut::Residual, STYLE));
    }
    let mut decoder = Vec::with_capacity(levels - 1);
    for (index, level) in (0..levels - 1).rev().enumerate() {
        let prefix = format!("unet.decoder_layers.{index}");
        let channels = [filters(level + 1), filters(level)];
        let (kernel, stride) = (plan.kernels[level + 1], plan.strides[level + 1]);
        decoder.push(Up::new(&mut builder, &prefix, channels, kernel, stride, Shortcut::None, STYLE));
    }
    let classes = config.out_channels;
    let head = Head::new(&mut builder, "unet.output_block.conv.conv", [filters(0), classes], STYLE.start);
    let auxiliary = |index: usize| {
        let name = format!("unet.deep_supervision_heads.{index}.conv.conv");
        Head::new(&mut builder, &name, [filters(index + 1), classes], STYLE.start)
    };
    let auxiliary_heads = (0..HEADS).map(auxiliary).collect();
    Ok(Box::new(NnUnet { layout: builder.finish(), plan, encoder, decoder, head, auxiliary_heads }))
}

impl Model for NnUnet {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn divisor(&self) -> [usize; 3] {
        self.plan.divisor()
    }

    fn forward(&self, weights: &Weights, image: &FeatureMap, mode: Mode) -> Output {
        let mut skips = Vec::with_capacity(self.encoder.len());
        let mut x = image.clone();
        for block in &self.encoder {
            x = block.forward(weights, x);
            skips.push(x.clone());
        }
        skips.pop();
        let mut auxiliary = Vec::new();
        for (level, block) in (0..skips.len()).rev().zip(&self.decoder) {
            if let Some(skip) = skips.pop() {
                x = block.forward(weights, x, skip);
            }
            let head = level.checked_sub(1).and_then(|index| self.auxiliary_heads.get(index));
            if let (Mode::Training, Some(head)) = (mode, head) {
                x = x.settled();
                auxiliary.push(upsample_nearest(&head.forward(weights, &x), self.plan.factor_to(level)));
            }
        }
        auxiliary.reverse();
        Output { prediction: self.head.forward(weights, &x), auxiliary }
    }
}
