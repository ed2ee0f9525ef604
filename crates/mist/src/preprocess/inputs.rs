//! What analysis has left for preprocessing.

use super::problem::Problem;
use crate::config::{Choices, Config};
use crate::error::{Error, Result};
use crate::files::require_folder;
use crate::tables::{BoundingBoxes, TrainPaths};
use mist_volume::crop::BoundingBox;
use std::path::{Path, PathBuf};

/// Configuration of the run.
pub const CONFIG: &str = "config.json";
const TRAIN_PATHS: &str = "train_paths.csv";
const BOXES: &str = "fg_bboxes.csv";

/// The files of one training case.
pub struct TrainingFiles {
    /// Case id.
    pub id: String,
    /// Channels in the order of `dataset_info.images`.
    pub images: Vec<PathBuf>,
    /// The mask.
    pub mask: PathBuf,
    /// Foreground, where the table of boxes lists the case.
    pub bounding_box: Option<BoundingBox>,
}

impl TrainingFiles {
    /// Checks that the table names all files of the case.
    pub fn check_listed(&self) -> Result<(), Problem> {
        let empty = self.images.iter().chain([&self.mask]).any(|path| path.as_os_str().is_empty());
        if empty {
            return Err(Problem::new("looking for its files", format!("{TRAIN_PATHS} leaves a field empty")));
        }
        Ok(())
    }
}

/// Reads `config.json`, after checking that everything that preprocessing needs is there.
pub fn load_config(results: &Path, choices: &Choices) -> Result<Config> {
    const HINT: &str = "run `mist analyze` first, or name its folder with --results";
    require_folder(results, "there is no results folder", HINT)?;
    let missing: Vec<&str> =
        [CONFIG, TRAIN_PATHS, BOXES].into_iter().filter(|name| !results.join(name).is_file()).collect();
    if !missing.is_empty() {
        return Err(Error::new(format!("the results folder lacks {}", missing.join(", "))).at(results).hint(HINT));
    }
    Config::load(&results.join(CONFIG), choices)
}

/// The cases of `train_paths.csv` in its order, with their boxes from `fg_bboxes.csv`.
pub fn cases(results: &Path, config: &Config) -> Result<Vec<TrainingFiles>> {
    let table_path = results.join(TRAIN_PATHS);
    let table = TrainPaths::read(&table_path)?;
    if table.cases.is_empty() {
        return Err(Error::new("the table lists no case").at(&table_path).hint("run `mist analyze` first"));
    }
    let boxes = BoundingBoxes::read(&results.join(BOXES))?;
    let columns = config.dataset_info.images.iter().map(|name| {
        table.images.iter().position(|column| column == name).ok_or_else(|| {
            Error::new(format!("the table has no column for the image `{name}`"))
                .at(&table_path)
                .because(format!("its image columns are {}", table.images.join(", ")))
                .hint("the columns must be the names in `dataset_info.images` of config.json")
        })
    });
    let columns = columns.collect::<Result<Vec<usize>>>()?;
    let files = table.cases.into_iter().map(|case| TrainingFiles {
        images: columns.iter().filter_map(|&column| case.images.get(column).cloned()).collect(),
        mask: case.mask,
        bounding_box: boxes.of(&case.id).map(|found| BoundingBox {
            start: found.start,
            end: found.end,
            original_size: found.original_size,
        }),
        id: case.id,
    });
    Ok(files.collect())
}
