//! What the run is made of, and with what.

use super::markup::table;
use crate::cases::{Catalogue, Group};
use crate::config::{Config, Modality};
use crate::error::{Error, Result};
use crate::json;
use crate::text::escaped;
use serde_json::Value;
use std::path::Path;

/// Data set and settings in a few lines, and the whole configuration folded away.
pub(super) fn settings(config: &Config, file: &Path, catalogue: &Catalogue) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::new("cannot read the configuration").at(file).because(error))?;
    let extents = |values: &[String]| values.join(" × ");
    let texts = |values: [f64; 3]| values.map(|value| value.to_string());
    let counts = |values: [usize; 3]| values.map(|value| value.to_string());
    let count = |group| catalogue.cases.iter().filter(|case| case.group == group).count();
    let training = &config.training;
    let rows: Vec<(&str, String)> = vec![
        (
            "cases",
            format!("{} to train, {} to test", count(Group::Scored) + count(Group::Unscored), count(Group::Test)),
        ),
        ("channels", catalogue.channels.join(", ")),
        ("modality", modality(config.dataset_info.modality).to_owned()),
        ("labels", catalogue.labels.names().join(", ")),
        ("median size", extents(&counts(config.preprocessing.median_resampled_image_size))),
        ("spacing", format!("{} mm", extents(&texts(config.spatial_config.target_spacing)))),
        ("patch", extents(&counts(config.spatial_config.patch_size))),
        ("network", config.model.architecture.clone()),
        ("loss", training.loss.name.clone()),
        ("folds", training.nfolds.to_string()),
        ("epochs", format!("{} of at least {} steps", training.epochs, training.min_steps_per_epoch)),
        ("batch", training.batch_size_per_gpu.to_string()),
        (
            "optimizer",
            format!("{}, learning rate {}, {}", training.optimizer, training.learning_rate, training.lr_scheduler),
        ),
        ("seed", training.seed.to_string()),
    ];
    let item = |(name, value): &(&str, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
    Ok(format!(
        "<dl>\n{}</dl>\n<details><summary>config.json</summary><pre>{}</pre></details>\n",
        rows.iter().map(item).collect::<String>(),
        escaped(&text)
    ))
}

fn modality(modality: Modality) -> &'static str {
    match modality {
        Modality::Ct => "CT",
        Modality::Mr => "MR",
        Modality::Other => "other",
    }
}

/// The calls of training on record, and the program that wrote this page.
pub(super) fn runs(results: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(results.join("runs")).into_iter().flatten().flatten().collect();
    files.sort_by_key(|file| file.file_name());
    let rows: Vec<Vec<String>> = files.iter().filter_map(|file| row(&json::read(&file.path()).ok()?)).collect();
    let header = ["begun (UTC)", "program", "command", "processor"].map(str::to_owned);
    let calls = if rows.is_empty() { String::new() } else { table(&header, &rows, "plain") };
    let program = concat!("mist ", env!("CARGO_PKG_VERSION"));
    format!("{calls}<p>This page was written by {program} from {}.</p>\n", escaped(&results.display().to_string()))
}

/// One call of training.
fn row(record: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let words = record["command_line"].as_array()?.iter().filter_map(Value::as_str);
    let command: Vec<&str> = words.collect();
    let began = record["started_unix_seconds"].as_i64().map_or("–".to_owned(), date);
    Some(vec![began, text(&record["program"]), command.join(" "), text(&record["hardware"]["processor"])])
}

/// Seconds since 1970 as `2026-01-31 13:05`.
fn date(seconds: i64) -> String {
    let moment = chrono::DateTime::from_timestamp(seconds, 0);
    moment.map_or("–".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M").to_string())
}
