//! Bytes as each table of a run: no panic, no more memory than a table of its size justifies, and what is read is written and
//! read again.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist::console::Silent;
use mist::evaluate::Scores;
use mist::rank;
use mist::tables::{BoundingBoxes, EvaluationPaths, LeftOut, MaskPaths, TestPaths, TrainPaths};
use std::fmt::Debug;
use std::path::Path;
use support::{with_file, within_twice};

/// An empty field of one byte, the comma, takes 24 as a text or path, and twice that while its row grows.
const PER_BYTE: usize = 128;

fuzz_target!(|bytes: &[u8]| {
    with_file("input.csv", bytes, |path| {
        let limit = PER_BYTE * bytes.len();
        round_trip(path, limit, TrainPaths::read, TrainPaths::write);
        round_trip(path, limit, TestPaths::read, TestPaths::write);
        round_trip(path, limit, EvaluationPaths::read, EvaluationPaths::write);
        round_trip(path, limit, BoundingBoxes::read, BoundingBoxes::write);
        round_trip(path, limit, LeftOut::read, |failures, path| LeftOut::write(path, failures));
        let _ = within_twice(limit, || MaskPaths::read(path));
        if let Ok(scores) = within_twice(limit, || Scores::read(path)) {
            let _ = scores.dice();
            assert!(
                scores
                    .rows
                    .iter()
                    .all(|(id, values)| { values.len() == scores.columns.len() && scores.of(id).is_some() })
            );
            rank_against_itself(path, limit);
        }
    });
});

fn round_trip<T: Debug + PartialEq>(
    path: &Path,
    limit: usize,
    read: fn(&Path) -> mist::Result<T>,
    write: fn(&T, &Path) -> mist::Result<()>,
) {
    let Ok(table) = within_twice(limit, || read(path)) else { return };
    let copy = path.with_file_name("written.csv");
    write(&table, &copy).expect("the file can be written");
    assert_eq!(read(&copy).expect("what was written is sound"), table);
}

/// Two methods with the same scores share their ranks.
fn rank_against_itself(path: &Path, limit: usize) {
    let options = rank::Options {
        results: vec![path.to_owned(); 2],
        names: Some(vec!["one".to_owned(), "other".to_owned()]),
        output_csv: path.with_file_name("ranks.csv"),
        detailed_csv: None,
        significance_csv: Some(path.with_file_name("significance.csv")),
        direction_overrides: None,
        id_column: "id".to_owned(),
        holm: true,
    };
    if within_twice(4 * limit, || rank::run(&options, &Silent)).is_ok() {
        let ranks = std::fs::read_to_string(&options.output_csv).expect("written above");
        assert!(ranks.lines().skip(1).all(|line| line.ends_with(",1.5")), "{ranks}");
    }
}
