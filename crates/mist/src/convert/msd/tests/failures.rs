use super::*;

fn shown(failures: &[CaseFailure], folders: &Folders) -> String {
    let texts: Vec<String> = failures.iter().map(CaseFailure::to_string).collect();
    texts.join("\n").replace(&folders.root.path().display().to_string(), "data")
}

#[test]
fn bad_cases_are_left_out_whole_and_the_others_converted() {
    let folders = Folders::new();
    for id in ["good", "no_image", "other_size", "flat_mask", "volumes", "broken", "text"] {
        folders.image(&format!("imagesTr/{id}.nii.gz"), [4, 3, 2], 1);
        folders.image(&format!("labelsTr/{id}.nii.gz"), [4, 3, 2], 0);
    }
    folders.image("imagesTr/no_mask.nii.gz", [4, 3, 2], 1);
    fs::remove_file(folders.source().join("imagesTr/no_image.nii.gz")).expect("removed");
    folders.image("labelsTr/other_size.nii.gz", [4, 3, 3], 0);
    fs::remove_file(folders.source().join("labelsTr/flat_mask.nii.gz")).expect("removed");
    series(&folders.source().join("labelsTr/flat_mask.nii"), [4, 3, 2], 2, None);
    fs::remove_file(folders.source().join("imagesTr/volumes.nii.gz")).expect("removed");
    series(&folders.source().join("imagesTr/volumes.nii"), [4, 3, 2], 3, None);
    let broken = folders.source().join("imagesTr/broken.nii.gz");
    fs::write(&broken, &fs::read(&broken).expect("reads")[..30]).expect("written");
    fs::write(folders.source().join("imagesTr/text.nii.gz"), "this is not an image ".repeat(40)).expect("written");
    let ids = ["no_image", "no_mask", "other_size", "flat_mask", "volumes", "broken", "text", "good"];
    folders.describe(&one_channel(json!(ids.map(|id| format!("imagesTr/{id}.nii.gz")))));

    let failures = folders.convert().expect("the good case converts");
    assert_eq!(folders.written(), ["dataset.json", "raw/train/good/CT.nii.gz", "raw/train/good/mask.nii.gz"]);
    insta::assert_snapshot!(shown(&failures, &folders), @r"
    no_image: failed while looking for its file in data/source/imagesTr: there is no no_image.nii.gz and no no_image.nii
    no_mask: failed while looking for its file in data/source/labelsTr: there is no no_mask.nii.gz and no no_mask.nii
    other_size: failed while reading data/source/labelsTr/other_size.nii.gz: the mask has [4, 3, 3] voxels and its image [4, 3, 2]
    flat_mask: failed while reading data/source/labelsTr/flat_mask.nii: the mask has [4, 3, 2, 2] voxels and its image [4, 3, 2]
    volumes: failed while reading data/source/imagesTr/volumes.nii: the image has 3 volumes, and the description lists one channel
    broken: failed while reading data/source/imagesTr/broken.nii.gz: the gzip stream is damaged after 0 decompressed bytes: incomplete deflate stream
    text: failed while reading data/source/imagesTr/text.nii.gz: this is not a NIfTI file (a header begins with its length, 348 or 540)
    ");
}

#[test]
fn bad_4d_images_fail_alone() {
    let folders = Folders::new();
    for (id, volumes) in [("good", 2), ("one", 2), ("few", 2), ("cut", 2), ("many", 3)] {
        series(&folders.source().join(format!("imagesTr/{id}.nii")), [4, 3, 2], volumes, None);
        folders.image(&format!("labelsTr/{id}.nii.gz"), [4, 3, 2], 0);
    }
    fs::remove_file(folders.source().join("imagesTr/one.nii")).expect("removed");
    folders.image("imagesTr/one.nii", [4, 3, 2], 0);
    let cut = folders.source().join("imagesTr/cut.nii");
    let bytes = fs::read(&cut).expect("reads");
    fs::write(&cut, &bytes[..bytes.len() - 10]).expect("written");
    let mut description = one_channel(json!(["good", "one", "few", "cut", "many"]));
    description["modality"] = json!({"0": "FLAIR", "1": "T2"});
    folders.describe(&description);
    let failures = folders.convert().expect("the others convert");
    insta::assert_snapshot!(shown(&failures, &folders), @r"
    one: failed while reading data/source/imagesTr/one.nii: the image is 3D, and the description lists 2 channels
    cut: failed while reading data/source/imagesTr/cut.nii: the header declares 96 bytes of voxels, but the file holds only 86
    many: failed while reading data/source/imagesTr/many.nii: the image has 3 volumes, and the description lists none after channel 1
    ");
    assert_eq!(folders.written().len(), 1 + 2 * 3);

    description["modality"] = json!({"0": "FLAIR", "2": "T2"});
    description["training"] = json!(["few"]);
    folders.describe(&description);
    fs::remove_dir_all(folders.output()).expect("removed");
    let error = folders.convert().expect_err("nothing is left");
    let text = error.to_string().replace(&folders.root.path().display().to_string(), "data");
    insta::assert_snapshot!(text, @"no training case could be converted (data/source): 1 case failed; the first: few: failed while reading data/source/imagesTr/few.nii: the image has 2 volumes, and the description lists channel 2");
    assert!(folders.written().is_empty());
}

/// These are copied and not decoded; without a look at their bytes the damage would show in training.
#[test]
fn files_that_are_cut_off_are_not_copied() {
    let folders = Folders::new();
    for id in ["good", "image", "mask", "plain", "trailer"] {
        folders.image(&format!("imagesTr/{id}.nii.gz"), [20, 20, 20], 1);
        folders.image(&format!("labelsTr/{id}.nii.gz"), [20, 20, 20], 0);
    }
    fs::remove_file(folders.source().join("imagesTr/plain.nii.gz")).expect("removed");
    folders.image("imagesTr/plain.nii", [20, 20, 20], 1);
    let cut = |name: &str, keep: fn(usize) -> usize| {
        let path = folders.source().join(name);
        let bytes = fs::read(&path).expect("reads");
        fs::write(&path, &bytes[..keep(bytes.len())]).expect("written");
    };
    cut("imagesTr/image.nii.gz", |length| length / 2);
    cut("labelsTr/mask.nii.gz", |length| length / 2);
    cut("imagesTr/plain.nii", |length| length - 1);
    cut("imagesTr/trailer.nii.gz", |length| length - 4);
    folders.describe(&one_channel(json!(["good", "image", "mask", "plain", "trailer"])));
    let failures = folders.convert().expect("the good case converts");
    let named: Vec<_> = failures.iter().map(|failure| (failure.id.as_str(), failure.stage.as_str())).collect();
    assert_eq!(named, [("image", "reading"), ("mask", "reading"), ("plain", "reading"), ("trailer", "reading")]);
    assert!(failures[1].file.as_ref().is_some_and(|file| file.ends_with("labelsTr/mask.nii.gz")));
    assert!(failures[2].reason.contains("15999"), "{}", failures[2]);
    assert_eq!(folders.written(), ["dataset.json", "raw/train/good/CT.nii.gz", "raw/train/good/mask.nii.gz"]);
}
