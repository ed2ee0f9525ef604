//! Which scans are predicted: a table or a folder. Channels are matched by name.

use crate::analyze::discovery::{Pattern, find_cases};
use crate::dataset::Dataset;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{require_file, require_folder};
use crate::tables::TestPaths;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the scans are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A table with columns `id` and one per image channel.
    Csv(PathBuf),
    /// A folder of NIfTI files `<id>_<channel>.nii.gz` or `<id>/<channel>.nii.gz`; for one channel also `<id>.nii.gz`, and
    /// names are ids as they stand unless all of them end in `_<channel>`.
    Folder(PathBuf),
    /// A data set description: the cases in its folder of test data, whose files are recognized as analysis does it.
    Dataset(PathBuf),
}

impl Input {
    /// Fails where there is no such file or folder.
    pub fn check_exists(&self) -> Result<()> {
        match self {
            Self::Csv(path) => require_file(
                path,
                "Paths CSV not found",
                "give a table with a column `id` and one per image, or a folder with --images",
            ),
            Self::Folder(path) => {
                require_folder(path, "Images directory not found", "give a folder, or a table with --paths-csv")
            }
            Self::Dataset(path) => {
                require_file(path, "Dataset description not found", "name the dataset.json that lists the test data")
            }
        }
    }
}

/// One patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Name of its output file.
    pub id: String,
    /// One file per channel, in the order that the network was trained on.
    pub images: Vec<PathBuf>,
}

/// The cases of the input, and those whose files are not all there.
pub fn cases(input: &Input, channels: &[String]) -> Result<(Vec<Case>, Vec<CaseFailure>)> {
    let listed = match input {
        Input::Csv(path) => from_table(path, channels)?,
        Input::Folder(path) => from_folder(path, channels)?,
        Input::Dataset(path) => from_dataset(path, channels)?,
    };
    let (mut cases, mut failures) = (Vec::new(), Vec::new());
    for (id, images) in listed {
        let missing: Vec<&str> =
            channels.iter().zip(&images).filter(|(_, file)| file.is_none()).map(|(name, _)| name.as_str()).collect();
        if missing.is_empty() {
            cases.push(Case { id, images: images.into_iter().flatten().collect() });
        } else {
            let reason = format!("no file for the channel {}", missing.join(", "));
            failures.push(CaseFailure { id, stage: "looking for images".into(), file: None, reason });
        }
    }
    if cases.is_empty() && failures.is_empty() {
        let place = match input {
            Input::Csv(path) | Input::Folder(path) | Input::Dataset(path) => path,
        };
        let hint = match input {
            Input::Csv(_) => "add a line per case below the header: its id and one file per image",
            Input::Folder(_) => {
                "put <id>_<channel>.nii.gz or <id>/<channel>.nii.gz there, or list the files with --paths-csv"
            }
            Input::Dataset(_) => "put a folder per case into the folder that `test-data` names",
        };
        return Err(Error::new("there is nothing to predict").at(place).hint(hint));
    }
    Ok((cases, failures))
}

type Listed = Vec<(String, Vec<Option<PathBuf>>)>;

fn from_table(path: &Path, channels: &[String]) -> Result<Listed> {
    let table = TestPaths::read(path)?;
    let position = |name: &String| table.images.iter().position(|column| column == name);
    let columns: Vec<Option<usize>> = channels.iter().map(position).collect();
    if columns.contains(&None) || table.images.len() != channels.len() {
        return Err(Error::new("the image columns are not those of the training data")
            .at(path)
            .because(format!("found {}, expected {}", table.images.join(", "), channels.join(", ")))
            .hint(
                "name one column per channel as in `dataset_info.images` of the config; their order does not matter",
            ));
    }
    let file = |case: &crate::tables::TestCase, column: Option<usize>| {
        column.and_then(|column| case.images.get(column)).filter(|file| !file.as_os_str().is_empty()).cloned()
    };
    let row =
        |case: &crate::tables::TestCase| (case.id.clone(), columns.iter().map(|column| file(case, *column)).collect());
    Ok(table.cases.iter().map(row).collect())
}

fn from_dataset(path: &Path, channels: &[String]) -> Result<Listed> {
    let dataset = Dataset::load(path)?;
    let Some(folder) = dataset.test_data else {
        return Err(Error::new("the description names no test data")
            .at(path)
            .hint("add `test-data`, a folder with one folder per case, or give --images or --paths-csv"));
    };
    let names: Vec<&str> = dataset.images.iter().map(|(name, _)| name.as_str()).collect();
    if names != channels {
        return Err(Error::new("the images are not those of the training data")
            .at(path)
            .because(format!("found {}, expected {}", names.join(", "), channels.join(", ")))
            .hint("give the description of the data set that the config.json was made from"));
    }
    let patterns: Vec<Pattern> = dataset.images.into_iter().map(|(name, parts)| Pattern { name, parts }).collect();
    let (cases, _) = find_cases(&folder, &patterns)?;
    let listed = cases.into_iter().map(|case| {
        // The first by name, as analysis takes it.
        let files = case.matches.map(|matches| matches.into_iter().map(|files| files.into_iter().next()).collect());
        // A folder that cannot be looked at is a case without files.
        (case.id, files.unwrap_or_else(|_| vec![None; patterns.len()]))
    });
    Ok(listed.collect())
}

fn from_folder(folder: &Path, channels: &[String]) -> Result<Listed> {
    let mut found: BTreeMap<String, Vec<Option<PathBuf>>> = BTreeMap::new();
    let put = |found: &mut BTreeMap<String, Vec<Option<PathBuf>>>, id: String, channel: usize, file: PathBuf| {
        let slot = &mut found.entry(id.clone()).or_insert_with(|| vec![None; channels.len()])[channel];
        match slot.replace(file.clone()) {
            None => Ok(()),
            Some(other) => Err(Error::new(format!("two files for the channel {} of {id}", channels[channel]))
                .at(folder)
                .because(format!("{} and {}", other.display(), file.display()))),
        }
    };
    let entries_of_folder = entries(folder)?;
    // With one channel `scan_mr` may be the scan `scan` or one that is called so; only if all names end alike it is clear.
    let mut stems = entries_of_folder.iter().filter(|path| !path.is_dir()).filter_map(|path| stem(path));
    let whole_names = matches!(channels, [only] if !stems.all(|stem| ends_with(&stem, only).is_some()));
    for path in entries_of_folder {
        if path.is_dir() {
            let id = file_name(&path);
            // Listed even when none of its files is a channel, so that the patient is reported rather than forgotten.
            found.entry(id.clone()).or_insert_with(|| vec![None; channels.len()]);
            for file in entries(&path)? {
                let Some(stem) = stem(&file) else { continue };
                if let Some(channel) =
                    channels.iter().position(|name| stem == *name || ends_with(&stem, name).is_some())
                {
                    put(&mut found, id.clone(), channel, file)?;
                }
            }
        } else if let Some(stem) = stem(&path) {
            if whole_names {
                put(&mut found, stem, 0, path)?;
                continue;
            }
            let named = channels.iter().enumerate().find_map(|(index, name)| Some((index, ends_with(&stem, name)?)));
            match named {
                Some((channel, id)) => put(&mut found, id.to_owned(), channel, path)?,
                None => {
                    return Err(Error::new("the file belongs to no channel").at(&path).hint(format!(
                        "name it <id>_<channel>.nii.gz, with one of the channels {}",
                        channels.join(", ")
                    )));
                }
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Entries that are not hidden, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |error| Error::new("cannot list the folder").at(folder).because(error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        paths.push(entry.map_err(cannot)?.path());
    }
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Name without `.nii` or `.nii.gz`; nothing for other files.
fn stem(path: &Path) -> Option<String> {
    let name = file_name(path);
    name.strip_suffix(".nii.gz").or_else(|| name.strip_suffix(".nii")).map(str::to_owned)
}

/// The part of `stem` before `_<channel>` or `-<channel>`.
fn ends_with<'a>(stem: &'a str, channel: &str) -> Option<&'a str> {
    let id = stem.strip_suffix(channel)?;
    id.strip_suffix(['_', '-']).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, b"").expect("a file");
        }
    }

    fn names(cases: &[Case]) -> Vec<String> {
        let files = |case: &Case| case.images.iter().map(|path| file_name(path)).collect::<Vec<_>>().join("+");
        cases.iter().map(|case| format!("{}: {}", case.id, files(case))).collect()
    }

    #[test]
    fn a_folder_gives_one_case_per_file_or_per_id() {
        let folder = tempfile::tempdir().expect("a folder");
        touch(folder.path(), &["b.nii.gz", "a.nii", ".hidden.nii.gz", "notes.txt"]);
        let (cases, failures) = super::cases(&Input::Folder(folder.path().into()), &["mr".into()]).expect("cases");
        assert_eq!(names(&cases), ["a: a.nii", "b: b.nii.gz"]);
        assert!(failures.is_empty());

        touch(folder.path(), &["b_mr.nii.gz"]);
        let (cases, _) = super::cases(&Input::Folder(folder.path().into()), &["mr".into()]).expect("cases");
        assert_eq!(names(&cases), ["a: a.nii", "b: b.nii.gz", "b_mr: b_mr.nii.gz"], "mixed names are ids");
        let folder = tempfile::tempdir().expect("a folder");
        touch(folder.path(), &["a_mr.nii.gz", "b-mr.nii"]);
        let (cases, _) = super::cases(&Input::Folder(folder.path().into()), &["mr".into()]).expect("cases");
        assert_eq!(names(&cases), ["a: a_mr.nii.gz", "b: b-mr.nii"], "all names end in the channel");

        let folder = tempfile::tempdir().expect("a folder");
        touch(
            folder.path(),
            &["p1_t2.nii.gz", "p1_t1.nii.gz", "p2_t1.nii.gz", "p3/t1.nii.gz", "p3/x-t2.nii.gz", "p4/scan.nii.gz"],
        );
        let channels = ["t1".to_owned(), "t2".to_owned()];
        let (cases, failures) = super::cases(&Input::Folder(folder.path().into()), &channels).expect("cases");
        assert_eq!(names(&cases), ["p1: p1_t1.nii.gz+p1_t2.nii.gz", "p3: t1.nii.gz+x-t2.nii.gz"]);
        assert_eq!(failures[0].to_string(), "p2: failed while looking for images: no file for the channel t2");
        assert_eq!(failures[1].to_string(), "p4: failed while looking for images: no file for the channel t1, t2");
    }

    #[test]
    fn table_columns_are_matched_by_name_in_any_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let table = folder.path().join("paths.csv");
        std::fs::write(&table, "id,t2,t1\n007,/b.nii.gz,/a.nii.gz\n8,,/c.nii.gz\n").expect("a table");
        let channels = ["t1".to_owned(), "t2".to_owned()];
        let (cases, failures) = super::cases(&Input::Csv(table.clone()), &channels).expect("cases");
        assert_eq!(names(&cases), ["007: a.nii.gz+b.nii.gz"]);
        assert_eq!(failures[0].id, "8");
        let error = super::cases(&Input::Csv(table), &["t1".into(), "flair".into()]).expect_err("wrong columns");
        assert!(error.to_string().contains("found t2, t1, expected t1, flair"), "{error}");
    }
}
