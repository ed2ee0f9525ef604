//! `rank`: which of several tables of scores is the best, in the manner of the BraTS challenges.

mod direction;
mod scores;
mod tables;

use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::{create_folder, is_same_file, require_file};
use mist_metrics::ranking::{holm, mid_ranks, signed_rank_less};
use scores::Scores;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Tables of scores of the same cases, one per method.
    pub results: Vec<PathBuf>,
    /// What the methods are called; by default after the files, or after their folders where the files are called alike.
    pub names: Option<Vec<String>>,
    /// Table of mean ranks, best first.
    pub output_csv: PathBuf,
    /// Table of mean ranks by column.
    pub detailed_csv: Option<PathBuf>,
    /// Matrix of p-values.
    pub significance_csv: Option<PathBuf>,
    /// A JSON object from columns to `higher` or `lower`, whichever is better.
    pub direction_overrides: Option<PathBuf>,
    /// The column that names the cases.
    pub id_column: String,
    /// Correct the p-values for their number, by Holm's method.
    pub holm: bool,
}

/// Ranks the methods per case and column of scores (1 is best, equal scores share a rank) and writes the tables.
///
/// # Errors
/// Fewer than two tables; tables of different cases or columns; a column whose better direction is not known; a score that is
/// missing or no number.
pub fn run(options: &Options, console: &dyn Console) -> Result<()> {
    if options.results.len() < 2 {
        return Err(Error::usage("mist rank compares two or more tables").hint("give several files to --results"));
    }
    let names = names(options)?;
    for file in &options.results {
        require_file(file, "Results CSV not found", "name tables as `mist evaluate` writes them")?;
    }
    let outputs = [Some(&options.output_csv), options.detailed_csv.as_ref(), options.significance_csv.as_ref()];
    let inputs = || options.results.iter().chain(&options.direction_overrides);
    for output in outputs.into_iter().flatten() {
        if inputs().any(|input| is_same_file(input, output)) {
            return Err(Error::usage("the result would replace what it is made from").at(output));
        }
    }
    let scores = Scores::read(&options.results, &options.id_column)?;
    let directions = direction::of(&scores.columns, options.direction_overrides.as_deref(), console)?;
    let ranking = Ranking::of(&scores, &directions);

    for folder in outputs.into_iter().flatten().filter_map(|output| output.parent()) {
        if folder != Path::new("") {
            create_folder(folder)?;
        }
    }
    let means = ranking.means();
    tables::summary(&options.output_csv, &names, &means)?;
    if let Some(file) = &options.detailed_csv {
        tables::detailed(file, &names, &scores.columns, &ranking.means_by_column())?;
    }
    if let Some(file) = &options.significance_csv {
        tables::significance(file, &names, &ranking.p_values(options.holm))?;
    }
    for (name, mean) in tables::best_first(&names, &means) {
        console.info(&format!("{mean:8.4}  {name}"));
    }
    let cases = scores.ids.len();
    console.success(&format!("Ranked on {cases} cases. Results saved to {}", options.output_csv.display()));
    Ok(())
}

/// The names of the methods.
fn names(options: &Options) -> Result<Vec<String>> {
    let unique = |names: &[String]| names.iter().collect::<HashSet<_>>().len() == names.len();
    if let Some(names) = &options.names {
        if names.len() != options.results.len() {
            return Err(Error::usage("there must be as many --names as --results").because(format!(
                "there are {} and {}",
                names.len(),
                options.results.len()
            )));
        }
        return match unique(names) {
            true => Ok(names.clone()),
            false => Err(Error::usage("two of the --names are the same")),
        };
    }
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let stems: Vec<String> = options.results.iter().map(|file| text(file.file_stem())).collect();
    let folders = || options.results.iter().map(|file| text(file.parent().and_then(Path::file_name))).collect();
    let named = if unique(&stems) { stems } else { folders() };
    match unique(&named) && named.iter().all(|name| !name.is_empty()) {
        true => Ok(named),
        false => Err(Error::usage("the tables have the same names, and so have their folders")
            .hint("say with --names what to call each")),
    }
}

/// Ranks `[column][case][method]`, 1 is best.
struct Ranking {
    ranks: Vec<Vec<Vec<f64>>>,
    methods: usize,
}

impl Ranking {
    fn of(scores: &Scores, directions: &[mist_metrics::metric::Direction]) -> Self {
        use mist_metrics::metric::Direction;
        let rank = |(column, direction): (usize, &Direction)| {
            let of_case = |case: usize| {
                let sign = if *direction == Direction::Lower { 1.0 } else { -1.0 };
                let values = scores.values.iter().map(|method| sign * method[case][column]);
                mid_ranks(&values.collect::<Vec<_>>())
            };
            (0..scores.ids.len()).map(of_case).collect()
        };
        Self { ranks: directions.iter().enumerate().map(rank).collect(), methods: scores.values.len() }
    }

    /// Mean rank of each method over all cases and columns.
    fn means(&self) -> Vec<f64> {
        let cells: Vec<&Vec<f64>> = self.ranks.iter().flatten().collect();
        // Ranks are multiples of a half, so that the sums are exact.
        (0..self.methods).map(|method| mean(cells.iter().map(|cell| cell[method]))).collect()
    }

    /// Mean rank over the cases, `[method][column]`.
    fn means_by_column(&self) -> Vec<Vec<f64>> {
        let of = |method: usize| self.ranks.iter().map(|cases| mean(cases.iter().map(|cell| cell[method]))).collect();
        (0..self.methods).map(of).collect()
    }

    /// p-values `[better][worse]` of the test that the first method ranks below the second; nothing on the diagonal.
    fn p_values(&self, is_corrected: bool) -> Vec<Vec<Option<f64>>> {
        let cases = self.ranks.first().map_or(0, Vec::len);
        let of_case = |method: usize, case: usize| mean(self.ranks.iter().map(|column| column[case][method]));
        let p_value = |one: usize, other: usize| {
            let differences: Vec<f64> = (0..cases).map(|case| of_case(one, case) - of_case(other, case)).collect();
            signed_rank_less(&differences)
        };
        let pairs: Vec<(usize, usize)> = (0..self.methods)
            .flat_map(|one| (0..self.methods).map(move |other| (one, other)))
            .filter(|(one, other)| one != other)
            .collect();
        let mut found: Vec<f64> = pairs.iter().map(|(one, other)| p_value(*one, *other)).collect();
        if is_corrected {
            found = holm(&found);
        }
        let mut matrix = vec![vec![None; self.methods]; self.methods];
        for ((one, other), p_value) in pairs.into_iter().zip(found) {
            matrix[one][other] = Some(p_value);
        }
        matrix
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests;
