//! `models`: the architectures on offer, and what one of them would do to a patch.

use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use mist_nn::Registry;
use mist_nn::models::{Description, Layer, ModelConfig};
use serde_json::{Map, Value, json};

/// What `models describe` was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Architecture.
    pub model: String,
    /// Voxels of a patch.
    pub patch_size: [usize; 3],
    /// Voxel spacing in mm, which some architectures adapt to.
    pub target_spacing: [f64; 3],
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes, background included.
    pub out_channels: usize,
    /// Depthwise kernel of MedNeXt.
    pub kernel_size: Option<usize>,
    /// Patches of a batch.
    pub batch_size: usize,
}

/// Lists the architectures.
pub fn list(as_json: bool, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let abouts: Vec<_> =
        registry.model_names().into_iter().map(|name| (name, registry.about(name).unwrap_or_default())).collect();
    if as_json {
        let entry = |(name, about): &(&str, mist_nn::About)| json!({ "name": name, "description": about.what, "patch_size": about.patch });
        console.info(&as_text(&Value::Array(abouts.iter().map(entry).collect()))?);
        return Ok(Vec::new());
    }
    let width = abouts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (name, about) in abouts {
        lines.push(format!("{name:width$}  {}", about.what).trim_end().to_owned());
        if !about.patch.is_empty() {
            lines.push(format!("{:width$}  patch: {}", "", about.patch));
        }
    }
    lines.push(String::new());
    lines.push("What one of them is made of: mist models describe NAME --patch-size X Y Z".to_owned());
    console.info(&lines.join("\n"));
    Ok(Vec::new())
}

/// Describes one architecture.
pub fn describe(
    options: &Options,
    as_json: bool,
    registry: &Registry,
    console: &dyn Console,
) -> Result<Vec<CaseFailure>> {
    let mut extra = Map::new();
    if let Some(size) = options.kernel_size {
        extra.insert("kernel_size".into(), size.into());
    }
    let Options { patch_size, target_spacing, in_channels, out_channels, .. } = *options;
    let config = ModelConfig { in_channels, out_channels, patch_size, target_spacing, extra };
    let model = registry.build(&options.model, &config).map_err(|error| {
        Error::new(format!("the network `{}` cannot be built", options.model))
            .because(error)
            .hint("`mist models` lists which patches each architecture takes")
    })?;
    let [x, y, z] = patch_size;
    let description = Description::new(model.as_ref(), [options.batch_size, x, y, z, in_channels]);
    console.info(&match as_json {
        true => as_text(&to_json(options, &description))?,
        false => to_table(options, &description),
    });
    Ok(Vec::new())
}

fn as_text(value: &Value) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| Error::new("cannot write the list").because(error))
}

fn to_json(options: &Options, description: &Description) -> Value {
    let layer = |layer: &Layer| {
        let Layer { name, calls, operations, output } = layer;
        json!({ "name": name, "calls": calls, "gflop": operations / 1e9, "output": output })
    };
    json!({
        "model": options.model,
        "patch_size": options.patch_size,
        "batch_size": options.batch_size,
        "parameters": description.parameters,
        "gflop": description.operations / 1e9,
        "prediction_activation_bytes": description.prediction_bytes,
        "training_activation_bytes": description.training_bytes,
        "layers": description.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

fn to_table(options: &Options, description: &Description) -> String {
    let size = |output: &[usize]| match output {
        [_, a, b, c, channels] => format!("{a} × {b} × {c} × {channels}"),
        other => format!("{other:?}"),
    };
    let width = description.layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or(0);
    let sizes: Vec<String> = description.layers.iter().map(|layer| size(&layer.output)).collect();
    let size_width = sizes.iter().map(|size| size.chars().count()).max().unwrap_or(0).max(6);
    let mut lines = vec![format!("{:width$} {:>5}  {:size_width$} {:>9}", "layer", "calls", "output", "GFLOP")];
    for (layer, size) in description.layers.iter().zip(&sizes) {
        let work = if layer.operations > 0.0 { format!("{:.3}", layer.operations / 1e9) } else { String::new() };
        let line = format!("{:width$} {:>5}  {size:size_width$} {work:>9}", layer.name, layer.calls);
        lines.push(line.trim_end().to_owned());
    }
    let mebibytes = |bytes: usize| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
    let [x, y, z] = options.patch_size;
    lines.push(String::new());
    lines.push(format!("{}, batches of {} with {x} × {y} × {z} voxels", options.model, options.batch_size));
    lines.push(format!(
        "parameters               {:.2}M ({})",
        description.parameters as f64 / 1e6,
        description.parameters
    ));
    lines.push(format!("work of a prediction     {:.2} GFLOP", description.operations / 1e9));
    lines.push(format!("maps of a prediction     {} at most at one time", mebibytes(description.prediction_bytes)));
    lines.push(format!("maps of a training step  {} kept for the gradients", mebibytes(description.training_bytes)));
    lines.join("\n")
}
