//! The program as a user of a shell sees it.

mod aliases;
mod help;
mod shell;
mod training;
mod usage;
