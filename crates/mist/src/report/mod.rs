//! `report`: what there is to say about a run, on one page for any browser: `report.html`.
//!
//! The page holds everything it shows; it asks no network for anything, and its content security policy forbids it to. Texts
//! that come from files are escaped, pictures of files are images, in which nothing runs.

mod box_plot;
mod case_pictures;
mod curves;
mod markup;
mod page;
mod problems;
mod ranking;
mod scores;
mod setup;

use crate::cases::Catalogue;
use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{check_no_file_in_the_way, create_folder, require_file, require_folder, write_atomically};
use page::Page;
use scores::ScoreTable;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Results folder of a run.
    pub results: PathBuf,
    /// The page; by default `report.html` in the results folder. Replaced if it is there.
    pub output: Option<PathBuf>,
    /// How many of the worst cases, and how many of the best, are shown with pictures.
    pub pictures: usize,
    /// A table of `mist rank` to be shown.
    pub ranking: Option<PathBuf>,
}

/// Writes the page. The files of the run are only read; what cannot be read is said on the page.
///
/// # Errors
/// There is no such run, its configuration or tables are not readable, or the page cannot be written.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let results = &options.results;
    const HINT: &str = "name the results folder of a run";
    require_folder(results, "there is no such folder", HINT)?;
    let config_file = results.join("config.json");
    require_file(&config_file, "this is not the results folder of a run: it has no config.json", HINT)?;
    let output = options.output.clone().unwrap_or_else(|| results.join("report.html"));
    check_output(&output)?;
    let config = Config::load(&config_file, &Choices::any())?;
    let catalogue = Catalogue::read(results, &config)?;
    let ranking = options.ranking.as_deref().map(ranking::section).transpose()?;
    let table = ScoreTable::of(&catalogue);
    let problems = problems::all(results, &catalogue);

    let mut page = Page::new(&catalogue.task);
    page.add("", &scores::headline(&catalogue, &table, problems.len()));
    page.add("What to look at", &problems::section(&problems));
    page.add("Scores", &box_plot::section(&table));
    page.add("Cases", &case_pictures::section(&catalogue, options.pictures, console));
    page.add("Ranking", &ranking.unwrap_or_default());
    page.add("Training", &curves::section(results, config.training.nfolds));
    page.add("All cases", &scores::every_case(&catalogue));
    page.add("Data and settings", &setup::settings(&config, &config_file, &catalogue)?);
    page.add("How it was made", &setup::runs(results));
    if let Some(folder) = output.parent() {
        create_folder(folder)?;
    }
    write_atomically(&output, page.finished().as_bytes())?;
    console.success(&format!("Wrote {}; open it in a browser", output.display()));
    Ok(Vec::new())
}

/// Only a page is replaced by the page.
fn check_output(output: &Path) -> Result<()> {
    let name = output.to_string_lossy().to_lowercase();
    if ![".html", ".htm"].iter().any(|ending| name.ends_with(ending)) {
        return Err(Error::usage("the report needs the name of a page").at(output).hint("end it in .html"));
    }
    if output.is_dir() {
        return Err(Error::new("there is a folder where the report should go").at(output).hint("give another name"));
    }
    output.parent().map_or(Ok(()), check_no_file_in_the_way)
}

#[cfg(test)]
mod tests;
