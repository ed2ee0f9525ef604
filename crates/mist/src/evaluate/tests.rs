//! The stage as a whole, from files to files.

use super::*;
use crate::console::Silent;
use crate::tables::{EvaluationCase, LeftOut};
use mist_metrics::metric;
use mist_volume::{Geometry, Volume, nifti};
use std::path::Path;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/metrics")
}

/// The golden cases with absolute paths.
fn golden_cases() -> Vec<EvaluationCase> {
    let folder = golden().join("evaluator");
    let mut cases = EvaluationPaths::read(&folder.join("paths.csv")).unwrap().cases;
    for case in &mut cases {
        case.mask = folder.join(&case.mask);
        case.prediction = folder.join(&case.prediction);
    }
    cases
}

/// With nothing special about them.
fn options(config: PathBuf, input: Input, output_csv: PathBuf) -> Options {
    let missing = Missing::LeaveOut;
    Options { config, input, output_csv, workers: 2, validate: false, missing, max_memory: None }
}

/// Of two cases at a time.
fn job<'a>(evaluation: &'a crate::config::Evaluation, cases: &'a [EvaluationCase]) -> Job<'a> {
    let (checks, missing, memory) = (Checks::default(), Missing::LeaveOut, Allowance::Unknown);
    Job { evaluation, cases, workers: 2, checks, missing, memory }
}

/// An evaluation section in a file of its own.
fn section(folder: &Path, json: &str) -> PathBuf {
    let path = folder.join("section.json");
    std::fs::write(&path, json).unwrap();
    path
}

fn write_mask(path: &Path, origin: [f64; 3], voxels: Vec<f32>) {
    let geometry = Geometry { origin, ..Geometry::axis_aligned([2, 2, 2], [1.0, 1.0, 2.0]) };
    nifti::write(path, &Volume::new(geometry, voxels).unwrap()).unwrap();
}

#[test]
fn the_reference_run_is_repeated_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("paths.csv");
    EvaluationPaths { cases: golden_cases() }.write(&table).unwrap();
    let config = golden().join("evaluator/config.json");
    let options = options(config, Input::Csv(table), folder.path().join("new/folder/results.csv"));
    let failures = run(&options, &Registry::builtin(), &Silent).unwrap();
    let [failure] = &failures[..] else { panic!("one case has another header: {failures:?}") };
    assert_eq!(failure.id, "case_6");
    assert!(failure.reason.starts_with("mask and prediction do not share a grid: "), "{failure}");
    let found = std::fs::read_to_string(&options.output_csv).unwrap();
    let expected = std::fs::read_to_string(golden().join("evaluator/results.csv")).unwrap();
    assert_eq!(found, expected);
    assert_eq!(LeftOut::read(&folder.path().join("new/folder/failures.csv")).unwrap(), failures);
}

#[test]
fn results_do_not_depend_on_the_number_of_workers_or_the_memory() {
    let file = EvaluationFile::load(&golden().join("evaluator/config.json")).unwrap();
    let checks = Checks { known_labels: file.known_labels, ignore_label: None, validate: true };
    let cases = golden_cases();
    let with = |workers, memory| {
        let job = Job { workers, checks: checks.clone(), memory, ..job(&file.evaluation, &cases) };
        evaluate_table(&job, &Silent).unwrap()
    };
    let one = with(1, Allowance::Unknown);
    assert_eq!(one.rows.len(), 6);
    assert_eq!(with(3, Allowance::Unknown), one);
    assert_eq!(with(100, Allowance::Given(1e12)), one);
    assert_eq!(with(3, Allowance::Given(2e7)), one, "one after another, since each may need all of it");
}

#[test]
fn summaries_are_those_of_the_reference_with_missing_cells_too() {
    let mut reader = csv::Reader::from_path(golden().join("stats_input.csv")).unwrap();
    let columns = reader.headers().unwrap().iter().skip(1).map(str::to_owned).collect();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let cells = record.iter().skip(1).map(|cell| (!cell.is_empty()).then(|| cell.parse().unwrap()));
        (record[0].to_owned(), cells.collect())
    });
    let report = EvaluationReport { columns, rows: rows.collect(), failures: Vec::new() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.csv");
    write_results_csv(&report, &path).unwrap();
    let expected = std::fs::read_to_string(golden().join("stats_expected.csv")).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn two_folders_are_paired_and_what_has_no_partner_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (masks, predictions) = (folder.path().join("masks"), folder.path().join("predictions"));
    create_folder(&masks).unwrap();
    create_folder(&predictions).unwrap();
    write_mask(&masks.join("a.nii.gz"), [0.0; 3], vec![1.0; 8]);
    write_mask(&predictions.join("a.nii.gz"), [0.0, 0.0, 5e-4], vec![1.0; 8]);
    write_mask(&predictions.join("b.nii.gz"), [0.0; 3], vec![1.0; 8]);
    let config = section(folder.path(), r#"{"all": {"labels": [1], "metrics": {"dice": {}, "haus95": {}}}}"#);
    let input = Input::Folders { masks, predictions };
    let options = Options { validate: true, ..options(config, input, folder.path().join("results.csv")) };
    let failures = run(&options, &Registry::builtin(), &Silent).unwrap();
    assert_eq!(failures.iter().map(|failure| failure.id.as_str()).collect::<Vec<_>>(), ["b"]);
    let found = std::fs::read_to_string(&options.output_csv).unwrap();
    assert!(found.starts_with("id,all_dice,all_haus95\na,1.0,0.0\nMean,1.0,0.0\nStd,0.0,0.0\n"), "{found}");
}

#[test]
fn every_way_in_which_a_case_can_fail_is_reported_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_mask(&file("mask.nii"), [0.0; 3], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    write_mask(&file("moved.nii"), [0.0, 0.01, 0.0], vec![1.0; 8]);
    write_mask(&file("odd.nii"), [0.0; 3], vec![1.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    write_mask(&file("half.nii"), [0.0; 3], vec![0.5; 8]);
    std::fs::write(file("text.nii"), "this is not an image").unwrap();
    let case = |id: &str, mask: &str, prediction: &str| EvaluationCase {
        id: id.into(),
        mask: file(mask),
        prediction: file(prediction),
    };
    let cases = [
        case("gone", "mask.nii", "gone.nii"),
        case("text", "text.nii", "mask.nii"),
        case("moved", "mask.nii", "moved.nii"),
        case("both", "half.nii", "odd.nii"),
        case("good", "mask.nii", "mask.nii"),
    ];
    let path = section(folder.path(), r#"{"all": {"labels": [1], "metrics": {"surf_dice": {"tolerance": 2}}}}"#);
    let evaluation = EvaluationFile::load(&path).unwrap().evaluation;
    let checks = Checks { validate: true, ..Checks::default() };
    let report = evaluate_table(&Job { checks, ..job(&evaluation, &cases) }, &Silent).unwrap();
    assert_eq!(report.columns, ["all_surf_dice"]);
    assert_eq!(report.rows, [("good".to_owned(), vec![Some(1.0)])]);
    let stages: Vec<_> = report.failures.iter().map(|failure| (failure.id.as_str(), failure.stage.as_str())).collect();
    let expected = [("gone", "pairing"), ("text", "reading"), ("moved", "comparing"), ("both", "validating")];
    assert_eq!(stages, expected);
    assert_eq!(report.failures[1].file, Some(file("text.nii")));
    assert!(report.failures[2].reason.contains("the origins differ by 0.0100 mm"), "{}", report.failures[2]);
    assert_eq!(
        report.failures[3].reason,
        "the mask has values that are not whole numbers, such as 0.5 | \
         the prediction has labels that no class of the evaluation has: 7"
    );
}

#[test]
fn what_cannot_be_compared_can_be_the_worst_but_only_if_that_is_the_predictions_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_mask(&file("mask.nii"), [0.0; 3], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    write_mask(&file("moved.nii"), [0.0, 0.01, 0.0], vec![1.0; 8]);
    std::fs::write(file("text.nii"), "this is not an image").unwrap();
    let cases =
        [("good", "mask", "mask"), ("gone", "mask", "gone"), ("moved", "mask", "moved"), ("text", "mask", "text")];
    let more = [("no_truth", "gone", "mask"), ("bad_truth", "text", "mask")];
    let cases: Vec<EvaluationCase> = (cases.into_iter().chain(more))
        .map(|(id, mask, prediction)| EvaluationCase {
            id: id.into(),
            mask: file(&format!("{mask}.nii")),
            prediction: file(&format!("{prediction}.nii")),
        })
        .collect();
    let path = section(folder.path(), r#"{"all": {"labels": [1], "metrics": {"dice": {}, "haus95": {}}}}"#);
    let evaluation = EvaluationFile::load(&path).unwrap().evaluation;
    let report = evaluate_table(&Job { missing: Missing::Worst, ..job(&evaluation, &cases) }, &Silent).unwrap();
    // The diagonal of 2 x 2 x 2 voxels of 1 x 1 x 2 mm.
    let worst = vec![Some(0.0), Some(24.0_f64.sqrt())];
    let row = |id: &str, values: &[Option<f64>]| (id.to_owned(), values.to_vec());
    let best = [Some(1.0), Some(0.0)];
    let expected = [row("good", &best), row("gone", &worst), row("moved", &worst), row("text", &worst)];
    assert_eq!(report.rows, expected);
    let failed: Vec<&str> = report.failures.iter().map(|failure| failure.id.as_str()).collect();
    assert_eq!(failed, ["gone", "moved", "text", "no_truth", "bad_truth"]);
    assert!(report.failures[0].reason.ends_with("there is no such prediction; every score of it is the worst"));
    assert!(!report.failures[4].reason.contains("worst"));
}

#[test]
fn a_case_for_which_there_is_too_little_memory_is_not_begun() {
    let cases = golden_cases();
    let file = EvaluationFile::load(&golden().join("evaluator/config.json")).unwrap();
    let job = Job { memory: Allowance::Given(1000.0), ..job(&file.evaluation, &cases) };
    let report = evaluate_table(&job, &Silent).unwrap();
    assert_eq!((report.rows.len(), report.failures.len()), (0, cases.len()));
    assert!(report.failures[0].reason.contains("--max-memory allows"), "{}", report.failures[0]);
}

#[test]
fn voxels_whose_label_is_ignored_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_mask(&file("mask.nii"), [0.0; 3], vec![1.0, 9.0, 0.0, 9.0, 0.0, 0.0, 0.0, 1.0]);
    write_mask(&file("prediction.nii"), [0.0; 3], vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let class = r#"{"all": {"labels": [1], "metrics": {"dice": {}}}}"#;
    let config = |training: &str| {
        let text = format!(r#"{{"dataset_info": {{"labels": [0, 1, 9]}}, {training} "evaluation": {class}}}"#);
        EvaluationFile::load(&section(folder.path(), &text)).unwrap()
    };
    let case = EvaluationCase { id: "a".into(), mask: file("mask.nii"), prediction: file("prediction.nii") };
    let dice = |file: EvaluationFile, validate| {
        let EvaluationFile { evaluation, known_labels, ignore_label, .. } = file;
        let checks = Checks { known_labels, ignore_label, validate };
        let job = Job { checks, ..job(&evaluation, std::slice::from_ref(&case)) };
        evaluate_table(&job, &Silent).unwrap().rows[0].1[0]
    };
    assert_eq!(dice(config(r#""training": {"ignore_label": 9},"#), true), Some(1.0));
    assert_eq!(dice(config(""), false), Some(0.8));
}

#[test]
fn without_a_good_case_there_is_an_error_and_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = section(folder.path(), r#"{"all": {"labels": [1], "metrics": {"dice": {}}}}"#);
    let nowhere = folder.path().join("nowhere.nii");
    let cases = vec![EvaluationCase { id: "a".into(), mask: nowhere.clone(), prediction: nowhere }];
    let table = folder.path().join("paths.csv");
    EvaluationPaths { cases }.write(&table).unwrap();
    let output_csv = folder.path().join("results.csv");
    std::fs::write(&output_csv, "of an earlier run").unwrap();
    let options = options(path, Input::Csv(table), output_csv);
    let error = run(&options, &Registry::builtin(), &Silent).unwrap_err();
    assert!(error.to_string().contains("1 of 1 cases failed; nothing was written"), "{error}");
    assert_eq!(std::fs::read_to_string(&options.output_csv).unwrap(), "of an earlier run");
    assert!(!folder.path().join("failures.csv").exists());
}

#[test]
fn folders_whose_files_cannot_be_paired_get_advice_for_their_layout() {
    let folder = tempfile::tempdir().unwrap();
    let (masks, predictions) = (folder.path().join("masks"), folder.path().join("predictions"));
    create_folder(&masks.join("001")).unwrap();
    create_folder(&predictions).unwrap();
    write_mask(&masks.join("001/mask.nii.gz"), [0.0; 3], vec![1.0; 8]);
    let config = section(folder.path(), r#"{"all": {"labels": [1], "metrics": {"dice": {}}}}"#);
    let input = Input::Folders { masks: masks.clone(), predictions: predictions.clone() };
    let options = options(config, input, folder.path().join("new/results.csv"));
    let advice = || {
        let error = run(&options, &Registry::builtin(), &Silent).unwrap_err();
        error.advice().unwrap_or_default().to_owned()
    };
    assert!(advice().contains("001/mask.nii.gz, are not paired; list them in a CSV file"), "no file: {}", advice());
    write_mask(&predictions.join("001.nii.gz"), [0.0; 3], vec![1.0; 8]);
    assert!(advice().contains("001/mask.nii.gz, are not paired; list them in a CSV file"), "no pair: {}", advice());
    std::fs::remove_dir_all(masks.join("001")).unwrap();
    write_mask(&masks.join("001_truth.nii.gz"), [0.0; 3], vec![1.0; 8]);
    assert!(advice().contains("paired by their names"), "other names: {}", advice());
    assert!(!folder.path().join("new").exists());
}

#[test]
fn a_bad_section_is_an_error_before_any_case_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("paths.csv");
    std::fs::write(&table, "id,mask,prediction\na,nowhere.nii,nowhere.nii\n").unwrap();
    let error = |json: &str| {
        let input = Input::Csv(table.clone());
        let options = options(section(folder.path(), json), input, folder.path().join("results.csv"));
        run(&options, &Registry::builtin(), &Silent).unwrap_err()
    };
    let unknown = error(r#"{"all": {"labels": [1], "metrics": {"haus59": {}}}}"#);
    assert!(unknown.to_string().contains("avg_surf, dice, haus95"), "names what is allowed: {unknown}");
    assert_eq!(unknown.advice(), Some("did you mean `haus95`?"));
    let parameter = error(r#"{"all": {"labels": [1], "metrics": {"surf_dice": {"tolerence": 2}}}}"#);
    assert!(parameter.to_string().contains("`all.metrics.surf_dice.tolerence` is not a known key"), "{parameter}");
    assert_eq!(parameter.advice(), Some("did you mean `tolerance`?"));
    let parameter = error(r#"{"all": {"labels": [1], "metrics": {"dice": {"tolerance": 2}}}}"#);
    assert!(parameter.to_string().contains("known here: none"), "{parameter}");
    assert!(error(r#"{"all": {"labels": [0], "metrics": {}}}"#).to_string().contains("above 0"));
    assert!(error("{}").to_string().contains("names no class"));
    let twice = r#"{"a": {"labels": [1], "metrics": {"lesion_wise_dice": {}}},
                    "a_lesion_wise": {"labels": [2], "metrics": {"dice": {}}}}"#;
    assert!(error(twice).to_string().contains("`a_lesion_wise_dice`"));
    assert!(!folder.path().join("results.csv").exists());
}

#[test]
fn the_config_allows_exactly_the_metrics_that_there_are() {
    let known: Vec<_> = crate::config::METRICS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, metric::names());
    for (name, parameters) in crate::config::METRICS {
        let metric = metric::find(name).unwrap();
        let declared: Vec<_> = metric.parameters.iter().map(|parameter| parameter.name).collect();
        assert_eq!(parameters, declared, "{name}");
    }
}
