//! The program as a user of a shell sees it.

mod aliases;
mod bench;
mod help;
mod prediction;
mod scans;
mod shell;
mod training;
mod usage;
