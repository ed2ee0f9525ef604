//! The program as a user of a shell sees it.

mod aliases;
mod analysis;
mod bad_files;
mod bench;
#[cfg(unix)]
#[cfg_attr(not(feature = "view"), allow(dead_code))]
mod browser;
mod config;
mod conversion;
mod ensembling;
mod evaluation;
#[cfg(unix)]
mod full_disk;
mod guide;
mod guide_config;
mod guide_data;
mod help;
#[cfg(unix)]
mod interruption;
mod models;
mod outputs;
mod postprocessing;
mod prediction;
#[cfg(unix)]
mod processes;
mod report;
mod resuming;
mod scans;
mod shell;
mod training;
mod usage;
mod view;
mod weights;
