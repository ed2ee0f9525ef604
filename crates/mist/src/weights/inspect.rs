//! `weights inspect`: what is in a weight file.

use super::read;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use mist_nn::Registry;
use mist_nn::weights::{StateDict, Tensor, TensorData};
use serde_json::{Value, json};
use std::path::Path;

/// Lists the tensors of a file, with sums that tell at a glance whether they are sound.
pub fn run(file: &Path, as_json: bool, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let state = read(file)?;
    let rows: Vec<Row> = state.iter().map(|(name, tensor)| Row::of(name, tensor)).collect();
    let likely = likely_architectures(&state, registry);
    console.info(&match as_json {
        true => as_text(&json!({
            "architectures": likely,
            "values": rows.iter().map(|row| row.values).sum::<usize>(),
            "tensors": rows.iter().map(Row::json).collect::<Vec<_>>(),
        }))?,
        false => table(&rows, &likely),
    });
    Ok(Vec::new())
}

fn as_text(value: &Value) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| Error::new("cannot write the list").because(error))
}

/// One tensor.
struct Row {
    name: String,
    kind: &'static str,
    shape: Vec<usize>,
    values: usize,
    mean: f64,
    deviation: f64,
    /// Values that are no finite numbers.
    broken: usize,
}

impl Row {
    fn of(name: &str, tensor: &Tensor) -> Self {
        let values = tensor.to_f32();
        let finite = || values.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
        let sound = finite().count();
        let count = sound.max(1) as f64;
        let mean = finite().sum::<f64>() / count;
        let variance = finite().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Self {
            name: name.to_owned(),
            kind: kind(tensor.data()),
            shape: tensor.shape().to_vec(),
            values: values.len(),
            mean,
            deviation: variance.sqrt(),
            broken: values.len() - sound,
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "shape": self.shape, "mean": self.mean,
            "standard_deviation": self.deviation, "not_finite": self.broken,
        })
    }
}

fn kind(data: &TensorData) -> &'static str {
    match data {
        TensorData::F32(_) => "f32",
        TensorData::F64(_) => "f64",
        TensorData::I64(_) => "i64",
        TensorData::I32(_) => "i32",
        TensorData::I16(_) => "i16",
        TensorData::I8(_) => "i8",
        TensorData::U8(_) => "u8",
        TensorData::Bool(_) => "bool",
    }
}

/// Architectures whose encoders have tensors of these names: a family, as sizes share their names.
fn likely_architectures(state: &StateDict, registry: &Registry) -> Vec<String> {
    let has = |prefix: &str| state.iter().any(|(name, _)| name.starts_with(prefix));
    let fits = |name: &&str| {
        registry
            .about(name)
            .is_some_and(|about| !about.encoder.is_empty() && about.encoder.iter().all(|prefix| has(prefix)))
    };
    registry.model_names().into_iter().filter(fits).map(str::to_owned).collect()
}

fn table(rows: &[Row], likely: &[String]) -> String {
    let shapes: Vec<String> = rows.iter().map(|row| format!("{:?}", row.shape)).collect();
    let name_width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(4);
    let shape_width = shapes.iter().map(String::len).max().unwrap_or(0).max(5);
    let mut lines =
        vec![format!("{:name_width$}  type  {:shape_width$} {:>12} {:>12}", "name", "shape", "mean", "deviation")];
    for (row, shape) in rows.iter().zip(&shapes) {
        let broken = if row.broken > 0 { format!("  {} not finite", row.broken) } else { String::new() };
        let Row { name, kind, mean, deviation, .. } = row;
        lines.push(format!("{name:name_width$}  {kind:4}  {shape:shape_width$} {mean:12.5} {deviation:12.5}{broken}"));
    }
    let values: usize = rows.iter().map(|row| row.values).sum();
    lines.push(String::new());
    lines.push(format!("{} tensors, {values} values", rows.len()));
    lines.push(match likely {
        [] => "of an architecture that this program does not know".to_owned(),
        names => format!("of one of {}", names.join(", ")),
    });
    let broken: usize = rows.iter().map(|row| row.broken).sum();
    if broken > 0 {
        lines.push(format!("{broken} values are not finite: a network with these weights predicts nothing"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_are_counted_and_left_out_of_the_sums() {
        let row = Row::of("w", &Tensor::f32(vec![3], vec![1.0, f32::NAN, 3.0]).unwrap());
        assert_eq!((row.broken, row.values), (1, 3));
        assert_eq!((row.mean, row.deviation), (2.0, 1.0));
        let table = table(&[row], &[]);
        assert!(table.contains("1 not finite") && table.contains("predicts nothing"), "{table}");
    }
}
