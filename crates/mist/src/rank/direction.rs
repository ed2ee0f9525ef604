//! Whether more or less of a score is better.

use crate::console::Console;
use crate::error::{Error, Result};
use crate::{json, suggest};
use mist_metrics::metric::{self, Direction};
use serde_json::{Map, Value};
use std::path::Path;

/// The better direction of every column: what the file says, or that of the metric that its name ends in.
pub fn of(columns: &[String], overrides: Option<&Path>, console: &dyn Console) -> Result<Vec<Direction>> {
    let given = overrides.map(read).transpose()?.unwrap_or_default();
    for key in given.keys().filter(|key| !columns.contains(key)) {
        let nearest = suggest::nearest(key, columns.iter().map(String::as_str));
        let hint = nearest.map_or(String::new(), |name| format!("; is `{name}` meant?"));
        console.warn(&format!("there is no column `{key}`, whose direction is given{hint}"));
    }
    let direction = |column: &String| match given.get(column) {
        Some(direction) => Ok(*direction),
        None => of_metric(column).ok_or_else(|| {
            Error::new(format!("it is not known whether more or less of `{column}` is better"))
                .because(format!("its name does not end in one of the metrics {}", metric::names().join(", ")))
                .hint("say so with --metric-direction-overrides, a JSON file such as {\"column\": \"lower\"}")
        }),
    };
    columns.iter().map(direction).collect()
}

fn read(path: &Path) -> Result<Directions> {
    let value = json::read(path)?;
    let object: &Map<String, Value> = value.as_object().ok_or_else(|| {
        Error::new("the directions must be a JSON object").at(path).hint("write {\"column\": \"lower\"}")
    })?;
    let entry = |(column, word): (&String, &Value)| match word.as_str() {
        Some("higher") => Ok((column.clone(), Direction::Higher)),
        Some("lower") => Ok((column.clone(), Direction::Lower)),
        _ => Err(Error::new(format!("the direction of `{column}` is {word}"))
            .at(path)
            .because("it must be \"higher\" or \"lower\", whichever is better")),
    };
    object.iter().map(entry).collect()
}

/// Directions by column.
type Directions = std::collections::BTreeMap<String, Direction>;

/// The direction of the longest metric name that the column ends in, behind something and `_`.
fn of_metric(column: &str) -> Option<Direction> {
    let ends_so = |name: &&str| {
        column.strip_suffix(*name).and_then(|rest| rest.strip_suffix('_')).is_some_and(|class| !class.is_empty())
    };
    let name = metric::names().into_iter().filter(ends_so).max_by_key(|name| name.len())?;
    metric::find(name).map(|metric| metric.direction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Silent;

    #[test]
    fn the_longest_metric_name_decides() {
        assert_eq!(of_metric("tumor_dice"), Some(Direction::Higher));
        assert_eq!(of_metric("tumor_lesion_wise_haus95"), Some(Direction::Lower));
        assert_eq!(of_metric("lesion_wise_surf_dice"), Some(Direction::Higher), "the class is `lesion_wise`");
        assert_eq!(of_metric("_dice"), None);
        assert_eq!(of_metric("dice"), None);
        assert_eq!(of_metric("volume"), None);
    }

    #[test]
    fn what_is_not_known_must_be_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("directions.json");
        let columns = ["a_dice".to_owned(), "volume".to_owned()];
        let of = |text: &str| {
            std::fs::write(&file, text).unwrap();
            super::of(&columns, Some(&file), &Silent)
        };
        assert!(super::of(&columns, None, &Silent).unwrap_err().to_string().contains("`volume`"));
        let found = of(r#"{"volume": "lower", "a_dice": "lower", "other": "higher"}"#).unwrap();
        assert_eq!(found, [Direction::Lower; 2]);
        assert!(of(r#"{"volume": "less"}"#).unwrap_err().to_string().contains("the direction of `volume` is \"less\""));
        assert!(of("[]").unwrap_err().to_string().contains("must be a JSON object"));
    }
}
