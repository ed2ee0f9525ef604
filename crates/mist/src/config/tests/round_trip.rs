use super::*;
use proptest::prelude::*;

#[test]
fn golden_configs_are_written_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["hippocampus", "mr4", "ct_aniso"] {
        let copy = folder.path().join(name);
        load_golden(name).save(&copy).expect("saves");
        assert_eq!(read(&copy), read(&golden(name)), "{name}");
    }
}

/// What analysis will do: a new config from its findings has the layout of the file, without having read one.
#[test]
fn a_new_config_is_written_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("config.json");
    for name in ["hippocampus", "mr4", "ct_aniso"] {
        let found = load_golden(name);
        let mut config = Config::new(found.dataset_info, found.spatial_config, found.preprocessing, found.evaluation);
        config.training.nfolds = 3;
        config.training.folds = vec![0, 1, 2];
        config.save(&copy).expect("saves");
        assert_eq!(read(&copy), read(&golden(name)), "{name}");
    }
}

/// The published example of an older release: no data loader, `nccl`, one GPU, `1e-04`.
#[test]
fn the_config_of_an_older_release_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("config.json");
    let original = golden_file("config/release_2.0.0rc0.json");
    let config = Config::load(&original, &choices()).expect("loads");
    assert_eq!(config.training.hardware.num_gpus, Some(1));
    assert_eq!(config.training.hardware.data_loader, None);
    config.save(&copy).expect("saves");
    let expected = read(&original).replace("1e-04", "0.0001");
    assert_eq!(read(&copy), expected.trim_end());
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("reads")
}

prop_compose! {
    fn any_training()(
        seed in 0u64..1 << 40,
        folds in proptest::sample::subsequence(vec![0usize, 1, 2, 3, 4, 5], 1..=6),
        val_percent in 0.0..1.0f64,
        epochs in 0usize..5000,
        learning_rate in 1e-12..10.0f64,
        l2_penalty in 0.0..1e-3f64,
        optimizer in proptest::sample::select(&OPTIMIZERS[..]),
        weighting in proptest::option::of((proptest::sample::select(&LossWeighting::NAMES[..]), -3.0..3.0f64)),
        tau in proptest::option::of(0.1..5.0f64),
        flips: bool,
        rotation: bool,
        num_gpus in proptest::option::of(0usize..9),
    ) -> Training {
        let mut training = Training {
            seed, nfolds: 6, folds, val_percent, epochs, learning_rate, l2_penalty,
            optimizer: optimizer.into(),
            ..Training::default()
        };
        training.loss.composite_loss_weighting = weighting.and_then(|(name, level)| {
            let mut weighting = LossWeighting::with_defaults(name)?;
            match &mut weighting {
                LossWeighting::Constant { value } => *value = level,
                LossWeighting::Linear { end_val, .. } | LossWeighting::Cosine { end_val, .. } => *end_val = level,
            }
            Some(weighting)
        });
        training.loss.params = tau.into_iter().map(|tau| ("tau_mm".to_owned(), json!(tau))).collect();
        training.augmentation.transforms.flips = flips;
        training.augmentation.transforms.rotation = rotation;
        training.hardware.num_gpus = num_gpus;
        training
    }
}

prop_compose! {
    fn any_config()(
        training in any_training(),
        task in ".{0,12}",
        images in proptest::collection::btree_set("[a-z0-9_ é]{4,7}x", 1..4),
        labels in proptest::collection::btree_set(1i64..256, 1..5),
        patch_size: [u16; 3],
        target_spacing in [1e-3..20.0f64, 1e-3..20.0f64, 1e-3..20.0f64],
        window in proptest::option::of((-2000.0..0.0f64, 0.0..3000.0f64, -100.0..100.0f64, 0.0..500.0f64)),
        kernel_size in proptest::option::of(proptest::sample::select(vec![3usize, 5, 7])),
        sw_batch_size in proptest::option::of(1usize..9),
        class in "[A-Za-zé \"]{1,9}",
    ) -> Config {
        let window = window.map(|(window_min, window_max, z_score_mean, z_score_std)| CtWindow {
            window_min, window_max, z_score_mean, z_score_std,
        });
        let dataset_info = DatasetInfo {
            task,
            modality: if window.is_some() { Modality::Ct } else { Modality::Other },
            images: images.into_iter().collect(),
            labels: std::iter::once(0).chain(labels.iter().copied()).collect(),
        };
        let preprocessing = Preprocessing {
            skip: false,
            crop_to_foreground: true,
            median_resampled_image_size: [1, 2, 3],
            normalize_with_nonzero_mask: false,
            ct_normalization: window.map(Into::into).unwrap_or_default(),
            compute_dtms: false,
            normalize_dtms: true,
        };
        let spatial = SpatialConfig { patch_size: patch_size.map(|size| usize::from(size) + 1), target_spacing };
        let classes = vec![EvaluationClass::with_default_metrics(class, labels.into_iter().collect())];
        let mut config = Config::new(dataset_info, spatial, preprocessing, Evaluation { classes });
        config.training = training;
        config.model.params.other.extend(kernel_size.map(|size| ("kernel_size".to_owned(), size.into())));
        config.inference.inferer.params.sw_batch_size = sw_batch_size;
        config
    }
}

proptest! {
    #[test]
    fn what_is_saved_loads_as_the_same(config in any_config()) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("config.json");
        config.save(&path).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let loaded = Config::load(&path, &choices()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&loaded, &config);
    }
}
