//! The names of MIST 2.3.0.

use crate::shell::Shell;

const NAMES: [&str; 12] = [
    "mist_convert_msd",
    "mist_convert_csv",
    "mist_analyze",
    "mist_preprocess",
    "mist_train",
    "mist_finalize",
    "mist_predict",
    "mist_ensemble",
    "mist_postprocess",
    "mist_evaluate",
    "mist_rank",
    "mist_run_all",
];

#[test]
fn each_link_behaves_as_its_command() {
    let shell = Shell::new();
    shell.mist("aliases install bin").exits(0).stdout_has("mist_run_all");
    for name in NAMES {
        let program = shell.path("bin").join(name);
        shell.run(&program, "--help").exits(0).stdout_has(&format!("Usage: {name}"));
        shell.run(&program, "--no-such-flag").exits(2).stderr_has("--no-such-flag");
    }
    shell
        .run(&shell.path("bin/mist_train"), "--epochs -1")
        .exits(2)
        .stderr_has("--epochs")
        .stderr_has("Usage: mist_train");
    shell.run(&shell.path("bin/mist_analyze"), "--data nowhere.json").exits(1).stderr_has("nowhere.json");
}

#[test]
fn installing_twice_changes_nothing() {
    let shell = Shell::new();
    shell.mist("aliases install bin").exits(0);
    shell.mist("aliases install bin").exits(0);
}

#[test]
fn another_program_is_never_replaced() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("bin")).expect("a folder");
    shell.write("bin/mist_train", "the reference");
    shell.mist("aliases install bin").exits(1).stderr_has("mist_train").stderr_has("hint: ");
    assert_eq!(std::fs::read_to_string(shell.path("bin/mist_train")).ok().as_deref(), Some("the reference"));
    assert!(!shell.path("bin/mist_analyze").exists(), "all links or none");
}
