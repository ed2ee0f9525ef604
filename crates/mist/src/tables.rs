//! The CSV files of a run.
//!
//! Comma, LF, UTF-8, header row; a field is quoted only where it must be. Ids are text, always: `001` stays `001`.
//! Paths are kept as they stand in the file.

mod boxes;
mod case_files;
mod csv_file;
mod left_out;
mod paths;
#[cfg(test)]
mod tests;

pub use boxes::{BoundingBoxes, CaseBox};
pub use case_files::CaseFiles;
pub(crate) use csv_file::CsvFile;
pub(crate) use csv_file::{is_file_name, write as write_csv};
pub use left_out::LeftOut;
pub use paths::{EvaluationCase, EvaluationPaths, MaskPaths, TestCase, TestPaths, TrainCase, TrainPaths};
