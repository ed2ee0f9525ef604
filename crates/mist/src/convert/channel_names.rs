//! What a channel may be called: its name becomes a column of tables and, with `.nii.gz`, the name of a file.

use super::description::{MASK_FILE, channel_file};
use crate::config::channel_name_misfit;
use crate::tables::is_file_name;

/// What the name of a channel must be, where this one is not.
pub fn misfit(name: &str) -> Option<&'static str> {
    if let Some(allowed) = channel_name_misfit(name) {
        Some(allowed)
    } else if !is_file_name(name) {
        Some("a name that can be a file name")
    } else if name.starts_with('.') {
        Some("a name that does not begin with a dot, which would hide its files")
    } else {
        None
    }
}

/// What the names must be, where they are not. Files are found by parts of their names, so no name may be part of another.
pub fn ambiguity(names: &[&str]) -> Option<String> {
    let files: Vec<String> = names.iter().map(|name| channel_file(name)).collect();
    for (position, file) in files.iter().enumerate() {
        let others = files.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, other)| other.as_str());
        let longer = others.chain([MASK_FILE]).find(|other| other.contains(file.as_str()));
        let (part, whole) = match longer {
            Some(longer) => (file.as_str(), longer),
            None if file.contains(MASK_FILE) => (MASK_FILE, file.as_str()),
            None => continue,
        };
        return Some(format!("names whose files can be told apart; {part} is part of {whole}"));
    }
    None
}
