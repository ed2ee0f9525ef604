//! Predictions of the cases that a fold held out, from the arrays that training read.

use super::ChannelsLast;
use super::infer::Method;
use super::restore::{Original, label_map};
use super::unpredicted::{Unpredicted, written};
use crate::config::Config;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::remove_file;
use crate::load::{CaseArrays, CaseFiles};
use crate::memory::Allowance;
use crate::network::{self, Network};
use crate::preprocess::read::read_geometry;
use crate::tables::{BoundingBoxes, TrainCase, TrainPaths};
use mist_nn::Registry;
use mist_volume::crop::BoundingBox;
use mist_volume::nifti;
use std::path::{Path, PathBuf};

/// Where the predictions of the held-out cases lie, in the results folder.
pub const FOLDER: &str = "predictions/train/raw";

/// The prediction of a held-out case.
pub fn prediction_file(results: &Path, id: &str) -> PathBuf {
    results.join(FOLDER).join(format!("{id}.nii.gz"))
}

/// Writes `predictions/train/raw/<id>.nii.gz` for every case that `fold` holds out, with the best weights of that fold.
/// Returns the cases that failed; the others go on.
pub fn run(
    results: &Path,
    numpy: &Path,
    config: &Config,
    registry: &Registry,
    table: &TrainPaths,
    fold: usize,
    console: &dyn Console,
) -> Result<Vec<CaseFailure>> {
    let network = Network::load(&network::weights_file(&results.join("models"), fold), config, registry)?;
    let method = Method::of(config)?;
    let boxes = BoundingBoxes::read(&results.join("fg_bboxes.csv"))?;
    let cases: Vec<&TrainCase> = table.cases.iter().filter(|case| case.fold == fold).collect();
    let bar = console.bar(&format!("Testing on fold {fold}"), cases.len() as u64);
    let mut failures = Vec::new();
    for case in cases {
        let target = prediction_file(results, &case.id);
        if let Err(unpredicted) = predict(&target, numpy, config, (&network, &method), table, &boxes, case) {
            let failure = unpredicted.failure_of(&case.id, console)?;
            remove_file(&target)?;
            failures.push(failure);
        }
        bar.advance(1);
    }
    Ok(failures)
}

fn predict(
    target: &Path,
    numpy: &Path,
    config: &Config,
    (network, method): (&Network, &Method),
    table: &TrainPaths,
    boxes: &BoundingBoxes,
    case: &TrainCase,
) -> Result<(), Unpredicted> {
    let files = table.case_files();
    let arrays = CaseFiles {
        id: case.id.clone(),
        image: files.find(&numpy.join("images"), &case.id, ".npy"),
        label: files.find(&numpy.join("labels"), &case.id, ".npy"),
        distance: None,
    };
    let (volume, _) = CaseArrays::open(arrays, config.dataset_info.labels.len())?.read()?;
    if volume.channels != config.model.params.in_channels {
        return Err(Error::new(format!("the array has {} channels", volume.channels))
            .because(format!("the network takes {}", config.model.params.in_channels))
            .into());
    }
    let image = ChannelsLast::new(volume.size, volume.channels, volume.image)?;
    // Training has held more than this for the same case.
    let spacing = config.spatial_config.target_spacing;
    let classes = method.predict(&image, spacing, network, Allowance::Unknown, None)?.classes;

    let first = case.images.first().ok_or_else(|| Error::new("the table lists no image"))?;
    let geometry = read_geometry(first).map_err(|problem| Error::new(problem.to_string()).at(first))?;
    let skip = config.preprocessing.skip;
    let bounding_box = match config.preprocessing.crop_to_foreground && !skip {
        false => None,
        true => {
            let found = boxes.of(&case.id).ok_or_else(|| Error::new("fg_bboxes.csv has no box for the case"))?;
            Some(BoundingBox { start: found.start, end: found.end, original_size: found.original_size })
        }
    };
    let original = Original { geometry: &geometry, bounding_box: bounding_box.as_ref(), untouched: skip };
    let labels = label_map(&classes, &original, &config.dataset_info.labels)?;
    written(nifti::write(target, &labels))
}
