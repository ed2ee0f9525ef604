//! What analysis decides, and what the user may say about it.

use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};
use serde_json::{Value, json};

/// Three cases of 100 voxels along each axis.
fn large_scans() -> Shell {
    let shell = Shell::new();
    let scan = Volume::from_fn(Geometry::axis_aligned([100; 3], [1.0; 3]), |[x, y, z]| (x + y + z) as i16);
    let mask = Volume::from_fn(*scan.geometry(), |[x, ..]| u8::from(x > 50));
    for case in ["a", "b", "c"] {
        let folder = shell.path("train").join(case);
        std::fs::create_dir_all(&folder).expect("a folder");
        nifti::write(&folder.join("mr.nii"), &scan).expect("a scan");
        nifti::write(&folder.join("mask.nii"), &mask).expect("a mask");
    }
    shell.write(
        "dataset.json",
        r#"{"task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"], "images": {"mr": ["mr"]},
            "labels": [0, 1]}"#,
    );
    shell
}

fn planned(shell: &Shell) -> [Value; 2] {
    let config = std::fs::read(shell.path("results/config.json")).expect("a config");
    let config: Value = serde_json::from_slice(&config).expect("JSON");
    [config["spatial_config"]["patch_size"].clone(), config["training"]["batch_size_per_gpu"].clone()]
}

#[test]
fn the_patch_follows_memory_and_batch_size() {
    let shell = large_scans();
    let analyze =
        |flags: &str| shell.mist(&format!("analyze --data dataset.json --nfolds 3 --overwrite {flags}")).exits(0);
    analyze("").stdout_has("96 x 96 x 96 voxels: chosen for a GPU of 16.0 GiB (no GPU found");
    assert_eq!(planned(&shell), [json!([96, 96, 96]), json!(2)]);
    analyze("--memory-budget 4GiB").stdout_has("64 x 64 x 64 voxels: chosen for a GPU of 4.0 GiB (--memory-budget)");
    assert_eq!(planned(&shell), [json!([64, 64, 64]), json!(2)]);
    analyze("--batch-size-per-gpu 16").stdout_has("a batch of 16 (--batch-size-per-gpu)");
    assert_eq!(planned(&shell), [json!([64, 64, 64]), json!(16)]);
    analyze("--memory-budget 32GiB --batch-size-per-gpu 4");
    assert_eq!(planned(&shell), [json!([96, 96, 96]), json!(4)]);
    analyze("--memory-budget 100M").stdout_has("32 x 32 x 32").stderr_has("training may run out of memory");
}
