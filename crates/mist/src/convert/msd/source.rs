//! The Decathlon's own `dataset.json`, and the cases it lists.

use crate::convert::channel_names;
use crate::convert::image_file::without_ending;
use crate::error::{Error, Result};
use crate::files::require_folder;
use crate::json::{self, Document, Field, Section};
use crate::tables::is_file_name;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A data set in Decathlon layout, as its description has it, checked.
pub struct Source {
    /// Its folder.
    pub folder: PathBuf,
    /// Name of the task.
    pub name: String,
    /// Channels, in file order.
    pub channels: Vec<Channel>,
    /// Label values, 0 first, the others in file order.
    pub labels: Vec<i64>,
    /// Class names with their labels, 0 left out.
    pub classes: Vec<(String, i64)>,
    /// Ids of the training cases.
    pub training: Vec<String>,
    /// Ids of the test cases; none without the folder `imagesTs`.
    pub test: Vec<String>,
    /// What the user should know.
    pub remarks: Vec<String>,
}

/// A channel of the images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Position along the fourth axis of the image file.
    pub position: usize,
    /// Its name.
    pub name: String,
}

/// Folder of the training images.
pub const TRAINING_IMAGES: &str = "imagesTr";
/// Folder of the training masks.
pub const TRAINING_MASKS: &str = "labelsTr";
/// Folder of the test images.
pub const TEST_IMAGES: &str = "imagesTs";

impl Source {
    /// Reads and checks `<folder>/dataset.json`.
    pub fn load(folder: &Path) -> Result<Self> {
        for needed in [folder.to_path_buf(), folder.join(TRAINING_IMAGES), folder.join(TRAINING_MASKS)] {
            require_folder(
                &needed,
                "a folder of the source is missing",
                "--source is the folder that holds dataset.json, imagesTr and labelsTr",
            )?;
        }
        let path = folder.join("dataset.json");
        let (value, places) = json::read_with_places(&path)?;
        let document = Document::new(&path).with_places(&places);
        Self::parse(folder, &document.root(&value)?)
    }

    fn parse(folder: &Path, root: &Section) -> Result<Self> {
        let mut remarks = Vec::new();
        let name = root.required("name")?.string()?.to_owned();
        let channels = parse_channels(&root.required("modality")?)?;
        let Labels { values: labels, classes } = Labels::parse(&root.required("labels")?, &mut remarks)?;
        let listed = root.required("training")?;
        let training = parse_cases(&listed, &mut remarks)?;
        if training.is_empty() {
            return Err(listed.refuse("a list with at least one case"));
        }
        let test = match (root.optional("test").and_then(Field::or_null), folder.join(TEST_IMAGES)) {
            (Some(field), images) if images.is_dir() => parse_cases(&field, &mut remarks)?,
            (None, images) if images.is_dir() => {
                remarks.push(format!("the description lists no test cases; all images in {TEST_IMAGES} are taken"));
                list_images(&images)?
            }
            (Some(field), _) if !field.list()?.is_empty() => {
                remarks.push(format!("the test cases are left out, because there is no folder {TEST_IMAGES}"));
                Vec::new()
            }
            _ => Vec::new(),
        };
        Ok(Self { folder: folder.to_owned(), name, channels, labels, classes, training, test, remarks })
    }
}

/// `{"0": "FLAIR", "1": "T1w"}`: position along the fourth axis and name.
fn parse_channels(field: &Field) -> Result<Vec<Channel>> {
    let section = field.section()?;
    let mut channels: Vec<Channel> = Vec::new();
    for (key, value) in section.fields() {
        let position = key.parse().map_err(|_| value.refuse("under the position of a channel, as in \"0\": \"CT\""))?;
        let name = value.string()?.to_owned();
        if let Some(allowed) = channel_names::misfit(&name) {
            return Err(value.refuse(allowed));
        }
        if channels.iter().any(|other| other.position == position || other.name == name) {
            return Err(value.refuse("a channel that is not listed before"));
        }
        channels.push(Channel { position, name });
    }
    match &channels[..] {
        [] => return Err(field.refuse("an object with at least one channel")),
        [only] if only.position != 0 => return Err(field.refuse("{\"0\": …} where there is one channel")),
        _ => {}
    }
    let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    match channel_names::ambiguity(&names) {
        Some(allowed) => Err(field.refuse(allowed)),
        None => Ok(channels),
    }
}

/// Label values, 0 first, and the names of all others.
#[derive(Default)]
struct Labels {
    values: Vec<i64>,
    classes: Vec<(String, i64)>,
}

impl Labels {
    /// Reads `{"0": "background", "1": "tumour core"}`.
    fn parse(field: &Field, remarks: &mut Vec<String>) -> Result<Self> {
        let Self { mut values, mut classes } = Self::default();
        for (key, value) in field.section()?.fields() {
            let label: i64 = key
                .parse()
                .ok()
                .filter(|label| (0..=255).contains(label))
                .ok_or_else(|| value.refuse("under a label value from 0 to 255, as in \"1\": \"tumour\""))?;
            if values.contains(&label) {
                return Err(value.refuse("a label that is not listed before"));
            }
            values.push(label);
            let class = value.string()?.replace(' ', "_");
            if label == 0 {
                continue;
            }
            if class.is_empty() {
                return Err(value.refuse("the name of a class, not empty"));
            }
            if let Some((_, other)) = classes.iter().find(|(name, _)| *name == class) {
                let why = format_args!("another name; with spaces replaced by _ it is that of label {other}");
                return Err(value.refuse(why));
            }
            classes.push((class, label));
        }
        match values.iter().position(|label| *label == 0) {
            None => return Err(field.refuse("an object with label 0, the background")),
            Some(0) => {}
            Some(position) => {
                values.remove(position);
                values.insert(0, 0);
                remarks.push("label 0 is written first, because the first label is the background".into());
            }
        }
        if classes.is_empty() {
            Err(field.refuse("an object with a label besides 0"))
        } else {
            Ok(Self { values, classes })
        }
    }
}

/// Ids of a list of cases: `{"image": path, …}` or just the path.
fn parse_cases(field: &Field, remarks: &mut Vec<String>) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let mut hidden = 0;
    for item in field.list()? {
        let path = match item.value().is_string() {
            true => item.string()?,
            false => item.section()?.required("image")?.string()?,
        };
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if name.starts_with('.') && name != "." && name != ".." {
            hidden += 1;
            continue;
        }
        let id = without_ending(name);
        if !is_file_name(id) {
            return Err(item.refuse("the path of an image file"));
        }
        if !seen.insert(id.to_owned()) {
            return Err(item.refuse(format_args!("a case that is not listed before; the id {id} is")));
        }
        ids.push(id.to_owned());
    }
    if hidden > 0 {
        remarks.push(format!("{hidden} entries with hidden file names, as some systems leave behind, are ignored"));
    }
    Ok(ids)
}

/// Ids of all images in a folder, sorted.
fn list_images(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let id = without_ending(&name);
        if !name.starts_with('.') && id != name {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    // The same image may be there compressed and not.
    ids.dedup();
    Ok(ids)
}
