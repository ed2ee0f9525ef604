//! The stock `mist` program.
fn main() -> std::process::ExitCode {
    mist_cli::run()
}
