//! `models/fold_<k>.json`, beside the weights: what they were trained for, so that they are not used for anything else.
//!
//! Written when the training of a fold is complete, and removed when it begins: weights with a record are finished. Other
//! programs ignore the file.

use crate::checksum;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::json;
use crate::preprocess::read::read_geometry;
use crate::tables::TrainPaths;
use mist_volume::Geometry;
use mist_volume::orientation::standard_geometry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Sections of the configuration and the keys in them that weights depend on.
const DECISIVE: [(&str, &[&str]); 5] = [
    ("dataset_info", &["modality", "images", "labels"]),
    ("spatial_config", &["patch_size", "target_spacing"]),
    ("preprocessing", &["skip", "crop_to_foreground", "normalize_with_nonzero_mask", "ct_normalization"]),
    ("model", &["architecture", "params"]),
    ("training", &["regions", "ignore_label"]),
];

/// The record of one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Program and version that trained it.
    pub program: String,
    /// Its fold.
    pub fold: usize,
    /// SHA-256 of the file with the weights.
    pub weights_sha256: String,
    /// SHA-256 of files with the same tensors in another format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub converted_sha256: Vec<String>,
    /// The part of the configuration that weights depend on.
    pub config: Value,
    /// The scans that it was trained on, where their headers could be read.
    pub scans: Option<ScanRange>,
}

/// Smallest and largest values over scans, along x, y, z of the standard frame, in mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanRange {
    /// Smallest and largest voxel spacing.
    pub spacing_mm: [[f64; 3]; 2],
    /// Smallest and largest size of a scan.
    pub extent_mm: [[f64; 3]; 2],
}

impl ScanRange {
    /// The range of these grids; nothing if there is none.
    pub fn of(grids: impl IntoIterator<Item = Geometry>) -> Option<Self> {
        let measures = grids.into_iter().map(|grid| {
            let grid = standard_geometry(&grid);
            (grid.spacing, extent(&grid))
        });
        let ranges = measures.map(|(spacing, extent)| Self { spacing_mm: [spacing; 2], extent_mm: [extent; 2] });
        ranges.reduce(Self::and)
    }

    /// The range over the scans of both.
    pub fn and(self, other: Self) -> Self {
        let join = |one: [[f64; 3]; 2], other: [[f64; 3]; 2]| {
            let each = [0, 1, 2];
            [each.map(|axis| one[0][axis].min(other[0][axis])), each.map(|axis| one[1][axis].max(other[1][axis]))]
        };
        Self { spacing_mm: join(self.spacing_mm, other.spacing_mm), extent_mm: join(self.extent_mm, other.extent_mm) }
    }
}

/// Size of a grid in mm.
pub fn extent(grid: &Geometry) -> [f64; 3] {
    [0, 1, 2].map(|axis| grid.size[axis] as f64 * grid.spacing[axis])
}

/// The record that belongs to a file with weights.
pub fn file(weights: &Path) -> PathBuf {
    weights.with_extension("json")
}

/// Writes the record of a fold whose training is complete.
pub fn write(weights: &Path, fold: usize, config: &Config, table: &TrainPaths) -> Result<()> {
    let trained_on = table.cases.iter().filter(|case| case.fold != fold).filter_map(|case| case.images.first());
    let record = ModelRecord {
        program: format!("mist {}", env!("CARGO_PKG_VERSION")),
        fold,
        weights_sha256: checksum::sha256(weights)?,
        converted_sha256: Vec::new(),
        config: decisive(config)?,
        scans: ScanRange::of(trained_on.filter_map(|scan| read_geometry(scan).ok())),
    };
    record.save(weights)
}

/// Reads the record of a file with weights; nothing if it has none.
pub fn read(weights: &Path) -> Result<Option<ModelRecord>> {
    let path = file(weights);
    if !path.is_file() {
        return Ok(None);
    }
    serde_json::from_value(json::read(&path)?).map(Some).map_err(|error| {
        Error::new("the record of the model cannot be read")
            .at(&path)
            .because(error)
            .hint("remove the file if you know that weights and configuration belong together")
    })
}

impl ModelRecord {
    /// Whether it is about the file with this checksum.
    pub fn describes(&self, weights_sha256: &str) -> bool {
        self.weights_sha256 == weights_sha256 || self.converted_sha256.iter().any(|other| other == weights_sha256)
    }

    /// Adds `weights`, a file with the same tensors, and writes the record beside it. In the folder of the original, both
    /// files have one record, which holds for whichever of them stays.
    pub fn carry(mut self, weights: &Path) -> Result<()> {
        let sha256 = checksum::sha256(weights)?;
        if !self.describes(&sha256) {
            self.converted_sha256.push(sha256);
        }
        self.save(weights)
    }

    fn save(&self, weights: &Path) -> Result<()> {
        let value = serde_json::to_value(self).map_err(|error| Error::new(error.to_string()))?;
        write_atomically(&file(weights), json::to_text(&value).as_bytes())
    }

    /// Fails where the weights are others than those recorded, or were trained with another configuration.
    pub fn check(&self, weights: &Path, weights_sha256: &str, config: &Config) -> Result<()> {
        if !self.describes(weights_sha256) {
            return Err(Error::new("the weights are not those that their record describes")
                .at(weights)
                .because(format!("{} names other contents", file(weights).display()))
                .hint("copy both files again; if other weights were put there on purpose, remove the record"));
        }
        match first_difference("", &self.config, &decisive(config)?) {
            None => Ok(()),
            Some((place, recorded, given)) => {
                Err(Error::new("the weights were trained with another configuration than the one given")
                    .at(weights)
                    .because(format!("`{place}` was {recorded} and is {given}"))
                    .hint("give the config.json of the run that trained the weights, with --config"))
            }
        }
    }
}

/// The part of a configuration that weights depend on.
fn decisive(config: &Config) -> Result<Value> {
    let config = serde_json::to_value(config).map_err(|error| Error::new(error.to_string()))?;
    let section = |(name, keys): &(&str, &[&str])| {
        let values = keys.iter().map(|key| ((*key).to_owned(), config[name][key].clone()));
        ((*name).to_owned(), Value::Object(values.collect()))
    };
    Ok(Value::Object(DECISIVE.iter().map(section).collect::<Map<_, _>>()))
}

/// The first place where two values differ, and both as they stand there. An absent key counts as `null`.
fn first_difference(place: &str, one: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let (Some(first), Some(second)) = (one.as_object(), other.as_object()) else {
        return (one != other).then(|| (place.to_owned(), one.clone(), other.clone()));
    };
    let keys = first.keys().chain(second.keys().filter(|key| !first.contains_key(*key)));
    keys.into_iter().find_map(|key| {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        first_difference(&place, &one[key], &other[key])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_found_by_place() {
        let one = json!({ "model": { "architecture": "nnunet", "params": { "a": 1, "b": null } }, "x": [1, 2] });
        let find = |change: fn(&mut Value)| {
            let mut other = one.clone();
            change(&mut other);
            first_difference("", &one, &other).map(|(place, ..)| place)
        };
        assert_eq!(find(|_| ()), None);
        assert_eq!(find(|other| other["model"]["params"]["c"] = 3.into()), Some("model.params.c".into()));
        assert_eq!(find(|other| other["x"] = json!([2, 1])), Some("x".into()));
        assert_eq!(find(|other| other["model"] = 1.into()), Some("model".into()));
        let absent = |other: &mut Value| drop(other["model"]["params"].as_object_mut().unwrap().remove("b"));
        assert_eq!(find(absent), None, "an absent key is as good as null");
    }

    #[test]
    fn ranges_are_those_of_the_standard_frame() {
        let first = Geometry::axis_aligned([10, 20, 30], [1.0, 2.0, 3.0]);
        // Its first axis runs along y, its second along x.
        let swapped = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        let second = Geometry { direction: swapped, ..Geometry::axis_aligned([8, 40, 10], [0.5, 1.5, 3.0]) };
        let range = ScanRange::of([first, second]).unwrap();
        assert_eq!(range.spacing_mm, [[1.0, 0.5, 3.0], [1.5, 2.0, 3.0]]);
        assert_eq!(range.extent_mm, [[10.0, 4.0, 30.0], [60.0, 40.0, 90.0]]);
        assert_eq!(ScanRange::of([]), None);
    }
}
