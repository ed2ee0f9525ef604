//! CSV files as the tables of a run need them: columns by name, ids as text, errors with lines.

use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::suggest::nearest;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A CSV file in memory, all fields as text.
pub struct CsvFile {
    path: PathBuf,
    header: Vec<String>,
    /// Line in the file, and fields.
    rows: Vec<(u64, Vec<String>)>,
}

impl CsvFile {
    /// Reads the whole file. Rows of another length than the header, repeated column names, and text that is not
    /// UTF-8 are errors.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: csv::Error| Error::new("cannot read the table").at(path).because(error);
        let text = std::fs::read(path).map_err(|error| failed(error.into()))?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let mut header: Vec<String> = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
        if let Some(first) = header.first_mut() {
            // Spreadsheet programs put a byte order mark in front.
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        if header.is_empty() {
            return Err(Error::new("the table is empty").at(path).because("it has no header line"));
        }
        let mut seen = HashSet::new();
        if let Some(repeated) = header.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::new(format!("two columns are named `{repeated}`")).at(path));
        }
        let rows = reader
            .records()
            .map(|record| {
                let record = record.map_err(failed)?;
                let line = record.position().map_or(0, |position| line_of_record(&text, position));
                Ok((line, record.iter().map(str::to_owned).collect()))
            })
            .collect::<Result<_>>()?;
        Ok(Self { path: path.to_owned(), header, rows })
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Position of a column that must be there.
    pub fn column(&self, name: &str) -> Result<usize> {
        if let Some(position) = self.header.iter().position(|column| column == name) {
            return Ok(position);
        }
        let error = Error::new(format!("the table has no column `{name}`"))
            .at(&self.path)
            .because(format!("its columns are {}", self.header.join(", ")));
        Err(match nearest(name, self.header.iter().map(String::as_str)) {
            Some(similar) => error.hint(format!("is `{similar}` meant to be `{name}`?")),
            None => error,
        })
    }

    /// The columns other than `named`, with their positions.
    pub fn other_columns(&self, named: &[&str]) -> Vec<(usize, String)> {
        let others = self.header.iter().enumerate().filter(|(_, column)| !named.contains(&column.as_str()));
        others.map(|(position, column)| (position, column.clone())).collect()
    }

    /// Calls `read` on each row; the row of `read` gives access to the fields.
    pub fn rows<T>(&self, read: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
        self.rows.iter().map(|(line, fields)| read(&Row { file: self, line: *line, fields })).collect()
    }
}

/// The reader gives the place before the empty lines that it skips.
fn line_of_record(text: &[u8], before: &csv::Position) -> u64 {
    let rest = text.get(before.byte() as usize..).unwrap_or_default();
    let skipped = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').filter(|&&byte| byte == b'\n');
    before.line() + skipped.count() as u64
}

/// One row of a table.
pub struct Row<'a> {
    file: &'a CsvFile,
    line: u64,
    fields: &'a [String],
}

impl Row<'_> {
    /// Where the row begins in the file, the first line is 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The field in a column.
    pub fn text(&self, column: usize) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }

    /// The field as a path.
    pub fn path(&self, column: usize) -> PathBuf {
        PathBuf::from(self.text(column))
    }

    /// The field as a whole number, 0 or more. `2.0` is taken for 2: spreadsheet and table programs write that.
    pub fn count(&self, column: usize) -> Result<usize> {
        let text = self.text(column).trim();
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole.parse().map_err(|_| self.refuse(column, "a whole number, 0 or more"))
    }

    /// The field as a case id. Ids become file names, so they must not lead out of a folder.
    pub fn id(&self, column: usize) -> Result<String> {
        let id = self.text(column);
        if is_file_name(id) { Ok(id.to_owned()) } else { Err(self.refuse(column, "a name without slashes, not empty")) }
    }

    fn refuse(&self, column: usize, allowed: &str) -> Error {
        let name = self.file.header.get(column).map_or("", String::as_str);
        Error::new(format!("line {}: `{name}` is \"{}\"", self.line, self.text(column)))
            .at(&self.file.path)
            .because(format!("it must be {allowed}"))
    }
}

/// True for a name that stays within the folder it is joined to.
pub fn is_file_name(name: &str) -> bool {
    !(name.trim().is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']))
}

/// Fails where an id occurs twice.
pub fn refuse_repeated_ids<'a>(path: &Path, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(id) => Err(Error::new(format!("the id `{id}` is listed twice")).at(path)),
        None => Ok(()),
    }
}

/// Writes a table atomically.
pub fn write<R, F>(path: &Path, header: &[&str], rows: R) -> Result<()>
where
    R: IntoIterator<Item = Vec<F>>,
    F: AsRef<[u8]>,
{
    let encode = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header)?;
        for row in rows {
            writer.write_record(row)?;
        }
        Ok(writer.into_inner()?)
    };
    let bytes = encode().map_err(|error| Error::new("cannot write the table").at(path).because(error))?;
    write_atomically(path, &bytes)
}

/// A path as a field; a path that is not UTF-8 cannot stand in a table.
pub fn path_field(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::new("the path is not UTF-8 text, which the tables of a run are").at(path))
}
