//! Cells, and the files that they name.

use super::*;

/// All slips of both tables, before the first case is converted.
#[test]
fn all_missing_files_and_empty_cells_are_listed_before_anything_is_written() {
    let folders = Folders::with_scans();
    fs::create_dir(folders.path("data/scans/folder.nii.gz")).expect("made");
    folders.table(
        "train.csv",
        &[
            "id,mask,t1,t2",
            "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz,scans/a_t2.nii.gz",
            "c,scans/c_mask.nii.gz,,scans/a_t2.nii.gz",
            "d, ,scans/folder.nii.gz,/nowhere/t2.nii.gz",
            "e,scans/a_mask.nii.gz,scans/a_t1.nii.gz/below,scans/a_t2.nii.gz",
        ],
    );
    folders.table("test.csv", &["id,t2,t1", "f,scans/a_t2.nii.gz,scans/f_t1.nii.gz"]);
    let console = Recorder::default();
    let failures = folders.convert_with(&console).expect("the good case converts");
    insta::assert_snapshot!(folders.plain(&listed(&failures)), @r"
    c: failed while looking for the files in ROOT/data/train.csv: line 3, column `mask`: there is no file scans/c_mask.nii.gz in ROOT/data or HERE
    c: failed while looking for the files in ROOT/data/train.csv: line 3, column `t1`: the cell is empty
    d: failed while looking for the files in ROOT/data/train.csv: line 4, column `mask`: the cell is empty
    d: failed while looking for the files in ROOT/data/train.csv: line 4, column `t1`: scans/folder.nii.gz is not a file
    d: failed while looking for the files in ROOT/data/train.csv: line 4, column `t2`: there is no file /nowhere/t2.nii.gz
    e: failed while looking for the files in ROOT/data/train.csv: line 5, column `t1`: there is no file scans/a_t1.nii.gz/below in ROOT/data or HERE
    f: failed while looking for the files in ROOT/data/test.csv: line 2, column `t1`: there is no file scans/f_t1.nii.gz in ROOT/data or HERE
    ");
    assert_eq!(
        folders.written(),
        ["dataset.json", "raw/train/a/mask.nii.gz", "raw/train/a/t1.nii.gz", "raw/train/a/t2.nii.gz"]
    );
    let said = console.others();
    let shown: Vec<String> = failures.iter().map(CaseFailure::to_string).collect();
    assert_eq!(said[..shown.len()], shown, "said first");
    assert_eq!(said.last().map(String::as_str), Some("converted 1 training and 0 test cases"));
}

#[test]
fn nothing_is_written_where_no_training_case_has_its_files() {
    let folders = Folders::with_scans();
    folders.table("train.csv", &["id,mask,t1", "x,,", "y,scans/y.nii.gz,scans/a_t1.nii.gz"]);
    let console = Recorder::default();
    let error = folders.convert_with(&console).expect_err("no case");
    insta::assert_snapshot!(folders.plain(&error.to_string()), @"no training case could be converted (ROOT/data/train.csv): 2 cases failed; the first: x: failed while looking for the files in ROOT/data/train.csv: line 2, column `mask`: the cell is empty");
    assert_eq!(console.others().len(), 3);
    assert!(!folders.output().exists());
}

#[test]
fn relative_paths_are_looked_for_beside_the_table_and_then_in_the_working_directory() {
    let folders = Folders::new();
    // Tests run in the folder of the crate, where these are.
    let (scan, mask) = ("assets/hippocampus/imagesTr", "assets/hippocampus/labelsTr/hippocampus_015.nii.gz");
    let name = "hippocampus_015.nii.gz";
    folders.table("train.csv", &["id,mask,t1", &format!("a,{mask},{scan}/{name}")]);
    assert_eq!(folders.convert().expect("converts"), []);
    let converted = || fs::read(folders.output().join("raw/train/a/t1.nii.gz")).expect("reads");
    assert_eq!(converted(), fs::read(Path::new(scan).join(name)).expect("reads"));

    // The same name beside the table comes first.
    let beside = folders.path("data").join(scan);
    fs::create_dir_all(&beside).expect("made");
    fs::copy(Path::new(scan).join("hippocampus_036.nii.gz"), beside.join(name)).expect("copied");
    let folder = folders.path("data/assets/hippocampus/labelsTr");
    fs::create_dir_all(&folder).expect("made");
    let other_mask = Path::new("assets/hippocampus/labelsTr/hippocampus_036.nii.gz");
    fs::copy(other_mask, folder.join(name)).expect("copied");
    let mut options = folders.options();
    options.target.overwrite = true;
    assert_eq!(run(&options, &mist_nn::Registry::builtin(), &Silent).expect("converts"), []);
    assert_eq!(converted(), fs::read(beside.join(name)).expect("reads"));
}

/// As a spreadsheet saves it: byte order mark, CRLF, quotes, an empty line at the end.
#[test]
fn a_table_of_a_spreadsheet_is_understood() {
    let folders = Folders::with_scans();
    folders.image("scans/b, again.nii.gz", [4, 3, 2], 1);
    let text = "\u{feff}id,mask,t1\r\n007,scans/a_mask.nii.gz,scans/a_t1.nii.gz\r\n\
                \"8, new\",scans/b_mask.nii.gz,\"scans/b, again.nii.gz\"\r\n\r\n";
    fs::write(folders.path("data/train.csv"), text).expect("written");
    assert_eq!(folders.convert().expect("converts"), []);
    assert_eq!(
        folders.written(),
        [
            "dataset.json",
            "raw/train/007/mask.nii.gz",
            "raw/train/007/t1.nii.gz",
            "raw/train/8, new/mask.nii.gz",
            "raw/train/8, new/t1.nii.gz",
        ]
    );
}
