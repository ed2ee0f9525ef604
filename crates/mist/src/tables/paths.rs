//! `train_paths.csv` and `test_paths.csv`: the files of every case, and the folds.

use super::CaseFiles;
use super::csv_file::{CsvFile, path_field, refuse_repeated_ids, write};
use crate::error::Result;
use std::path::{Path, PathBuf};

/// `train_paths.csv`: `id,fold,mask,<image…>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainPaths {
    /// Names of the image columns, in channel order.
    pub images: Vec<String>,
    /// The rows, in file order.
    pub cases: Vec<TrainCase>,
}

/// One row of `train_paths.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainCase {
    /// Case id.
    pub id: String,
    /// Fold in which the case is held out. Users may edit the column; it is taken as it is.
    pub fold: usize,
    /// Mask file; empty where the table has none.
    pub mask: PathBuf,
    /// Image files, one per image column; empty where the table has none.
    pub images: Vec<PathBuf>,
}

impl TrainPaths {
    /// Reads the table. All columns but `id`, `fold` and `mask` are images.
    pub fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let (id, fold, mask) = (file.column("id")?, file.column("fold")?, file.column("mask")?);
        let images = file.other_columns(&["id", "fold", "mask"]);
        let cases = file.rows(|row| {
            Ok(TrainCase {
                id: row.id(id)?,
                fold: row.count(fold)?,
                mask: row.path(mask),
                images: images.iter().map(|(column, _)| row.path(*column)).collect(),
            })
        })?;
        refuse_repeated_ids(path, cases.iter().map(|case| case.id.as_str()))?;
        Ok(Self { images: images.into_iter().map(|(_, name)| name).collect(), cases })
    }

    /// Writes the table, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header: Vec<&str> =
            ["id", "fold", "mask"].into_iter().chain(self.images.iter().map(String::as_str)).collect();
        let row = |case: &TrainCase| {
            let mut row = vec![case.id.clone(), case.fold.to_string(), path_field(&case.mask)?];
            for image in &case.images {
                row.push(path_field(image)?);
            }
            Ok(row)
        };
        write(path, &header, self.cases.iter().map(row).collect::<Result<Vec<_>>>()?)
    }

    /// The ids, for finding files of the cases.
    pub fn case_files(&self) -> CaseFiles {
        CaseFiles::new(self.cases.iter().map(|case| case.id.clone()))
    }
}

/// `test_paths.csv`, and any table of images to predict: `id,<image…>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestPaths {
    /// Names of the image columns, in file order.
    pub images: Vec<String>,
    /// The rows, in file order.
    pub cases: Vec<TestCase>,
}

/// One row of `test_paths.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Case id.
    pub id: String,
    /// Image files, one per image column; empty where the table has none.
    pub images: Vec<PathBuf>,
}

impl TestPaths {
    /// Reads the table. All columns but `id`, `fold` and `mask` are images, so `train_paths.csv` can be predicted too.
    pub fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let id = file.column("id")?;
        let images = file.other_columns(&["id", "fold", "mask"]);
        let cases = file.rows(|row| {
            Ok(TestCase { id: row.id(id)?, images: images.iter().map(|(column, _)| row.path(*column)).collect() })
        })?;
        refuse_repeated_ids(path, cases.iter().map(|case| case.id.as_str()))?;
        Ok(Self { images: images.into_iter().map(|(_, name)| name).collect(), cases })
    }

    /// Writes the table, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header: Vec<&str> = std::iter::once("id").chain(self.images.iter().map(String::as_str)).collect();
        let row = |case: &TestCase| {
            let mut row = vec![case.id.clone()];
            for image in &case.images {
                row.push(path_field(image)?);
            }
            Ok(row)
        };
        write(path, &header, self.cases.iter().map(row).collect::<Result<Vec<_>>>()?)
    }
}

/// `evaluation_paths.csv`: `id,mask,prediction`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluationPaths {
    /// The rows, in file order.
    pub cases: Vec<EvaluationCase>,
}

/// One row of `evaluation_paths.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationCase {
    /// Case id.
    pub id: String,
    /// Mask file.
    pub mask: PathBuf,
    /// Prediction file.
    pub prediction: PathBuf,
}

impl EvaluationPaths {
    /// Reads the table; further columns are ignored.
    pub fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let (id, mask, prediction) = (file.column("id")?, file.column("mask")?, file.column("prediction")?);
        let cases = file.rows(|row| {
            Ok(EvaluationCase { id: row.id(id)?, mask: row.path(mask), prediction: row.path(prediction) })
        })?;
        refuse_repeated_ids(path, cases.iter().map(|case| case.id.as_str()))?;
        Ok(Self { cases })
    }

    /// Writes the table, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let row =
            |case: &EvaluationCase| Ok(vec![case.id.clone(), path_field(&case.mask)?, path_field(&case.prediction)?]);
        write(path, &["id", "mask", "prediction"], self.cases.iter().map(row).collect::<Result<Vec<_>>>()?)
    }
}

/// A table of true masks: `id,mask`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskPaths {
    /// Ids and mask files, in file order.
    pub cases: Vec<(String, PathBuf)>,
}

impl MaskPaths {
    /// Reads the table; further columns are ignored.
    pub fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let (id, mask) = (file.column("id")?, file.column("mask")?);
        let cases = file.rows(|row| Ok((row.id(id)?, row.path(mask))))?;
        refuse_repeated_ids(path, cases.iter().map(|(id, _)| id.as_str()))?;
        Ok(Self { cases })
    }
}
