//! Tables of scores of the same cases.

use crate::error::{Error, Result};
use crate::evaluate::AGGREGATES;
use crate::tables::CsvFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Scores of several methods, in one order of cases and columns.
pub struct Scores {
    /// The cases, in the order of the first table.
    pub ids: Vec<String>,
    /// The columns with scores, in the order of the first table.
    pub columns: Vec<String>,
    /// Scores `[method][case][column]`.
    pub values: Vec<Vec<Vec<f64>>>,
}

/// One table.
struct Table {
    columns: Vec<String>,
    ids: Vec<String>,
    values: BTreeMap<String, Vec<f64>>,
}

impl Scores {
    /// Reads the tables. Summary rows at the end are passed over; cases and columns are matched by name.
    pub fn read(files: &[PathBuf], id_column: &str) -> Result<Self> {
        let tables: Vec<Table> = files.iter().map(|file| Table::read(file, id_column)).collect::<Result<_>>()?;
        let Some(first) = tables.first() else { return Err(Error::usage("there is no table")) };
        for (table, file) in tables.iter().zip(files).skip(1) {
            same("columns", &first.columns, &table.columns, &files[0], file)?;
            same("cases", &first.ids, &table.ids, &files[0], file)?;
        }
        let in_order = |table: &Table| {
            let place = |column: &String| table.columns.iter().position(|other| other == column);
            let places: Vec<usize> = first.columns.iter().filter_map(place).collect();
            let row = |id: &String| places.iter().map(|place| table.values[id][*place]).collect();
            first.ids.iter().map(row).collect()
        };
        let values = tables.iter().map(in_order).collect();
        Ok(Self { ids: first.ids.clone(), columns: first.columns.clone(), values })
    }
}

/// Fails where two tables do not have the same names.
fn same(what: &str, one: &[String], other: &[String], file: &Path, other_file: &Path) -> Result<()> {
    let [one, other] = [one, other].map(|names| names.iter().map(String::as_str).collect::<BTreeSet<_>>());
    if one == other {
        return Ok(());
    }
    let list = |names: Vec<&str>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(Error::new(format!("the tables do not have the same {what}")).at(other_file).because(format!(
        "it lacks {}, and has {} that {} lacks",
        list(one.difference(&other).copied().collect()),
        list(other.difference(&one).copied().collect()),
        file.display()
    )))
}

impl Table {
    fn read(path: &Path, id_column: &str) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let id = file.column(id_column)?;
        let columns = file.other_columns(&[id_column]);
        if columns.is_empty() {
            return Err(Error::new("the table has no scores").at(path).because("there is no column beside the id"));
        }
        let mut rows =
            file.rows(|row| Ok((row.id(id)?, columns.iter().map(|(at, _)| row.text(*at).to_owned()).collect())))?;
        // A patient may be called so; the summary stands at the end.
        while rows.last().is_some_and(|(id, _): &(String, Vec<String>)| AGGREGATES.contains(&id.as_str())) {
            rows.pop();
        }
        if rows.is_empty() {
            return Err(Error::new("the table has no case").at(path));
        }
        let mut table = Self {
            columns: columns.into_iter().map(|(_, name)| name).collect(),
            ids: Vec::new(),
            values: BTreeMap::new(),
        };
        for (id, cells) in rows {
            let score = |(column, cell): (&String, &String)| match cell.trim().parse::<f64>() {
                Ok(score) if !score.is_nan() => Ok(score),
                _ => Err(Error::new(format!("`{column}` of the case {id} is \"{cell}\""))
                    .at(path)
                    .because("every case needs a number in every column, or ranks would not be comparable")
                    .hint("leave the case out of all tables")),
            };
            let scores = table.columns.iter().zip(&cells).map(score).collect::<Result<_>>()?;
            if table.values.insert(id.clone(), scores).is_some() {
                return Err(Error::new(format!("the id `{id}` is listed twice")).at(path));
            }
            table.ids.push(id);
        }
        Ok(table)
    }
}
