//! All commands of mist with one architecture more: `custom-model train --model one-conv …`.

use mist_nn::layers::{Conv, Start};
use mist_nn::models::{Mode, Model, ModelConfig, ModelError, Output, check_channels};
use mist_nn::parameters::{Builder, Layout, Weights};
use mist_nn::{FeatureMap, Registry};
use std::process::ExitCode;

/// Memory for maps of many megabytes at every step; the system's allocator returns it each time, which is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A single 3×3×3 convolution from image channels to classes, without deep supervision.
struct OneConv {
    layout: Layout,
    conv: Conv,
}

/// Adds the tensors in the order in which weight files will have them: `conv.weight`, `conv.bias`.
fn one_conv(config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
    check_channels(config)?;
    let mut builder = Builder::default();
    let channels = [config.in_channels, config.out_channels];
    let conv = Conv::new(&mut builder, "conv", channels, [3; 3], [1; 3], Start::KAIMING);
    let conv = conv.with_bias(&mut builder, "conv", Start::KAIMING);
    Ok(Box::new(OneConv { layout: builder.finish(), conv }))
}

impl Model for OneConv {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    /// It takes patches of any size.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// Raw logits; the loss and the prediction apply softmax.
    fn forward(&self, weights: &Weights, image: &FeatureMap, _: Mode) -> Output {
        Output { prediction: self.conv.forward(weights, image), auxiliary: Vec::new() }
    }
}

fn main() -> ExitCode {
    mist_nn::keep_freed_memory();
    mist_cli::run(Registry::builtin().model("one-conv", one_conv))
}
