//! Which cases train and which validate.

use crate::error::{Error, Result};
use crate::random::permutation;

/// Positions of the training and of the validation cases, each in the order in which they are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Positions of the cases to train on.
    pub train: Vec<usize>,
    /// Positions of the cases to validate with.
    pub validation: Vec<usize>,
}

/// Splits `ceil(val_percent * count)` of `count` cases off for validation, the same ones for the same seed.
///
/// `val_percent` is a fraction in (0, 1). The permutation is the Python toolkit's, so that a run continued there
/// validates on the same cases. An error if no case would be left for training, or none for validation.
pub fn split(count: usize, val_percent: f64, seed: u32) -> Result<Split> {
    if !(val_percent > 0.0 && val_percent < 1.0) {
        return Err(Error::new(format!("{val_percent} of the cases cannot be set aside for validation"))
            .place("training.val_percent")
            .hint("give a fraction above 0 and below 1, or 0 to validate on the held-out fold"));
    }
    let validation = (val_percent * count as f64).ceil() as usize;
    if validation == 0 || validation >= count {
        return Err(Error::new(format!(
            "setting {val_percent} of {count} cases aside for validation leaves {} to train on",
            count.saturating_sub(validation)
        ))
        .place("training.val_percent")
        .hint("lower --val-percent or add cases"));
    }
    let order = permutation(seed, count);
    Ok(Split { train: order[validation..].to_vec(), validation: order[..validation].to_vec() })
}

/// The cases of one cross-validation fold, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Cases to train on.
    pub train: Vec<String>,
    /// Cases to choose the best weights with.
    pub validation: Vec<String>,
}

impl Fold {
    /// Deals the rows `(id, fold)` of the training table. With `val_percent` 0 the held-out fold validates; otherwise that
    /// fraction of the other cases does, and the held-out fold is not seen in training at all.
    pub fn new<'a>(
        rows: impl IntoIterator<Item = (&'a str, usize)>,
        fold: usize,
        val_percent: f64,
        seed: u32,
    ) -> Result<Self> {
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        let mut seen = std::collections::HashSet::new();
        for (id, fold_of_case) in rows {
            if !seen.insert(id) {
                return Err(Error::new("the case appears twice in the training table")
                    .place(format!("case {id}"))
                    .hint("ids must be unique; remove one of the rows"));
            }
            let side = if fold_of_case == fold { &mut held_out } else { &mut train };
            side.push(id.to_owned());
        }
        if train.is_empty() || held_out.is_empty() {
            let part = if train.is_empty() { "train on" } else { "hold out" };
            return Err(Error::new(format!("fold {fold} has no cases to {part}"))
                .hint("check the column `fold` of train_paths.csv, or lower the number of folds"));
        }
        if val_percent == 0.0 {
            return Ok(Self { train, validation: held_out });
        }
        let split = split(train.len(), val_percent, seed)?;
        let pick = |positions: &[usize]| positions.iter().map(|i| train[*i].clone()).collect();
        Ok(Self { train: pick(&split.train), validation: pick(&split.validation) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_is_that_of_the_reference() {
        let golden = crate::load::testing::golden("schedules/split.json");
        let positions = |value: &serde_json::Value| -> Vec<usize> {
            value.as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as usize).collect()
        };
        let rows = golden["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 72);
        let arguments =
            |row: &serde_json::Value| (row["n"].as_u64().unwrap() as usize, row["val_percent"].as_f64().unwrap());
        for row in rows {
            let (count, percent) = arguments(row);
            let expected = Split { train: positions(&row["train"]), validation: positions(&row["val"]) };
            assert_eq!(split(count, percent, row["seed"].as_u64().unwrap() as u32).unwrap(), expected, "{row}");
        }
        for row in golden["errors"].as_array().unwrap() {
            let (count, percent) = arguments(row);
            split(count, percent, 42).unwrap_err();
        }
    }

    #[test]
    fn the_held_out_fold_validates_unless_a_fraction_is_split_off() {
        let rows = [("a", 0), ("007", 1), ("c", 0), ("d", 2), ("e", 1), ("f", 2)];
        let fold = Fold::new(rows, 1, 0.0, 42).unwrap();
        assert_eq!(fold.train, ["a", "c", "d", "f"]);
        assert_eq!(fold.validation, ["007", "e"]);

        let fold = Fold::new(rows, 1, 0.5, 42).unwrap();
        // Positions [0, 2] and [1, 3] of the table of splits for 4 cases, seed 42.
        assert_eq!(fold.train, ["a", "d"]);
        assert_eq!(fold.validation, ["c", "f"]);
    }

    #[test]
    fn impossible_folds_say_why() {
        let text = |result: Result<Fold>| result.unwrap_err().to_string();
        assert!(text(Fold::new([("a", 0), ("a", 1)], 0, 0.0, 1)).contains("case a"));
        assert!(text(Fold::new([("a", 0), ("b", 0)], 0, 0.0, 1)).contains("no cases to train on"));
        assert!(text(Fold::new([("a", 0), ("b", 0)], 3, 0.0, 1)).contains("no cases to hold out"));
        assert!(text(Fold::new([("a", 0), ("b", 1)], 0, 1.0, 1)).contains("1 of the cases"));
    }
}
