//! Tables of cases, checked as a whole before anything is written.

use super::case::CsvCase;
use crate::convert::channel_names;
use crate::convert::image_file::Link;
use crate::convert::split::Cases;
use crate::error::{CaseFailure, Error, Result};
use crate::files::require_file;
use crate::tables::{CsvFile, is_file_name};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const ID: &str = "id";
const MASK: &str = "mask";
/// No more slips than this are listed of a table: more have one cause.
const LISTED: usize = 20;

/// A table of cases, its columns and ids checked.
pub struct Table {
    path: PathBuf,
    rows: Vec<Row>,
    /// Name and position, in channel order.
    channels: Vec<(String, usize)>,
    /// Position of the masks, where there are some.
    mask: Option<usize>,
}

struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

impl Table {
    /// Reads the table of the training cases: `id`, `mask`, then one column per channel.
    pub fn training(path: &Path) -> Result<Self> {
        const COLUMNS: &str = "id, mask and one per channel";
        let file = read(path, "--train-csv", COLUMNS)?;
        let channels = match file.header() {
            [id, mask, channels @ ..] if id == ID && mask == MASK && !channels.is_empty() => channels,
            header => return Err(wrong_columns(path, header, COLUMNS)),
        };
        for (position, name) in channels.iter().enumerate() {
            if let Some(allowed) = channel_names::misfit(name) {
                return Err(Error::new(format!("column {} is \"{name}\"", position + 3))
                    .at(path)
                    .because(format!("it must be {allowed}"))
                    .hint("rename the column; its name becomes that of the channel"));
            }
        }
        let names: Vec<&str> = channels.iter().map(String::as_str).collect();
        if let Some(allowed) = channel_names::ambiguity(&names) {
            return Err(Error::new(format!("the channels are {}", names.join(", ")))
                .at(path)
                .because(format!("they must be {allowed}"))
                .hint("rename a column"));
        }
        let channels = channels.iter().cloned().zip(2..).collect();
        let table = Self { path: path.to_owned(), rows: rows(&file)?, channels, mask: Some(1) };
        if table.is_empty() {
            return Err(Error::new("the table lists no case").at(path));
        }
        table.check_ids().map(|()| table)
    }

    /// Reads the table of the test cases: `id`, then the channels of the training table, in any order.
    pub fn test(path: &Path, training: &Self) -> Result<Self> {
        let file = read(path, "--test-csv", "id and the channels of the training table")?;
        let found = match file.header() {
            [id, channels @ ..] if id == ID && !channels.is_empty() => channels,
            header => return Err(wrong_columns(path, header, &format!("id, {}", training.channels().join(", ")))),
        };
        let position = |name: &String| found.iter().position(|other| other == name).map(|position| position + 1);
        let channels: Vec<(String, usize)> =
            training.channels.iter().filter_map(|(name, _)| Some((name.clone(), position(name)?))).collect();
        if channels.len() != training.channels.len() || channels.len() != found.len() {
            return Err(Error::new("the tables have different channels")
                .at(path)
                .because(format!(
                    "the test table has {}, the training table has {}",
                    found.join(", "),
                    training.channels().join(", ")
                ))
                .hint("both need the same columns, but for `mask`, which only the training table has"));
        }
        let table = Self { path: path.to_owned(), rows: rows(&file)?, channels, mask: None };
        table.check_ids().map(|()| table)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the channels, in channel order.
    pub fn channels(&self) -> Vec<&str> {
        self.channels.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// True if no case is listed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Ids become names of folders, which must not be hidden; and two cases cannot share one.
    fn check_ids(&self) -> Result<()> {
        let mut slips = Vec::new();
        let mut lines: HashMap<&str, u64> = HashMap::new();
        for row in &self.rows {
            let (line, id) = (row.line, row.cell(0));
            if id.trim().is_empty() {
                slips.push(format!("line {line}: the id is empty"));
            } else if !is_file_name(id) || id.starts_with('.') {
                slips.push(format!("line {line}: \"{id}\" cannot be the name of a folder that is not hidden"));
            } else if let Some(first) = lines.get(id) {
                slips.push(format!("line {line}: {id} is also on line {first}"));
            } else {
                lines.insert(id, line);
            }
        }
        if slips.is_empty() {
            return Ok(());
        }
        let more = slips.len().saturating_sub(LISTED);
        slips.truncate(LISTED);
        if more > 0 {
            slips.push(format!("and {more} more"));
        }
        Err(Error::new("ids of the table are wrong")
            .at(&self.path)
            .because(slips.join("; "))
            .hint("every row needs an id of its own"))
    }

    /// Looks for the files of all cases. A case is left out with a failure for each of its cells that is empty or whose
    /// file is missing.
    pub fn cases(&self, link: Link) -> Cases<CsvCase> {
        let folders = Folders::of(&self.path);
        let mut cases = Cases::default();
        for row in &self.rows {
            let mut failures = Vec::new();
            let mut find = |column: &str, position: usize| {
                let found = folders.find(row.cell(position));
                found
                    .map_err(|problem| {
                        failures.push(CaseFailure {
                            id: row.cell(0).to_owned(),
                            stage: "looking for the files in".to_owned(),
                            file: Some(self.path.clone()),
                            reason: format!("line {}, column `{column}`: {problem}", row.line),
                        });
                    })
                    .ok()
            };
            let mask = self.mask.and_then(|position| find(MASK, position));
            let found = |(name, position): &(String, usize)| Some((name.clone(), find(name, *position)?));
            let images: Vec<(String, PathBuf)> = self.channels.iter().filter_map(found).collect();
            if failures.is_empty() {
                cases.ready.push(CsvCase { id: row.cell(0).to_owned(), mask, images, link });
            }
            cases.left_out.extend(failures);
        }
        cases
    }
}

fn read(path: &Path, flag: &str, columns: &str) -> Result<CsvFile> {
    require_file(path, "there is no such table", &format!("{flag} is a CSV file with the columns {columns}"))?;
    CsvFile::read(path)
}

fn rows(file: &CsvFile) -> Result<Vec<Row>> {
    let columns = file.header().len();
    file.rows(|row| {
        Ok(Row { line: row.line(), cells: (0..columns).map(|column| row.text(column).to_owned()).collect() })
    })
}

fn wrong_columns(path: &Path, header: &[String], needed: &str) -> Error {
    let error = Error::new(format!("the columns must be {needed}, in this order"))
        .at(path)
        .because(format!("they are {}", header.join(", ")));
    match header {
        [only] if only.contains([';', '\t']) => error.hint("separate the columns by commas"),
        _ => error.hint("the names are case-sensitive"),
    }
}

/// Where relative paths of a table are looked for.
struct Folders(Vec<PathBuf>);

impl Folders {
    /// The folder of the table, and the working directory, which is where the reference looks.
    fn of(table: &Path) -> Self {
        let own = std::path::absolute(table).ok().and_then(|table| table.parent().map(Path::to_owned));
        let mut folders: Vec<PathBuf> = own.into_iter().chain(std::env::current_dir()).collect();
        folders.dedup();
        Self(folders)
    }

    /// The file that a cell names, or what is wrong with the cell.
    fn find(&self, cell: &str) -> Result<PathBuf, String> {
        if cell.trim().is_empty() {
            return Err("the cell is empty".to_owned());
        }
        // An absolute path replaces the folder that it is joined to.
        let places = self.0.iter().map(|folder| folder.join(cell));
        let found: Vec<(PathBuf, std::io::Result<std::fs::Metadata>)> =
            places.map(|path| (path.clone(), std::fs::metadata(path))).collect();
        if let Some((path, _)) = found.iter().find(|(_, found)| found.as_ref().is_ok_and(|found| found.is_file())) {
            return Ok(path.clone());
        }
        if found.iter().any(|(_, found)| found.is_ok()) {
            return Err(format!("{cell} is not a file"));
        }
        let missing = [ErrorKind::NotFound, ErrorKind::NotADirectory];
        let other = |error: &&std::io::Error| !missing.contains(&error.kind());
        if let Some(error) = found.iter().filter_map(|(_, found)| found.as_ref().err()).find(other) {
            return Err(format!("{cell}: {error}"));
        }
        match Path::new(cell).is_absolute() {
            true => Err(format!("there is no file {cell}")),
            false => {
                let folders: Vec<String> = self.0.iter().map(|folder| folder.display().to_string()).collect();
                Err(format!("there is no file {cell} in {}", folders.join(" or ")))
            }
        }
    }
}
