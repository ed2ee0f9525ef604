//! The help texts, as a reader sees them.

use crate::shell::Shell;

#[test]
fn help_of_the_program() {
    insta::assert_snapshot!(Shell::new().mist("--help").exits(0).stdout());
}

#[test]
fn help_of_every_command() {
    for command in [
        "convert-msd",
        "convert-csv",
        "analyze",
        "preprocess",
        "train",
        "finalize",
        "predict",
        "ensemble",
        "postprocess",
        "describe-transforms",
        "evaluate",
        "rank",
        "report",
        "view",
        "run-all",
        "average-weights",
        "weights",
        "weights inspect",
        "weights convert",
        "models",
        "models describe",
        "config check",
        "config diff",
        "schema",
        "demo",
        "bench",
        "aliases install",
    ] {
        let help = Shell::new().mist(&format!("{command} --help")).exits(0).stdout();
        insta::assert_snapshot!(command.replace(' ', "-"), help);
    }
}

#[test]
fn the_version_is_printed() {
    Shell::new().mist("--version").exits(0).stdout_has("mist 0.");
}

#[test]
fn commands_may_be_spelled_with_underscores() {
    Shell::new().mist("run_all --help").exits(0).stdout_has("Usage: mist run-all");
    Shell::new().mist("convert_msd --help").exits(0).stdout_has("--source");
    Shell::new().mist("convert_csv --help").exits(0).stdout_has("--train-csv");
}
