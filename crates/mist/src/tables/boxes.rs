//! `fg_bboxes.csv`: the foreground of every case.

use super::csv_file::{CsvFile, refuse_repeated_ids, write};
use crate::error::{Error, Result};
use std::path::Path;

const COLUMNS: [&str; 10] =
    ["x_start", "x_end", "y_start", "y_end", "z_start", "z_end", "x_og_size", "y_og_size", "z_og_size", "id"];

/// `fg_bboxes.csv`: the foreground box of each case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundingBoxes {
    /// The rows, in file order.
    pub boxes: Vec<CaseBox>,
}

/// The foreground box of a case, in voxels of the image file along its axes x, y, z (before any reorientation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseBox {
    /// Case id.
    pub id: String,
    /// First voxel.
    pub start: [usize; 3],
    /// Last voxel, which belongs to the box.
    pub end: [usize; 3],
    /// Size of the whole image.
    pub original_size: [usize; 3],
}

impl BoundingBoxes {
    /// Reads the table and checks that each box lies within its image.
    pub fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let triple = |names: [&str; 3]| -> Result<[usize; 3]> {
            Ok([file.column(names[0])?, file.column(names[1])?, file.column(names[2])?])
        };
        let id = file.column("id")?;
        let start = triple(["x_start", "y_start", "z_start"])?;
        let end = triple(["x_end", "y_end", "z_end"])?;
        let original_size = triple(["x_og_size", "y_og_size", "z_og_size"])?;
        let boxes = file.rows(|row| {
            let read = |columns: [usize; 3]| -> Result<[usize; 3]> {
                Ok([row.count(columns[0])?, row.count(columns[1])?, row.count(columns[2])?])
            };
            let found =
                CaseBox { id: row.id(id)?, start: read(start)?, end: read(end)?, original_size: read(original_size)? };
            let fits = |axis| found.start[axis] <= found.end[axis] && found.end[axis] < found.original_size[axis];
            if (0..3).all(fits) {
                return Ok(found);
            }
            Err(Error::new(format!("the box of `{}` does not lie within its image", found.id))
                .at(path)
                .because(format!("{:?} to {:?} in {:?} voxels", found.start, found.end, found.original_size)))
        })?;
        refuse_repeated_ids(path, boxes.iter().map(|found| found.id.as_str()))?;
        Ok(Self { boxes })
    }

    /// Writes the table, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let row = |case: &CaseBox| {
            let axes = (0..3).flat_map(|axis| [case.start[axis], case.end[axis]]);
            let numbers = axes.chain(case.original_size).map(|number| number.to_string());
            numbers.chain([case.id.clone()]).collect()
        };
        write(path, &COLUMNS, self.boxes.iter().map(row).collect::<Vec<Vec<String>>>())
    }

    /// The box of a case.
    pub fn of(&self, id: &str) -> Option<&CaseBox> {
        self.boxes.iter().find(|found| found.id == id)
    }
}
