//! The program as a user of a shell sees it.

mod aliases;
mod bench;
mod evaluation;
mod guide_config;
mod help;
#[cfg(unix)]
mod interruption;
mod prediction;
mod scans;
mod shell;
mod training;
mod usage;
