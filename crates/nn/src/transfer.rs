//! Weights of one network as the start of another.

use crate::About;
use crate::parameters::{ParameterSpec, Parameters};
use crate::weights::{StateDict, Tensor};
use std::collections::HashSet;

/// Which tensors are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Those of the encoder.
    #[default]
    Encoder,
    /// All.
    All,
}

/// What is done where the networks see a different number of image channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelStrategy {
    /// Every channel starts with the mean over those of the source.
    #[default]
    Average,
    /// Every channel starts with the first of the source.
    First,
    /// The tensor starts as it would without a source.
    Skip,
}

/// What became of a tensor of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It starts with the values of the source.
    Loaded,
    /// It starts with values made from the source's for another number of channels.
    Adapted,
    /// It starts as it would without a source, and why.
    Skipped(String),
}

/// What became of all tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Tensors of the network within the scope, in its order.
    pub tensors: Vec<(String, Outcome)>,
    /// Values that were taken over.
    pub values: usize,
    /// Tensors of the network beyond the scope.
    pub beyond: usize,
    /// Tensors of the source that are not used, in its order, and why.
    pub unused: Vec<(String, Unused)>,
}

/// Why a tensor of the source is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// The network has one of this name, beyond the scope.
    BeyondScope,
    /// The network has none of this name.
    NotInNetwork,
}

impl Transferred {
    /// Tensors with this outcome.
    pub fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> usize {
        self.tensors.iter().filter(|(_, outcome)| wanted(outcome)).count()
    }
}

/// Replaces initial values of `parameters` by those of `source`. `about` is that of the network's architecture.
///
/// A tensor of another shape is left alone, unless it sees the image and only the number of channels differs.
pub fn transfer(
    parameters: &mut Parameters,
    source: &StateDict,
    about: &About,
    scope: Scope,
    strategy: ChannelStrategy,
) -> Transferred {
    let in_scope = |name: &str| scope == Scope::All || about.encoder.iter().any(|prefix| name.starts_with(prefix));
    let specs = parameters.layout().parameters.clone();
    let mut result = Transferred::default();
    for (spec, values) in specs.iter().zip(parameters.values_mut()) {
        if !in_scope(&spec.name) {
            result.beyond += 1;
            continue;
        }
        let adapts = about.input.contains(&spec.name.as_str());
        let (outcome, found) = match source.get(&spec.name) {
            None => (Outcome::Skipped("not in the file".to_owned()), None),
            Some(tensor) => choose(spec, tensor, adapts, strategy),
        };
        if let Some(found) = found {
            result.values += found.len();
            *values = found;
        }
        result.tensors.push((spec.name.clone(), outcome));
    }
    // Buffers are always the network's own.
    let buffers = &parameters.layout().buffers;
    let names = specs.iter().map(|spec| spec.name.as_str()).chain(buffers.iter().map(|buffer| buffer.name.as_str()));
    let names: HashSet<&str> = names.collect();
    let unused = |(name, _): (&str, &Tensor)| match (names.contains(name), in_scope(name)) {
        (true, true) => None,
        (true, false) => Some((name.to_owned(), Unused::BeyondScope)),
        (false, _) => Some((name.to_owned(), Unused::NotInNetwork)),
    };
    result.unused = source.iter().filter_map(unused).collect();
    result
}

/// The values that `tensor` gives to a parameter, if any.
fn choose(
    spec: &ParameterSpec,
    tensor: &Tensor,
    adapts: bool,
    strategy: ChannelStrategy,
) -> (Outcome, Option<Vec<f32>>) {
    let (shape, found) = (spec.shape.as_slice(), tensor.shape());
    if shape == found {
        return (Outcome::Loaded, Some(tensor.to_f32().into_owned()));
    }
    let skipped = |why: &str| (Outcome::Skipped(format!("{found:?} instead of {shape:?}{why}")), None);
    let (&[output, input, ref kernel @ ..], &[found_output, found_input, ref found_kernel @ ..]) = (shape, found)
    else {
        return skipped("");
    };
    if !adapts || output != found_output || kernel != found_kernel || found_input == 0 {
        return skipped("");
    }
    let entries: usize = kernel.iter().product();
    let values = tensor.to_f32();
    let filters = values.chunks_exact(found_input * entries);
    let channel: fn(&[f32], usize, usize, usize) -> f32 = match strategy {
        ChannelStrategy::Average => |filter, entries, entry, channels| {
            (0..channels).map(|channel| filter[channel * entries + entry]).sum::<f32>() / channels as f32
        },
        ChannelStrategy::First => |filter, _, entry, _| filter[entry],
        ChannelStrategy::Skip => return skipped(", and channels are not adapted"),
    };
    let of_filter = |filter: &[f32]| -> Vec<f32> {
        let one: Vec<f32> = (0..entries).map(|entry| channel(filter, entries, entry, found_input)).collect();
        one.repeat(input)
    };
    (Outcome::Adapted, Some(filters.flat_map(of_filter).collect()))
}
