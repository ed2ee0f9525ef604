//! `weights inspect`: what is in a weight file.

use super::origin::Origin;
use super::read;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::text::plural;
use mist_nn::Registry;
use mist_nn::weights::Tensor;
use serde_json::{Value, json};
use std::path::Path;

/// Columns that a name may take before the numbers go to a line of their own.
const WIDEST_NAME: usize = 58;

/// Lists the tensors of a file, with sums that tell at a glance whether they are sound.
pub fn run(file: &Path, as_json: bool, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let state = read(file)?;
    let rows: Vec<Row> = state.iter().map(|(name, tensor)| Row::of(name, tensor)).collect();
    let origin = Origin::of(&state, registry);
    console.info(&match as_json {
        true => {
            let (networks, encoders): (&[String], &[String]) = match &origin {
                Origin::Network(names) => (names, &[]),
                Origin::Encoder(names) => (&[], names),
                Origin::Unknown => (&[], &[]),
            };
            as_text(&json!({
                "architectures": networks,
                "encoder_of": encoders,
                "values": rows.iter().map(|row| row.values).sum::<usize>(),
                "tensors": rows.iter().map(Row::json).collect::<Vec<_>>(),
            }))?
        }
        false => table(&rows, &origin),
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
    /// Mean and standard deviation of finite values; none of whole numbers, which are indices.
    sums: Option<[f64; 2]>,
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
            kind: tensor.stored_type(),
            shape: tensor.shape().to_vec(),
            values: values.len(),
            sums: tensor.data().is_floating().then_some([mean, variance.sqrt()]),
            broken: values.len() - sound,
        }
    }

    fn json(&self) -> Value {
        let sum = |index: usize| self.sums.map(|sums| sums[index]);
        json!({
            "name": self.name, "type": self.kind, "shape": self.shape, "mean": sum(0),
            "standard_deviation": sum(1), "not_finite": self.broken,
        })
    }

    /// `32×1×3×3×3`, which is shorter than a list.
    fn shape(&self) -> String {
        match self.shape[..] {
            [] => "scalar".to_owned(),
            _ => self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×"),
        }
    }
}

fn table(rows: &[Row], origin: &Origin) -> String {
    let width = |text: &str| text.chars().count();
    let names = rows.iter().map(|row| width(&row.name)).filter(|width| *width <= WIDEST_NAME);
    let name_width = names.max().unwrap_or(0).max(4);
    let shape_width = rows.iter().map(|row| width(&row.shape())).max().unwrap_or(0).max(5);
    let line = |name: &str, kind: &str, shape: &str, [mean, deviation]: [String; 2]| {
        let line = format!("{name:name_width$}  {kind:4}  {shape:shape_width$} {mean:>9} {deviation:>9}");
        line.trim_end().to_owned()
    };
    let mut lines = vec![line("name", "type", "shape", ["mean", "deviation"].map(str::to_owned))];
    for row in rows {
        let mut name = row.name.as_str();
        if width(name) > WIDEST_NAME {
            lines.push(std::mem::take(&mut name).to_owned());
        }
        let sums = row.sums.map_or_else(Default::default, |sums| sums.map(|sum| format!("{sum:.5}")));
        let broken = if row.broken > 0 { format!("  {} not finite", row.broken) } else { String::new() };
        lines.push(line(name, row.kind, &row.shape(), sums) + &broken);
    }
    let values: usize = rows.iter().map(|row| row.values).sum();
    lines.push(String::new());
    lines.push(format!("{}, {}", plural(rows.len(), "tensor"), plural(values, "value")));
    lines.push(match origin {
        Origin::Network(_) => format!("network: {origin}"),
        Origin::Encoder(_) => format!("{origin}; taken together, the tensors fit no network that this program knows"),
        Origin::Unknown => "of an architecture that this program does not know".to_owned(),
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
    use mist_nn::weights::TensorData;

    #[test]
    fn values_that_are_no_numbers_are_counted_and_left_out_of_the_sums() {
        let row = Row::of("w", &Tensor::f32(vec![3], vec![1.0, f32::NAN, 3.0]).unwrap());
        assert_eq!((row.broken, row.values), (1, 3));
        assert_eq!(row.sums, Some([2.0, 1.0]));
        let table = table(&[row], &Origin::Unknown);
        assert!(table.contains("1 not finite") && table.contains("predicts nothing"), "{table}");
    }

    #[test]
    fn lines_stay_narrow_and_indices_have_no_mean() {
        let name = "model.swinViT.layers1.0.blocks.0.attn.relative_position_bias_table";
        let wide = Tensor::f32(vec![320, 320, 3, 3, 3], vec![-0.25; 320 * 320 * 27]).unwrap();
        let index = Tensor::new(vec![2], TensorData::I64(vec![0, 342])).unwrap();
        let rows = [Row::of(name, &wide), Row::of(&name[..WIDEST_NAME], &wide), Row::of("index", &index)];
        assert_eq!(rows[2].json()["mean"], Value::Null);
        let table = table(&rows, &Origin::Network(vec!["swinunetr-small".into()]));
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        assert!(table.contains(name) && table.contains("  320×320×3×3×3  -0.25000   0.00000"), "{table}");
        assert!(table.lines().any(|line| line.starts_with("index ") && line.ends_with("i64   2")), "{table}");
    }
}
