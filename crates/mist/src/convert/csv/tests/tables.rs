//! Tables that are wrong as a whole: an error before anything is written.

use super::*;

#[test]
fn wrong_columns_are_named() {
    let headers = [
        "id,mask",
        "mask,id,t1",
        "ID,mask,t1",
        "id,t1,mask",
        "id;mask;t1",
        "id,mask,t1,t1",
        "id,mask,t1,",
        "id,mask,a/b",
        "id,mask,a\\b",
        "id,mask,..",
        "id,mask,.t1",
        "id,mask,fold",
        "id,mask,t1,ct1",
        "id,mask,brainmask",
    ];
    let mut texts = Vec::new();
    for header in headers {
        let folders = Folders::with_scans();
        let row = vec!["a"; header.split(',').count()].join(",");
        folders.table("train.csv", &[header, &row]);
        texts.push(folders.error());
        assert!(!folders.output().exists(), "{header}");
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    the columns must be id, mask and one per channel, in this order (ROOT/data/train.csv): they are id, mask
    the columns must be id, mask and one per channel, in this order (ROOT/data/train.csv): they are mask, id, t1
    the columns must be id, mask and one per channel, in this order (ROOT/data/train.csv): they are ID, mask, t1
    the columns must be id, mask and one per channel, in this order (ROOT/data/train.csv): they are id, t1, mask
    the columns must be id, mask and one per channel, in this order (ROOT/data/train.csv): they are id;mask;t1
    two columns are named `t1` (ROOT/data/train.csv)
    column 4 is "" (ROOT/data/train.csv): it must be the name of a channel, which cannot be empty
    column 3 is "a/b" (ROOT/data/train.csv): it must be a name that can be a file name
    column 3 is "a\b" (ROOT/data/train.csv): it must be a name that can be a file name
    column 3 is ".." (ROOT/data/train.csv): it must be a name that can be a file name
    column 3 is ".t1" (ROOT/data/train.csv): it must be a name that does not begin with a dot, which would hide its files
    column 3 is "fold" (ROOT/data/train.csv): it must be a channel name other than id, fold and mask, which name other columns
    the channels are t1, ct1 (ROOT/data/train.csv): they must be names whose files can be told apart; t1.nii.gz is part of ct1.nii.gz
    the channels are brainmask (ROOT/data/train.csv): they must be names whose files can be told apart; mask.nii.gz is part of brainmask.nii.gz
    "#);
}

#[test]
fn a_test_table_has_the_channels_of_the_training_table() {
    let headers = ["id", "t1,t2", "Id,t1,t2", "id,t1", "id,t1,t2,t3", "id,t1,T2", "id,mask,t1,t2"];
    let mut texts = Vec::new();
    for header in headers {
        let folders = Folders::with_scans();
        folders.table("train.csv", &["id,mask,t1,t2", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz,scans/a_t2.nii.gz"]);
        folders.table("test.csv", &[header]);
        texts.push(folders.error());
        assert!(!folders.output().exists(), "{header}");
    }
    insta::assert_snapshot!(texts.join("\n"), @r"
    the columns must be id, t1, t2, in this order (ROOT/data/test.csv): they are id
    the columns must be id, t1, t2, in this order (ROOT/data/test.csv): they are t1, t2
    the columns must be id, t1, t2, in this order (ROOT/data/test.csv): they are Id, t1, t2
    the tables have different channels (ROOT/data/test.csv): the test table has t1, the training table has t1, t2
    the tables have different channels (ROOT/data/test.csv): the test table has t1, t2, t3, the training table has t1, t2
    the tables have different channels (ROOT/data/test.csv): the test table has t1, T2, the training table has t1, t2
    the tables have different channels (ROOT/data/test.csv): the test table has mask, t1, t2, the training table has t1, t2
    ");
}

#[test]
fn ids_are_names_of_folders_and_differ() {
    let folders = Folders::with_scans();
    let rows = ["id,mask,t1", "a,m,i", ",m,i", "b/c,m,i", "..,m,i", ".b,m,i", "01,m,i", "1,m,i", "a,m,i", "01,m,i"];
    folders.table("train.csv", &rows);
    let error = folders.convert().expect_err("wrong ids");
    insta::assert_snapshot!(folders.plain(&error.to_string()), @r#"ids of the table are wrong (ROOT/data/train.csv): line 3: the id is empty; line 4: "b/c" cannot be the name of a folder that is not hidden; line 5: ".." cannot be the name of a folder that is not hidden; line 6: ".b" cannot be the name of a folder that is not hidden; line 9: a is also on line 2; line 10: 01 is also on line 7"#);
    assert_eq!(error.advice(), Some("every row needs an id of its own"));

    let rows: Vec<String> = ["id,mask,t1".to_owned()].into_iter().chain((0..30).map(|_| ",m,i".to_owned())).collect();
    folders.table("train.csv", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(folders.error().ends_with("line 21: the id is empty; and 10 more"));

    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    folders.table("test.csv", &["id,t1", "b,scans/b_t1.nii.gz", "b,scans/b_t1.nii.gz"]);
    assert_eq!(folders.error(), "ids of the table are wrong (ROOT/data/test.csv): line 3: b is also on line 2");
    assert!(!folders.output().exists());
}

#[test]
fn tables_that_are_missing_broken_or_empty_are_named() {
    let folders = Folders::with_scans();
    assert_eq!(folders.error(), "there is no such table (ROOT/data/train.csv)");
    folders.table("train.csv", &["id,mask,t1"]);
    assert_eq!(folders.error(), "the table lists no case (ROOT/data/train.csv)");
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz"]);
    assert!(folders.error().starts_with("cannot read the table (ROOT/data/train.csv): "));
    fs::write(folders.path("data/train.csv"), b"id,mask,t1\na,\xff,b\n").expect("written");
    assert!(folders.error().starts_with("cannot read the table (ROOT/data/train.csv): "));

    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    let options = Options { test_csv: Some(folders.path("data/nowhere.csv")), ..folders.options() };
    let error = run(&options, &mist_nn::Registry::builtin(), &Silent).expect_err("no test table");
    assert_eq!(folders.plain(&error.to_string()), "there is no such table (ROOT/data/nowhere.csv)");
    assert!(!folders.output().exists());
}
