//! The figures, as a table for people or as JSON for programs.

use super::Options;
use super::loading::Loading;
use super::measure::{Layer, Measured, Side, median};
use crate::error::{Error, Result};
use crate::memory;
use serde::Serialize;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// All figures. Multiplications and additions are counted as those of the formula, whatever the method needs.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    model: &'a str,
    patch_size: [usize; 3],
    batch_size: usize,
    pass: &'static str,
    threads: usize,
    /// Vector instructions in use.
    cpu_features: &'static str,
    repetitions: usize,
    median_ms: f64,
    min_ms: f64,
    /// Processor time of all threads together.
    cpu_ms: Option<f64>,
    /// Most memory that the process held.
    peak_mib: Option<f64>,
    gflop: f64,
    gflops: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    loader: Option<Loading>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Row>,
}

/// Operations of one name, in one repetition.
#[derive(Serialize)]
struct Row {
    name: String,
    calls: usize,
    forward_ms: f64,
    forward_gflops: Option<f64>,
    backward_ms: f64,
    backward_gflops: Option<f64>,
    /// Of the whole time.
    share: f64,
}

impl<'a> Report<'a> {
    pub(super) fn new(options: &'a Options, threads: usize, measured: &Measured, loader: Option<Loading>) -> Self {
        let median_ms = median(&measured.wall);
        Self {
            model: &options.model,
            patch_size: options.patch_size,
            batch_size: options.batch_size,
            pass: options.pass.name(),
            threads,
            cpu_features: mist_nn::instruction_set(),
            repetitions: measured.wall.len(),
            median_ms,
            min_ms: measured.wall.iter().copied().fold(f64::INFINITY, f64::min),
            cpu_ms: (!measured.processor.is_empty()).then(|| median(&measured.processor)),
            peak_mib: memory::peak().map(|bytes| bytes / MEBIBYTE),
            gflop: measured.operations / 1e9,
            gflops: measured.operations / median_ms / 1e6,
            loader,
            layers: rows(&measured.layers, median_ms),
        }
    }

    pub(super) fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::new("cannot write the figures").because(error))
    }

    pub(super) fn table(&self) -> String {
        let [x, y, z] = self.patch_size;
        let optional = |value: Option<f64>, unit: &str| match value {
            Some(value) => format!("{value:.1} {unit}"),
            None => "not known on this system".to_owned(),
        };
        let mut text = format!(
            "{} {}, {} × {x} × {y} × {z}\n\
             threads             {}, vector instructions: {}\n\
             repetitions         {}\n\
             median              {:.1} ms\n\
             shortest            {:.1} ms\n\
             processor time      {}\n\
             most memory held    {}\n\
             operations          {:.2} GFLOP, {:.1} GFLOP/s",
            self.model,
            self.pass,
            self.batch_size,
            self.threads,
            self.cpu_features,
            self.repetitions,
            self.median_ms,
            self.min_ms,
            optional(self.cpu_ms, "ms"),
            optional(self.peak_mib, "MiB"),
            self.gflop,
            self.gflops,
        );
        if let Some(loader) = &self.loader {
            text.push_str(&format!(
                "\nwith the loader     {:.2} steps/s, {:.1} % of the {:.2} on one fixed batch; {:.1} % waiting; {} turns",
                loader.steps_per_second,
                100.0 * loader.share,
                loader.fixed_batch_steps_per_second,
                100.0 * loader.waiting,
                loader.turns,
            ));
        }
        if !self.layers.is_empty() {
            text.push_str("\n\n");
            text.push_str(&layer_table(&self.layers));
        }
        text
    }
}

/// One row per layer, the slowest first, and one for what no operation accounts for.
fn rows(layers: &[Layer], total: f64) -> Vec<Row> {
    if layers.is_empty() {
        return Vec::new();
    }
    let speed = |side: &Side, time: f64| (side.operations > 0.0 && time > 0.0).then(|| side.operations / time / 1e6);
    let row = |layer: &Layer| {
        let (forward_ms, backward_ms) = (median(&layer.forward.times), median(&layer.backward.times));
        Row {
            name: layer.name.clone(),
            calls: layer.forward.calls.max(layer.backward.calls),
            forward_ms,
            forward_gflops: speed(&layer.forward, forward_ms),
            backward_ms,
            backward_gflops: speed(&layer.backward, backward_ms),
            share: (forward_ms + backward_ms) / total,
        }
    };
    let mut rows: Vec<Row> = layers.iter().map(row).collect();
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    let rest = (1.0 - rows.iter().map(|row| row.share).sum::<f64>()).max(0.0);
    rows.push(Row {
        name: "everything else".to_owned(),
        calls: 1,
        forward_ms: rest * total,
        forward_gflops: None,
        backward_ms: 0.0,
        backward_gflops: None,
        share: rest,
    });
    rows
}

fn layer_table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!(
        "{:width$} {:>5} {:>11} {:>8} {:>12} {:>8} {:>7}",
        "operation", "calls", "forward ms", "GFLOP/s", "backward ms", "GFLOP/s", "share"
    )];
    let time = |time: f64| if time > 0.0 { format!("{time:.2}") } else { String::new() };
    let speed = |speed: Option<f64>| speed.map_or(String::new(), |speed| format!("{speed:.0}"));
    lines.extend(rows.iter().map(|row| {
        format!(
            "{:width$} {:>5} {:>11} {:>8} {:>12} {:>8} {:>6.1}%",
            row.name,
            row.calls,
            time(row.forward_ms),
            speed(row.forward_gflops),
            time(row.backward_ms),
            speed(row.backward_gflops),
            100.0 * row.share
        )
    }));
    lines.join("\n")
}
