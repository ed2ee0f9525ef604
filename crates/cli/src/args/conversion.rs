//! The flags that conversions of all kinds share.

use super::overwrite::Overwrite;
use super::values;
use mist::convert::{Link, Target};
use std::path::PathBuf;

// No doc comment: clap would show it as the description of every command that flattens this.
#[derive(clap::Args)]
pub(crate) struct Conversion {
    /// Folder for the converted data set; created if missing
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    output: PathBuf,
    /// Number of cases converted at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_conversion: usize,
    /// How files are taken over that are compressed already: by a copy, or by a hard link, which takes no space but is the
    /// same file, on the same file system
    #[arg(long, value_name = "KIND", default_value = "copy", value_parser = ["copy", "hard"])]
    link: String,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Conversion {
    pub(crate) fn target(self) -> Target {
        Target {
            output: self.output,
            workers: self.num_workers_conversion,
            link: if self.link == "hard" { Link::Hard } else { Link::Copy },
            overwrite: self.overwrite.overwrite,
        }
    }
}
