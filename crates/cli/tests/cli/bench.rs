//! `mist bench`: figures for people and for programs.

use crate::shell::Shell;

const SMALL: &str = "bench --model nnunet-pocket --patch-size 32 32 32 --seconds 0";

#[test]
fn the_table_names_the_work_and_its_figures() {
    let ran = Shell::new().mist(&format!("{SMALL} --threads 1")).exits(0);
    let ran = ran.stdout_has("nnunet-pocket forward, 1 × 32 × 32 × 32").stdout_has("threads             1");
    for figure in ["median", "shortest", "operations"] {
        let line = ran.stdout().lines().find(|line| line.starts_with(figure)).expect("a line per figure").to_owned();
        assert!(line.chars().any(|digit| ('1'..='9').contains(&digit)), "{line}");
    }
    assert!(!ran.stdout().contains("everything else"), "layers only on request");
}

#[test]
fn json_holds_the_same_for_programs() {
    let flags = "--pass train --batch-size 2 --in-channels 2 --out-channels 4 --layers --json";
    let text = Shell::new().mist(&format!("{SMALL} {flags}")).exits(0).stdout();
    for key in ["median_ms", "min_ms", "peak_mib", "gflop", "gflops", "cpu_features", "threads", "layers"] {
        assert!(text.contains(&format!("\"{key}\": ")), "no {key} in {text}");
    }
    // Forward, backward and update are all there, and the work is the one that was asked for.
    for layer in ["conv 3³, 2 → 32, 32³", "norm and conv 1³, 32 → 4, 32³", "optimizer", "everything else"] {
        assert!(text.contains(&format!("\"name\": \"{layer}\"")), "no {layer} in {text}");
    }
}

#[test]
fn training_with_the_loader_is_compared_with_one_fixed_batch() {
    let ran = Shell::new().mist(&format!("{SMALL} --pass train --loader")).exits(0);
    let table = ran.stdout();
    let line = table.lines().find(|line| line.starts_with("with the loader")).expect("a line for it");
    assert!(line.contains(" steps/s, ") && line.ends_with("2 turns"), "{line}");
    Shell::new().mist(&format!("{SMALL} --loader")).exits(2).stderr_has("--pass train");
}

#[test]
fn a_patch_that_the_network_cannot_take_is_refused_with_the_nearest_sizes() {
    let shell = Shell::new();
    shell.mist("bench --model nnunet --patch-size 36 32 32").exits(1).stderr_has("multiple").stderr_has("--patch-size");
    shell.mist("bench --model nnunet --patch-size 999936 99968 9984").exits(1).stderr_has("memory");
}

#[test]
fn more_threads_than_the_machine_can_bear_are_refused() {
    Shell::new().mist(&format!("{SMALL} --threads 99999")).exits(2).stderr_has("99999 threads").stderr_has("per core");
}

#[test]
fn the_vector_instructions_can_be_chosen() {
    // Not `none`: without instructions for them, fused multiply-adds take a minute here.
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    let ran = Shell::new().mist(&format!("{SMALL} --vector-instructions avx2"));
    if has_avx2 {
        ran.exits(0).stdout_has("vector instructions: AVX2 and FMA");
    } else {
        ran.exits(2).stderr_has("this machine does not have the vector instructions avx2");
    }
    let line = format!("{SMALL} --vector-instructions sse9");
    Shell::new().mist(&line).exits(2).stderr_has("[possible values: avx512, avx2, none]");
}
