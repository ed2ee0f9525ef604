//! Scans that are wrong: their cases are left out whole.

use super::*;

#[test]
fn bad_cases_are_left_out_whole_and_the_others_converted() {
    let folders = Folders::with_scans();
    let scan = |name: &str| folders.path("data/scans").join(name);
    folders.image("scans/other.nii.gz", [4, 3, 3], 1);
    folders.image("scans/plain.nii", [4, 3, 2], 1);
    fs::write(scan("text.nii.gz"), "this is not an image ".repeat(40)).expect("written");
    let bytes = fs::read(scan("a_t1.nii.gz")).expect("reads");
    fs::write(scan("cut.nii.gz"), &bytes[..bytes.len() - 4]).expect("written");
    // A fourth axis of two: twice the voxels, and the header says so.
    let mut series = fs::read(scan("plain.nii")).expect("reads");
    series.extend_from_within(352..);
    series[40..42].copy_from_slice(&4i16.to_le_bytes());
    series[48..50].copy_from_slice(&2i16.to_le_bytes());
    fs::write(scan("series.nii"), series).expect("written");

    let row = |id: &str, files: [&str; 3]| {
        let files = files
            .map(|file| if file.contains('.') { format!("scans/{file}") } else { format!("scans/a_{file}.nii.gz") });
        format!("{id},{}", files.join(","))
    };
    let rows = [
        "id,mask,t1,t2".to_owned(),
        row("good", ["mask", "t1", "t2"]),
        row("mask_size", ["other.nii.gz", "t1", "t2"]),
        row("channel_size", ["mask", "t1", "other.nii.gz"]),
        row("flat_mask", ["series.nii", "t1", "t2"]),
        row("volumes", ["mask", "series.nii", "t2"]),
        row("text", ["mask", "t1", "text.nii.gz"]),
        row("cut", ["mask", "t1", "cut.nii.gz"]),
    ];
    folders.table("train.csv", &rows.each_ref().map(String::as_str));
    folders.table(
        "test.csv",
        &["id,t1,t2", "good,scans/b_t1.nii.gz,scans/b_t2.nii.gz", "cut,scans/a_t1.nii.gz,scans/cut.nii.gz"],
    );
    let failures = folders.convert().expect("the good case converts");
    insta::assert_snapshot!(folders.plain(&listed(&failures)), @r"
    mask_size: failed while reading ROOT/data/scans/other.nii.gz: the mask has [4, 3, 3] voxels and its image [4, 3, 2]
    channel_size: failed while reading ROOT/data/scans/other.nii.gz: t2 has [4, 3, 3] voxels and t1 [4, 3, 2]
    flat_mask: failed while reading ROOT/data/scans/series.nii: the mask has [4, 3, 2, 2] voxels and its image [4, 3, 2]
    volumes: failed while reading ROOT/data/scans/series.nii: the image has the dimensions [4, 3, 2, 2] instead of three
    text: failed while reading ROOT/data/scans/text.nii.gz: this is not a NIfTI file (a header begins with its length, 348 or 540)
    cut: failed while reading ROOT/data/scans/cut.nii.gz: the gzip stream is damaged after 400 decompressed bytes: unexpected end of file
    cut: failed while reading ROOT/data/scans/cut.nii.gz: the gzip stream is damaged after 400 decompressed bytes: unexpected end of file
    ");
    assert_eq!(
        folders.written(),
        [
            "dataset.json",
            "raw/test/good/t1.nii.gz",
            "raw/test/good/t2.nii.gz",
            "raw/train/good/mask.nii.gz",
            "raw/train/good/t1.nii.gz",
            "raw/train/good/t2.nii.gz",
        ]
    );
}

#[test]
fn a_conversion_without_a_good_training_case_fails() {
    let folders = Folders::with_scans();
    fs::write(folders.path("data/scans/a_t1.nii.gz"), b"").expect("written");
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    insta::assert_snapshot!(folders.error(), @"no training case could be converted (ROOT/data/train.csv): 1 case failed; the first: a: failed while reading ROOT/data/scans/a_t1.nii.gz: the file is empty");
    assert!(folders.written().is_empty());
}
