//! The Dice scores of a `results.csv`.

use crate::error::Result;
use crate::evaluate;
use std::path::Path;

/// Dice per case and class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scores {
    /// Classes, in the order of the table.
    pub(super) classes: Vec<String>,
    /// Case id and one value per class.
    pub(super) cases: Vec<(String, Vec<f64>)>,
}

impl Scores {
    /// Reads the columns `<class>_dice`; cases with a gap are left out.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let table = evaluate::Scores::read(path)?;
        let dice = table.dice();
        let complete = |(id, values): &(String, Vec<Option<f64>>)| {
            let values = dice.iter().map(|(column, _)| values[*column]).collect::<Option<Vec<f64>>>();
            values.map(|values| (id.clone(), values))
        };
        let cases = table.rows.iter().filter_map(complete).collect();
        Ok(Self { classes: dice.into_iter().map(|(_, class)| class.to_owned()).collect(), cases })
    }

    /// Mean of a class over the cases.
    fn mean_of_class(&self, class: usize) -> f64 {
        mean(self.cases.iter().filter_map(|(_, values)| values.get(class).copied()))
    }

    /// A line per class, and their mean.
    pub(super) fn lines(&self) -> Vec<String> {
        let means: Vec<f64> = (0..self.classes.len()).map(|class| self.mean_of_class(class)).collect();
        let width = self.classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("mean".len());
        let rows = self.classes.iter().map(String::as_str).zip(means.iter().copied());
        rows.chain([("mean", mean(means.iter().copied()))])
            .map(|(name, value)| format!("  {name:width$}  {value:.3}"))
            .collect()
    }

    /// The cases with the highest and the lowest mean, if there are any.
    pub(super) fn best_and_worst(&self) -> Option<[(&str, f64); 2]> {
        let mut ranked: Vec<(&str, f64)> =
            self.cases.iter().map(|(id, values)| (id.as_str(), mean(values.iter().copied()))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        Some([*ranked.first()?, *ranked.last()?])
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { f64::NAN } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_is_read_and_summed_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        let table = "id,a_dice,a_haus95,b_dice,b_lesion_wise_dice\n\
                     007,0.5,3.0,0.9,0.1\n008,0.7,1.0,0.8,0.1\n009,,1.0,0.8,0.1\nMean,0.6,2.0,0.85,0.1\n";
        std::fs::write(&path, table).unwrap();
        let scores = Scores::read(&path).unwrap();
        assert_eq!(scores.classes, ["a", "b"]);
        assert_eq!(scores.lines(), ["  a     0.600", "  b     0.850", "  mean  0.725"]);
        let [best, worst] = scores.best_and_worst().unwrap();
        assert_eq!((best.0, worst.0), ("008", "007"));
    }

    #[test]
    fn a_missing_table_is_named() {
        let error = Scores::read(Path::new("nowhere/results.csv")).unwrap_err();
        assert!(error.to_string().contains("nowhere/results.csv"));
    }
}
