//! Rankings against those of the reference.

use super::*;
use crate::console::Silent;
use crate::golden;

fn options(folder: &Path, methods: usize, output: &Path) -> Options {
    Options {
        results: (0..methods).map(|method| folder.join(format!("results_{method}.csv"))).collect(),
        names: None,
        output_csv: output.join("tables/summary.csv"),
        detailed_csv: Some(output.join("tables/detailed.csv")),
        significance_csv: Some(output.join("tables/significance.csv")),
        direction_overrides: None,
        id_column: "id".to_owned(),
        holm: false,
    }
}

/// Names and numbers of a table; cells that are no number compare as text.
fn cells(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn tables_are_those_of_the_reference() {
    for case in golden::json("ranking/cases.json").as_array().unwrap() {
        let folder = golden::path("ranking").join(case["name"].as_str().unwrap());
        let output = tempfile::tempdir().unwrap();
        let mut options = options(&folder, case["n_strategies"].as_u64().unwrap() as usize, output.path());
        options.names = serde_json::from_value(case["names"].clone()).unwrap();
        options.direction_overrides = case["overrides"].as_str().map(|file| folder.join(file));
        if let Some(column) = case["extra_args"].as_array().unwrap().get(1) {
            options.id_column = column.as_str().unwrap().to_owned();
        }
        run(&options, &Silent).unwrap();
        let written = |name: &str| output.path().join("tables").join(name);
        for name in ["summary.csv", "detailed.csv"] {
            let [found, expected] = [written(name), folder.join(name)].map(|file| std::fs::read(file).unwrap());
            assert!(found == expected, "{name} of {case}");
        }
        let (found, expected) = (cells(&written("significance.csv")), cells(&folder.join("significance.csv")));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            match (found.parse::<f64>(), expected.parse::<f64>()) {
                // Sums of shares and of counts round differently.
                (Ok(found), Ok(expected)) => assert!((found - expected).abs() <= 1e-12, "{found} {expected}: {case}"),
                _ => assert_eq!(found, expected, "{case}"),
            }
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn columns_are_matched_by_name_and_tables_called_after_their_folders() {
    let folder = tempfile::tempdir().unwrap();
    let first = "id,a_dice,a_haus95\n1,0.9,3.0\n2,0.8,4.0\nMean,0.85,3.5\nStd,0,0\n25th Percentile,0,0\nMedian,0,0\n75th Percentile,0,0\n";
    write(folder.path(), "one/results.csv", first);
    write(folder.path(), "two/results.csv", "id,a_haus95,a_dice\n2,5.0,0.7\n1,2.0,0.8\n");
    let mut options = options(folder.path(), 0, folder.path());
    options.results = ["one", "two"].map(|name| folder.path().join(name).join("results.csv")).to_vec();
    run(&options, &Silent).unwrap();
    let detailed = std::fs::read_to_string(folder.path().join("tables/detailed.csv")).unwrap();
    assert_eq!(detailed, "strategy,a_dice,a_haus95\none,1.0,1.5\ntwo,2.0,1.5\n");

    options.holm = true;
    run(&options, &Silent).unwrap();
    let corrected = cells(&folder.path().join("tables/significance.csv"));
    options.holm = false;
    run(&options, &Silent).unwrap();
    let plain = cells(&folder.path().join("tables/significance.csv"));
    // One difference is 0, the other is not: 1/2 against 1.
    assert_eq!(plain[1], ["one", "", "0.5"]);
    assert_eq!(corrected[1], ["one", "", "1.0"]);
}

#[test]
fn tables_that_cannot_be_compared_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |second: &str| {
        write(folder.path(), "results_0.csv", "id,a_dice\n1,0.9\n2,0.8\n");
        write(folder.path(), "results_1.csv", second);
        run(&options(folder.path(), 2, folder.path()), &Silent).unwrap_err().to_string()
    };
    assert!(refusal("id,a_dice\n1,0.9\n3,0.8\n").contains("it lacks 2, and has 3 that"));
    assert!(refusal("id,b_dice\n1,0.9\n2,0.8\n").contains("it lacks a_dice, and has b_dice that"));
    assert!(refusal("id,a_dice\n1,0.9\n2,\n").contains("`a_dice` of the case 2 is \"\""));
    assert!(refusal("id,a_dice\n1,0.9\n1,0.9\n").contains("the id `1` is listed twice"));
    assert!(refusal("id,a_dice\nMean,0.9\n").contains("the table has no case"));
    assert!(refusal("id\n1\n2\n").contains("the table has no scores"));
    assert!(!folder.path().join("tables").exists());
    let one = options(folder.path(), 1, folder.path());
    assert!(run(&one, &Silent).unwrap_err().to_string().contains("two or more tables"));
    let mut same_names = options(folder.path(), 2, folder.path());
    same_names.names = Some(vec!["a".into(), "a".into()]);
    assert!(run(&same_names, &Silent).unwrap_err().to_string().contains("the same"));
}
