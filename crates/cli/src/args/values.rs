//! Readers of flag values. Each returns the checked value or a sentence that says what was expected.

use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::OsString;
use std::path::PathBuf;

/// A path, with a leading `~` expanded and made absolute, once and for every command.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(absolute)
}

fn absolute(text: OsString) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let path = match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_), None) => return Err("the home folder that `~` stands for is not known".to_owned()),
        (Err(_), _) => path,
    };
    std::path::absolute(&path).map_err(|error| format!("expected a path: {error}"))
}

/// A whole number of at least 1.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    at_least(1, text)
}

/// An extent of a patch that some machine might hold.
pub(crate) fn patch_extent(text: &str) -> Result<usize, String> {
    between(1, 4096, text)
}

/// A number of channels, or of patches in a batch.
pub(crate) fn up_to_1024(text: &str) -> Result<usize, String> {
    between(1, 1024, text)
}

/// A whole number of at least 0.
pub(crate) fn non_negative(text: &str) -> Result<usize, String> {
    at_least(0, text)
}

/// A number of folds; one fold would leave nothing to train on.
pub(crate) fn fold_count(text: &str) -> Result<usize, String> {
    at_least(2, text)
}

/// A number of classes, background included.
pub(crate) fn class_count(text: &str) -> Result<usize, String> {
    // A label is one byte.
    between(2, 256, text)
}

fn between(least: usize, most: usize, text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

fn at_least(least: usize, text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(format!("expected a whole number, {least} or more")),
    }
}

/// A finite number above 0.
pub(crate) fn positive_number(text: &str) -> Result<f64, String> {
    match finite(text) {
        Some(number) if number > 0.0 => Ok(number),
        _ => Err("expected a finite number above 0".to_owned()),
    }
}

/// A finite number of at least 0.
pub(crate) fn non_negative_number(text: &str) -> Result<f64, String> {
    match finite(text) {
        Some(number) if number >= 0.0 => Ok(number),
        _ => Err("expected a finite number, 0 or more".to_owned()),
    }
}

/// A part of a whole that leaves something over: from 0 to below 1.
pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    match finite(text) {
        Some(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to below 1".to_owned()),
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Yes or no in the spellings of the reference, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "t" | "y" | "1" => Ok(true),
        "no" | "false" | "f" | "n" | "0" => Ok(false),
        _ => Err("expected yes, true, t, y, 1, or no, false, f, n, 0".to_owned()),
    }
}

/// A number of bytes with its unit.
pub(crate) fn memory_size(text: &str) -> Result<u64, String> {
    mist::memory::parse(text)
}

/// Where a network runs: `cpu`, `cuda` or the index of a GPU.
pub(crate) fn device(text: &str) -> Result<String, String> {
    let index = !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    if index || ["cpu", "cuda"].contains(&text) {
        Ok(text.to_owned())
    } else {
        Err("expected `cpu`, `cuda` or the index of a GPU, such as 0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_whole_and_in_range() {
        assert_eq!(positive("7"), Ok(7));
        assert_eq!(non_negative("0"), Ok(0));
        for text in ["0", "-1", "1.0", "1e3", "", "x", "99999999999999999999999"] {
            assert!(positive(text).is_err(), "{text}");
        }
        assert!(fold_count("1").is_err());
        assert!(class_count("1").is_err() && class_count("257").is_err() && class_count("2") == Ok(2));
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(positive_number("1e-3"), Ok(0.001));
        assert_eq!(non_negative_number("0"), Ok(0.0));
        assert_eq!(fraction("0.25"), Ok(0.25));
        for text in ["nan", "inf", "-1", "1e999", "0x1", "one"] {
            assert!(positive_number(text).is_err(), "{text}");
            assert!(non_negative_number(text).is_err(), "{text}");
            assert!(fraction(text).is_err(), "{text}");
        }
        assert!(positive_number("0").is_err());
        assert!(fraction("1").is_err());
    }

    #[test]
    fn booleans_have_many_spellings() {
        assert_eq!(boolean("YES"), Ok(true));
        assert_eq!(boolean("f"), Ok(false));
        assert!(boolean("on").is_err());
    }

    #[test]
    fn paths_are_absolute_and_know_home() {
        assert!(absolute("results".into()).is_ok_and(|path| path.is_absolute() && path.ends_with("results")));
        if let Some(home) = std::env::home_dir() {
            assert_eq!(absolute("~/scans".into()), Ok(home.join("scans")));
        }
    }

    #[test]
    fn devices_are_cpu_cuda_or_an_index() {
        assert!(device("cuda").is_ok() && device("cpu").is_ok() && device("1").is_ok());
        assert!(device("gpu").is_err() && device("-1").is_err() && device("").is_err());
    }
}
