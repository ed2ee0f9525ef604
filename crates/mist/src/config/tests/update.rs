use super::*;
use std::fs;

/// A folder with a config that has keys of its own, an odd spelling, and no newline discipline.
fn run_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    let mut value = mr_value();
    value["training"]["lr_scheduler"] = json!("Cosine");
    value["training"]["note"] = json!({"by": "me", "ratio": 1e-5});
    value["site"] = json!("größer");
    fs::write(&path, value.to_string()).expect("written");
    (folder, path)
}

#[test]
fn an_update_writes_what_changed_and_keeps_the_rest() {
    let (_folder, path) = run_folder();
    let overrides = Overrides { epochs: Some(50), model: Some("nnunet-pocket".into()), ..Overrides::default() };
    let mut changes = Vec::new();
    let config = Config::update(&path, &choices(), |config| {
        changes = overrides.apply(config)?;
        Ok(())
    })
    .expect("updates");
    assert_eq!(config.training.epochs, 50);
    let text: Vec<String> = changes.iter().map(Change::to_string).collect();
    assert_eq!(text, ["model.architecture: nnunet → nnunet-pocket", "training.epochs: 1000 → 50"]);

    let mut expected = mr_value();
    expected["model"]["architecture"] = json!("nnunet-pocket");
    expected["training"]["epochs"] = json!(50);
    expected["training"]["lr_scheduler"] = json!("Cosine");
    expected["training"]["note"] = json!({"by": "me", "ratio": 1e-5});
    expected["site"] = json!("größer");
    assert_eq!(fs::read_to_string(&path).expect("reads"), json::to_text(&expected));
}

#[test]
fn an_update_that_changes_nothing_leaves_the_bytes_alone() {
    let (_folder, path) = run_folder();
    let before = fs::read(&path).expect("reads");
    let overrides = Overrides { epochs: Some(1000), lr_scheduler: Some("cosine".into()), ..Overrides::default() };
    Config::update(&path, &choices(), |config| overrides.apply(config).map(|changes| assert!(changes.is_empty())))
        .expect("updates");
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn a_refused_update_writes_nothing() {
    let (_folder, path) = run_folder();
    let before = fs::read(&path).expect("reads");
    let overrides = Overrides { epochs: Some(3), model: Some("nnunett".into()), ..Overrides::default() };
    let error =
        Config::update(&path, &choices(), |config| overrides.apply(config).map(drop)).expect_err("unknown model");
    assert_eq!(error.advice(), Some("did you mean \"nnunet\"?"));
    Config::update(&path, &choices(), |config| {
        config.training.epochs = 3;
        Err(Error::new("the caller refuses"))
    })
    .expect_err("the caller refuses");
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn overrides_reach_every_key() {
    let overrides = Overrides {
        model: Some("mednext-base".into()),
        patch_size: Some([96, 64, 32]),
        epochs: Some(7),
        batch_size_per_gpu: Some(3),
        loss: Some("bl".into()),
        composite_loss_weighting: Some("linear".into()),
        optimizer: Some("sgd".into()),
        l2_penalty: Some(0.0),
        learning_rate: Some(1e-5),
        lr_scheduler: Some("polynomial".into()),
        warmup_epochs: Some(1),
        val_percent: Some(0.25),
    };
    let mut config = load_golden("mr4");
    let changes = overrides.apply(&mut config).expect("applies");
    let text: Vec<String> = changes.iter().map(Change::to_string).collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
    model.architecture: nnunet → mednext-base
    spatial_config.patch_size: 32 32 32 → 96 64 32
    training.epochs: 1000 → 7
    training.batch_size_per_gpu: 2 → 3
    training.loss.name: dice_ce → bl
    training.loss.composite_loss_weighting: null → {"name":"linear","params":{"init_pause":5,"start_val":1.0,"end_val":0.0}}
    training.optimizer: adamw → sgd
    training.l2_penalty: 0.0001 → 0.0
    training.learning_rate: 0.001 → 1e-05
    training.lr_scheduler: cosine → polynomial
    training.warmup_epochs: 20 → 1
    training.val_percent: 0.0 → 0.25
    "#);
    let mut expected = mr_value();
    expected["model"]["architecture"] = json!("mednext-base");
    expected["spatial_config"]["patch_size"] = json!([96, 64, 32]);
    let training = &mut expected["training"];
    training["epochs"] = json!(7);
    training["batch_size_per_gpu"] = json!(3);
    training["loss"]["name"] = json!("bl");
    training["loss"]["composite_loss_weighting"] =
        json!({"name": "linear", "params": {"init_pause": 5, "start_val": 1.0, "end_val": 0.0}});
    training["optimizer"] = json!("sgd");
    training["l2_penalty"] = json!(0.0);
    training["learning_rate"] = json!(1e-5);
    training["lr_scheduler"] = json!("polynomial");
    training["warmup_epochs"] = json!(1);
    training["val_percent"] = json!(0.25);
    assert_eq!(json::to_text(&config.merged().expect("merges")), json::to_text(&expected));
    assert!(overrides.apply(&mut config).expect("applies").is_empty(), "a second time changes nothing");
}

#[test]
fn impossible_overrides_are_usage_errors() {
    let cases = [
        Overrides { val_percent: Some(1.0), ..Overrides::default() },
        Overrides { learning_rate: Some(f64::NAN), ..Overrides::default() },
        Overrides { l2_penalty: Some(-1e-5), ..Overrides::default() },
        Overrides { patch_size: Some([32, 0, 32]), ..Overrides::default() },
        Overrides { batch_size_per_gpu: Some(0), ..Overrides::default() },
        Overrides { composite_loss_weighting: Some("step".into()), ..Overrides::default() },
    ];
    let mut texts = Vec::new();
    for overrides in cases {
        let mut config = load_golden("mr4");
        let error = overrides.apply(&mut config).expect_err("refused");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert_eq!(config, load_golden("mr4"));
        texts.push(error.to_string());
    }
    insta::assert_snapshot!(texts.join("\n"), @r"
    --val-percent 1.0 is not allowed: it must be a number from 0 to below 1
    --learning-rate nan is not allowed: it must be a number above 0
    --l2-penalty -1e-05 is not allowed: it must be a number, 0 or more
    --patch-size 32 0 32 is not allowed: it must be three whole numbers, 1 or more
    --batch-size-per-gpu 0 is not allowed: it must be a whole number, 1 or more
    --composite-loss-weighting step is not allowed: it must be one of constant, cosine, linear
    ");
}

#[test]
fn concurrent_updates_lose_nothing() {
    let (_folder, path) = run_folder();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    Config::update(&path, &choices(), |config| {
                        config.training.seed += 1;
                        Ok(())
                    })
                    .expect("updates");
                }
            });
        }
    });
    assert_eq!(Config::load(&path, &choices()).expect("loads").training.seed, 42 + 40);
}
