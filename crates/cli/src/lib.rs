//! The `mist` command: parse, call, print.
/// Entry point of every binary that offers the commands.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
