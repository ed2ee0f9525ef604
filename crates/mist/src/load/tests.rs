//! The loader on files: what comes out, and what it says about broken ones.

use super::augment::Switches;
use super::case::{CaseArrays, CaseFiles};
use super::loader::{Batch, Loader, LoaderSettings};
use super::testing::{CLASSES, Dataset, settings};
use std::time::{Duration, Instant};

const SIZES: [[usize; 3]; 5] = [[9, 10, 11], [6, 14, 8], [12, 5, 9], [8, 8, 8], [10, 9, 7]];

fn dataset(fortran: bool, channels: usize) -> (Dataset, Vec<CaseFiles>) {
    let dataset = Dataset::new(fortran);
    let case = |(i, size): (usize, &[usize; 3])| dataset.case(&format!("00{i}"), *size, channels, i);
    let files = SIZES.iter().enumerate().map(case).collect();
    (dataset, files)
}

fn open(files: &[CaseFiles]) -> Vec<CaseArrays> {
    files.iter().map(|files| CaseArrays::open(files.clone(), CLASSES).unwrap()).collect()
}

fn epoch(loader: &Loader, threads: usize) -> Vec<Batch> {
    loader.stream(3, 0, 8, threads).unwrap().map(Result::unwrap).collect()
}

#[test]
fn threads_memory_and_file_order_do_not_change_a_bit() {
    let (_c_order, c_files) = dataset(false, 2);
    let (_fortran_order, fortran_files) = dataset(true, 2);
    let reference = epoch(&Loader::new(open(&c_files), settings()).unwrap(), 0);
    assert_eq!(reference.len(), 8);
    let one_case = CaseArrays::open(c_files[0].clone(), CLASSES).unwrap().bytes();
    for files in [&c_files, &fortran_files] {
        for cache_bytes in [0, 2 * one_case, usize::MAX] {
            for threads in [1, 2, 4] {
                let loader = Loader::new(open(files), LoaderSettings { cache_bytes, ..settings() }).unwrap();
                assert!(epoch(&loader, threads) == reference, "{cache_bytes} bytes, {threads} threads");
            }
        }
    }
}

#[test]
fn a_stream_that_starts_later_continues_the_same_epoch() {
    let (_dataset, files) = dataset(false, 1);
    let loader = Loader::new(open(&files), settings()).unwrap();
    let whole = epoch(&loader, 1);
    let tail: Vec<Batch> = loader.stream(3, 5, 3, 2).unwrap().map(Result::unwrap).collect();
    assert!(tail == whole[5..]);
    assert!(loader.batch(3, 6).unwrap() == whole[6]);
    assert!(loader.batch(4, 6).unwrap() != whole[6]);
}

#[test]
fn a_pass_has_every_case_once_and_ends_with_a_short_batch() {
    let (_dataset, files) = dataset(false, 1);
    let loader = Loader::new(open(&files), settings()).unwrap();
    assert_eq!((loader.steps_per_epoch(0), loader.steps_per_epoch(250)), (3, 250));
    let batches = epoch(&loader, 1);
    assert_eq!(batches.iter().map(|batch| batch.ids.len()).collect::<Vec<_>>(), [2, 2, 1, 2, 2, 1, 2, 2]);
    let mut ids: Vec<&String> = batches[3..6].iter().flat_map(|batch| &batch.ids).collect();
    ids.sort();
    assert_eq!(ids, ["000", "001", "002", "003", "004"]);
    assert_eq!(batches[2].images.len(), 6 * 7 * 8);
    assert_eq!((batches[2].size, batches[2].channels), ([6, 7, 8], 1));
}

#[test]
fn patches_are_boxes_of_their_case_with_zeros_beyond_its_ends() {
    let (_dataset, files) = dataset(false, 2);
    let plain = LoaderSettings { augmentation: Switches::NONE, foreground_probability: 1.0, ..settings() };
    let volumes: Vec<_> = open(&files).iter().map(|arrays| arrays.read().unwrap().0).collect();
    let loader = Loader::new(open(&files), plain).unwrap();
    for batch in epoch(&loader, 0) {
        for (sample, id) in batch.ids.iter().enumerate() {
            let case = (0..loader.cases()).find(|case| loader.id(*case) == id).unwrap();
            let volume = &volumes[case];
            let image = &batch.images[sample * 6 * 7 * 8 * 2..][..6 * 7 * 8 * 2];
            let label = &batch.labels[sample * 6 * 7 * 8..][..6 * 7 * 8];
            // The value of the first voxel tells where the patch lies.
            let first = (image[0] as usize - 1 - case * 100_000) / 2;
            let [_, height, width] = volume.size;
            let anchor = [first / (height * width), first / width % height, first % width];
            for i in 0..6 * 7 * 8 {
                let at = [anchor[0] + i / 56, anchor[1] + i / 8 % 7, anchor[2] + i % 8];
                if (0..3).all(|axis| at[axis] < volume.size[axis]) {
                    let voxel = (at[0] * height + at[1]) * width + at[2];
                    assert_eq!(image[2 * i..2 * i + 2], volume.image[2 * voxel..2 * voxel + 2]);
                    assert_eq!(label[i], volume.label[voxel]);
                } else {
                    assert_eq!((image[2 * i], image[2 * i + 1], label[i]), (0.0, 0.0, 0));
                }
            }
            assert!(label.iter().any(|class| *class > 0), "{id}");
        }
    }
}

#[test]
fn distance_maps_come_along_and_are_mirrored_with_the_image() {
    let dataset = Dataset::new(true);
    let size = [6, 7, 8];
    for i in 0..3 {
        dataset.case(&i.to_string(), size, 1, 0);
        dataset.distances(&i.to_string(), size);
    }
    let files: Vec<CaseFiles> =
        (0..3).map(|i| CaseFiles::in_folder(dataset.folder.path(), &i.to_string(), true)).collect();
    let only_moves = Switches { zoom: true, flips: true, ..Switches::NONE };
    let mut mirrored = 0;
    for cache_bytes in [0, usize::MAX] {
        let settings = LoaderSettings { augmentation: only_moves, cache_bytes, ..settings() };
        let loader = Loader::new(open(&files), settings).unwrap();
        for batch in epoch(&loader, 1) {
            let distances = batch.distances.unwrap();
            for (voxel, value) in batch.images.iter().enumerate() {
                for class in 0..CLASSES {
                    // The image counts voxels from 1: it and the maps must have moved together, and not been resampled.
                    assert_eq!(distances[voxel * CLASSES + class], value - 1.0 + class as f32 / 4.0);
                }
            }
            mirrored += usize::from(batch.images[0] != 1.0);
        }
    }
    assert!(mirrored > 4);
}

#[test]
fn whole_volumes_are_the_arrays_as_they_are() {
    let (_dataset, files) = dataset(true, 2);
    for (case, arrays) in open(&files).iter().enumerate() {
        let (volume, _) = arrays.read().unwrap();
        assert_eq!((volume.size, volume.channels, volume.id.as_str()), (SIZES[case], 2, arrays.id()));
        let expected: Vec<f32> = (0..volume.image.len()).map(|i| (case * 100_000 + i + 1) as f32).collect();
        assert_eq!(volume.image, expected);
        assert_eq!(volume.label.iter().filter(|class| **class == 2).count(), 1);
    }
}

#[test]
fn dropping_a_stream_stops_its_threads() {
    let (_dataset, files) = dataset(false, 1);
    let loader = Loader::new(open(&files), settings()).unwrap();
    let start = Instant::now();
    for threads in [0, 1, 3] {
        let mut stream = loader.stream(0, 0, usize::MAX, threads).unwrap();
        stream.next().unwrap().unwrap();
        assert!(stream.waited() > Duration::ZERO);
    }
    drop(loader.stream(0, 0, 1000, 2).unwrap());
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// What the loader says about the case `broken` after something was done to it.
fn complaint(break_it: impl Fn(&Dataset), cache_bytes: usize) -> String {
    let dataset = Dataset::new(false);
    let good = dataset.case("good", [8, 8, 8], 1, 0);
    let broken = dataset.case("broken", [8, 8, 8], 1, 1);
    break_it(&dataset);
    let cases = match [good, broken].into_iter().map(|files| CaseArrays::open(files, CLASSES)).collect() {
        Ok(cases) => cases,
        Err(error) => return crate::Error::to_string(&error),
    };
    let loader = match Loader::new(cases, LoaderSettings { cache_bytes, batch_size: 1, ..settings() }) {
        Ok(loader) => loader,
        Err(error) => return error.to_string(),
    };
    let results = |threads| -> Vec<Result<Batch, String>> {
        loader.stream(0, 0, 10, threads).unwrap().map(|batch| batch.map_err(|error| error.to_string())).collect()
    };
    let in_process = results(0);
    assert!(in_process.len() <= 2, "a stream ends with its first error");
    assert!(results(3) == in_process, "the first error is that of the first step that fails");
    in_process.into_iter().find_map(Result::err).expect("the case is broken")
}

#[test]
fn broken_cases_are_named_with_their_file_and_what_is_wrong() {
    let path = |dataset: &Dataset, part: &str| dataset.folder.path().join(part).join("broken.npy");
    let truncate = |dataset: &Dataset, part: &str| {
        let bytes = std::fs::read(path(dataset, part)).unwrap();
        std::fs::write(path(dataset, part), &bytes[..bytes.len() - 5]).unwrap();
    };
    let put = |dataset: &Dataset, part: &str, offset_from_end: usize, bytes: &[u8]| {
        let mut content = std::fs::read(path(dataset, part)).unwrap();
        let at = content.len() - offset_from_end;
        content[at..at + bytes.len()].copy_from_slice(bytes);
        std::fs::write(path(dataset, part), content).unwrap();
    };
    for cache_bytes in [0, usize::MAX] {
        let check = |break_it: &dyn Fn(&Dataset), words: &[&str]| {
            let text = complaint(break_it, cache_bytes);
            for word in words.iter().chain(&["case broken", "broken.npy"]) {
                assert!(text.contains(word), "{word}: {text}");
            }
        };
        check(&|data| truncate(data, "images"), &["images"]);
        check(&|data| truncate(data, "labels"), &["labels"]);
        check(&|data| put(data, "images", 4, &f32::NAN.to_le_bytes()), &["(7, 7, 7)", "NaN", "images"]);
        check(&|data| put(data, "images", 8, &f32::INFINITY.to_le_bytes()), &["(7, 7, 6)", "inf"]);
        check(&|data| put(data, "labels", 9, &[7]), &["label 7", "(7, 6, 7)", "3 classes", "labels"]);
        check(&|data| std::fs::remove_file(path(data, "labels")).unwrap(), &["labels"]);
        check(&|data| std::fs::write(path(data, "labels"), b"not an array").unwrap(), &["labels"]);
        check(
            &|data| data.write("labels", "broken", "|u1", [8, 8, 7, 1], &[[0]; 8 * 8 * 7]),
            &["8 x 8 x 7", "8 x 8 x 8"],
        );
        check(&|data| data.write("labels", "broken", "|u1", [8, 8, 8, 2], &[[0]; 1024]), &["2 channels"]);
        check(&|data| data.write("images", "broken", "<f4", [8, 8, 8, 2], &[[0; 4]; 1024]), &["2 channels"]);
        check(&|data| data.write("images", "broken", "<c8", [8, 8, 8, 1], &[[0; 8]; 512]), &["images"]);
        check(
            &|data| data.write("labels", "broken", "<f4", [8, 8, 8, 1], &[0.5f32.to_le_bytes(); 512]),
            &["0.5", "labels"],
        );
    }
}

/// Distances come from the mask, so no image is at fault.
#[test]
fn a_bad_distance_is_an_error_with_the_command_that_makes_it_anew() {
    let dataset = Dataset::new(false);
    dataset.case("a", [2, 2, 2], 1, 1);
    let files = dataset.distances("a", [2, 2, 2]);
    let open = || CaseArrays::open(files.clone(), CLASSES).unwrap();
    open().check().unwrap();
    dataset.write("dtms", "a", "<f4", [2, 2, 2, CLASSES], &[f32::NAN.to_le_bytes(); 8 * CLASSES]);
    for error in [open().read().map(drop).unwrap_err(), open().check().map(drop).unwrap_err()] {
        assert!(error.to_string().contains("dtms"), "{error}");
        assert_eq!(
            error.advice(),
            Some("make the distance maps again with `mist preprocess --compute-dtms --overwrite`")
        );
    }
}

#[test]
fn a_file_cut_short_during_training_is_an_error() {
    let (dataset, files) = dataset(false, 1);
    let loader = Loader::new(open(&files), settings()).unwrap();
    epoch(&loader, 1);
    let path = dataset.folder.path().join("images/002.npy");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200).unwrap();
    let error = loader.stream(4, 0, 3, 2).unwrap().find_map(Result::err).unwrap().to_string();
    assert!(error.contains("case 002") && error.contains("002.npy"), "{error}");
}

#[test]
fn impossible_settings_are_refused() {
    let (_dataset, files) = dataset(false, 1);
    let refuse = |settings: LoaderSettings| Loader::new(open(&files), settings).unwrap_err().to_string();
    assert!(refuse(LoaderSettings { patch_size: [0, 4, 4], ..settings() }).contains("0 x 4 x 4"));
    assert!(refuse(LoaderSettings { patch_size: [1 << 30; 3], ..settings() }).contains("cannot make batches"));
    assert!(refuse(LoaderSettings { batch_size: 0, ..settings() }).contains("0 patches"));
    assert!(refuse(LoaderSettings { foreground_probability: 1.5, ..settings() }).contains("1.5"));
    assert!(Loader::new(Vec::new(), settings()).is_err());
}

#[test]
fn rotation_and_elastic_deformation_are_refused_with_distance_maps() {
    let dataset = Dataset::new(false);
    dataset.case("a", [6, 7, 8], 1, 0);
    let files = [dataset.distances("a", [6, 7, 8])];
    let load = |augmentation| Loader::new(open(&files), LoaderSettings { augmentation, ..settings() });
    let spoiling = [
        ("rotation", Switches { rotation: true, ..Switches::NONE }),
        ("elastic", Switches { elastic: true, ..Switches::STANDARD }),
    ];
    for (key, switches) in spoiling {
        let error = load(switches).unwrap_err();
        assert!(error.to_string().contains(&format!("training.augmentation.transforms.{key}")), "{error}");
        assert!(error.advice().unwrap().contains("--loss"));
    }
    assert!(load(Switches { gamma: true, low_resolution: true, ..Switches::STANDARD }).is_ok());
}

/// Trained models can be trained again: the bits that a seed gives are those of the first version.
#[test]
fn the_standard_augmentations_keep_their_bits() {
    let (_dataset, files) = dataset(false, 2);
    let settings = LoaderSettings { augmentation: Switches::STANDARD, ..settings() };
    let loader = Loader::new(open(&files), settings).unwrap();
    let mut sum = 0;
    for batch in loader.stream(3, 0, 40, 1).unwrap().map(Result::unwrap) {
        for value in &batch.images {
            sum = crc32c::crc32c_append(sum, &value.to_le_bytes());
        }
        sum = crc32c::crc32c_append(sum, &batch.labels);
    }
    assert_eq!(sum, 4_088_836_287);
}
