use super::*;
use std::fs;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/pipeline").join(name)
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.csv");
    fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn golden_tables_are_written_byte_for_byte() {
    let (_folder, copy) = file("");
    for name in ["hippocampus/results/train_paths.csv", "mr4/results/train_paths.csv"] {
        TrainPaths::read(&golden(name)).expect("reads").write(&copy).expect("writes");
        assert_eq!(fs::read(&copy).expect("reads"), fs::read(golden(name)).expect("reads"), "{name}");
    }
    for name in ["hippocampus/results/fg_bboxes.csv", "mr4/results/fg_bboxes.csv"] {
        BoundingBoxes::read(&golden(name)).expect("reads").write(&copy).expect("writes");
        assert_eq!(fs::read(&copy).expect("reads"), fs::read(golden(name)).expect("reads"), "{name}");
    }
}

#[test]
fn values_are_those_of_the_table() {
    let table = TrainPaths::read(&golden("mr4/results/train_paths.csv")).expect("reads");
    assert_eq!(table.images, ["t1n", "t1c", "t2f", "t2w"]);
    assert_eq!((table.cases[1].id.as_str(), table.cases[1].fold), ("d", 0));
    assert_eq!(table.cases[1].images[2], Path::new("raw/train/d/d-t2f.nii.gz"));
    let boxes = BoundingBoxes::read(&golden("mr4/results/fg_bboxes.csv")).expect("reads");
    let expected = CaseBox { id: "d".into(), start: [0, 0, 2], end: [55, 47, 39], original_size: [56, 48, 40] };
    assert_eq!(boxes.of("d"), Some(&expected));
    assert_eq!(boxes.of("zz"), None);
}

#[test]
fn ids_are_text() {
    let text = "id,fold,mask,ct\n001,0,m,i\n1.10,1,m,i\nNA,2,m,i\n1e5,3,m,i\n\"a, \"\"b\"\"\",4,m,i\n";
    let (_folder, path) = file(text);
    let table = TrainPaths::read(&path).expect("reads");
    let ids: Vec<&str> = table.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["001", "1.10", "NA", "1e5", "a, \"b\""]);
    table.write(&path).expect("writes");
    assert_eq!(fs::read_to_string(&path).expect("reads"), text);
}

#[test]
fn errors_name_the_line_that_an_editor_shows() {
    let (_folder, path) = file("id,fold,mask,ct\n\n\"a\nb\",0,m,i\n\nc,one,m,i\n");
    let error = TrainPaths::read(&path).expect_err("a fold that is no number");
    assert!(error.to_string().contains("line 6: `fold` is \"one\""), "{error}");
}

/// Edited in a spreadsheet: byte order mark, CRLF, moved columns, folds as floats, an image missing.
#[test]
fn an_edited_table_is_understood() {
    let (_folder, path) = file("\u{feff}t1,fold,id,t2,mask\r\na1,5.0,a,,am\r\nb1,0,b,b2,bm\r\n");
    let table = TrainPaths::read(&path).expect("reads");
    assert_eq!(table.images, ["t1", "t2"]);
    assert_eq!(table.cases[0].fold, 5);
    assert_eq!(table.cases[0].images, [Path::new("a1"), Path::new("")]);
    assert_eq!(table.cases[1].mask, Path::new("bm"));
    let images = TestPaths::read(&path).expect("a training table can be predicted");
    assert_eq!(images.images, ["t1", "t2"]);
    assert_eq!(images.cases[1].images, [Path::new("b1"), Path::new("b2")]);
}

#[test]
fn test_and_evaluation_tables_round_trip() {
    let (_folder, path) = file("");
    let test = TestPaths {
        images: vec!["t1".into()],
        cases: vec![TestCase { id: "01".into(), images: vec!["/data/01, t1.nii.gz".into()] }],
    };
    test.write(&path).expect("writes");
    assert_eq!(fs::read_to_string(&path).expect("reads"), "id,t1\n01,\"/data/01, t1.nii.gz\"\n");
    assert_eq!(TestPaths::read(&path).expect("reads"), test);
    let case = EvaluationCase { id: "01".into(), mask: "/m.nii".into(), prediction: "/p.nii".into() };
    let evaluation = EvaluationPaths { cases: vec![case] };
    evaluation.write(&path).expect("writes");
    assert_eq!(fs::read_to_string(&path).expect("reads"), "id,mask,prediction\n01,/m.nii,/p.nii\n");
    assert_eq!(EvaluationPaths::read(&path).expect("reads"), evaluation);
    EvaluationPaths::default().write(&path).expect("writes");
    assert_eq!(EvaluationPaths::read(&path).expect("a header alone is a table"), EvaluationPaths::default());
}

#[test]
fn errors_name_line_column_and_value() {
    let cases = [
        "id,fold,mask,ct\na,0,m,i\nb,one,m,i\n",
        "id,fold,mask,ct\na,-1,m,i\n",
        "id,fold,mask,ct\n../a,0,m,i\n",
        "id,fold,mask,ct\n,0,m,i\n",
        "id,fold,mask,ct\na,0,m,i\na,1,m,i\n",
        "id,folds,mask,ct\na,0,m,i\n",
        "id,fold,mask,ct,ct\na,0,m,i,i\n",
        "",
    ];
    let mut texts = Vec::new();
    for text in cases {
        let (folder, path) = file(text);
        let error = TrainPaths::read(&path).expect_err(text);
        texts.push(error.to_string().replace(&folder.path().display().to_string(), "results"));
        texts.extend(error.advice().map(|hint| format!("  hint: {hint}")));
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    line 3: `fold` is "one" (results/table.csv): it must be a whole number, 0 or more
    line 2: `fold` is "-1" (results/table.csv): it must be a whole number, 0 or more
    line 2: `id` is "../a" (results/table.csv): it must be a name without slashes, not empty
    line 2: `id` is "" (results/table.csv): it must be a name without slashes, not empty
    the id `a` is listed twice (results/table.csv)
    the table has no column `fold` (results/table.csv): its columns are id, folds, mask, ct
      hint: is `folds` meant to be `fold`?
    two columns are named `ct` (results/table.csv)
    the table is empty (results/table.csv): it has no header line
    "#);
    let (_folder, path) = file("id,fold,mask,ct\na,0,m\n");
    let text = TrainPaths::read(&path).expect_err("a short row").to_string();
    assert!(text.contains("line: 2") && text.contains("3 fields"), "{text}");
}

#[test]
fn boxes_lie_within_their_images() {
    let (folder, path) =
        file("x_start,x_end,y_start,y_end,z_start,z_end,x_og_size,y_og_size,z_og_size,id\n0,34,0,51,0,33,35,51,34,a\n");
    let error = BoundingBoxes::read(&path).expect_err("y ends outside").to_string();
    let text = error.replace(&folder.path().display().to_string(), "results");
    insta::assert_snapshot!(text, @"the box of `a` does not lie within its image (results/table.csv): [0, 0, 0] to [34, 51, 33] in [35, 51, 34] voxels");
}

#[test]
fn files_are_found_under_the_spelling_of_the_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let touch = |name: &str| fs::write(folder.path().join(name), b"").expect("written");
    let files = |ids: &[&str]| CaseFiles::new(ids.iter().map(|id| id.to_string()));
    let found = |files: &CaseFiles, id: &str| {
        let path = files.find(folder.path(), id, ".npy");
        path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned()
    };
    touch("1.npy");
    touch("1.1.npy");
    touch("3.0.npy");
    let numeric = files(&["001", "1.10", "3", "x1"]);
    assert_eq!(found(&numeric, "001"), "1.npy");
    assert_eq!(found(&numeric, "1.10"), "1.1.npy");
    assert_eq!(found(&numeric, "3"), "3.0.npy");
    assert_eq!(found(&numeric, "x1"), "x1.npy");
    touch("001.npy");
    assert_eq!(found(&numeric, "001"), "001.npy", "the exact name wins");
    assert_eq!(found(&files(&["01", "1"]), "01"), "01.npy", "never the file of another case");
}

#[test]
fn failures_are_kept_word_for_word_and_forgotten_when_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = LeftOut::file(folder.path());
    assert_eq!(LeftOut::read(&path).unwrap(), []);
    let failure = |id: &str, file: Option<&str>| crate::error::CaseFailure {
        id: id.into(),
        stage: "reading".into(),
        file: file.map(Into::into),
        reason: "it says \"no\", twice,\nand ends".into(),
    };
    let failures = [failure("001", Some("/scans/a, b.nii.gz")), failure("NA", None)];
    LeftOut::write(&path, &failures).unwrap();
    assert_eq!(LeftOut::read(&path).unwrap(), failures);
    LeftOut::write(&path, &[]).unwrap();
    assert!(!path.exists());
}
