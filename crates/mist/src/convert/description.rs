//! The layout and the `dataset.json` of a converted data set.

use crate::config::Modality;
use serde_json::{Map, Value, json};

/// Where the masks of a converted data set are.
pub const MASK_FILE: &str = "mask.nii.gz";
/// Where the training cases are, relative to the description.
pub const TRAIN_FOLDER: &str = "raw/train";
/// Where the test cases are, relative to the description.
pub const TEST_FOLDER: &str = "raw/test";

/// Name of the file of a channel.
pub fn channel_file(channel: &str) -> String {
    format!("{channel}.nii.gz")
}

/// What the description of a converted data set says.
pub struct Description<'a> {
    /// Whether there are test cases.
    pub has_test: bool,
    /// Channel names in channel order.
    pub channels: Vec<&'a str>,
    /// What the images and labels mean; left open, for the user to fill in, where the source does not say.
    pub meaning: Option<Meaning<'a>>,
}

/// What images and labels mean.
pub struct Meaning<'a> {
    /// Name of the task.
    pub task: &'a str,
    /// Kind of images.
    pub modality: Modality,
    /// Label values, 0 first.
    pub labels: &'a [i64],
    /// Class names with the label of each.
    pub classes: &'a [(String, i64)],
}

impl Description<'_> {
    /// The description as it is written.
    pub fn to_value(&self) -> Value {
        let images: Map<String, Value> =
            self.channels.iter().map(|name| (name.to_string(), json!([channel_file(name)]))).collect();
        let [task, modality, labels, classes] = match &self.meaning {
            None => [const { Value::Null }; 4],
            Some(meaning) => {
                let class = |(name, label): &(String, i64)| (name.clone(), json!([label]));
                let classes: Map<String, Value> = meaning.classes.iter().map(class).collect();
                [meaning.task.into(), meaning.modality.as_str().into(), meaning.labels.into(), classes.into()]
            }
        };
        let mut entries = Map::new();
        entries.insert("task".into(), task);
        entries.insert("modality".into(), modality);
        entries.insert("train-data".into(), TRAIN_FOLDER.into());
        if self.has_test {
            entries.insert("test-data".into(), TEST_FOLDER.into());
        }
        entries.insert("mask".into(), json!([MASK_FILE]));
        entries.insert("images".into(), images.into());
        entries.insert("labels".into(), labels);
        entries.insert("final_classes".into(), classes);
        Value::Object(entries)
    }
}

/// Names of MR sequences, in lower case. Public data sets list these rather than "MRI".
const MR_NAMES: [&str; 26] = [
    "mr", "mri", "t1", "t1w", "t1n", "t1c", "t1ce", "t1gd", "t1wce", "t2", "t2w", "t2f", "t2flair", "t2star", "flair",
    "adc", "dwi", "dti", "pd", "pdw", "swi", "cbf", "cbv", "bold", "dce", "dsc",
];

/// The kind of images that channels of these names hold: CT when one is called so, else MR when one bears the name of an
/// MR sequence. Parts of a name between other characters than letters and digits count as names.
pub fn modality_of<'a>(channels: impl IntoIterator<Item = &'a str>) -> Modality {
    let lower: Vec<String> = channels.into_iter().map(str::to_lowercase).collect();
    let words: Vec<&str> = lower.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric())).collect();
    if words.contains(&"ct") {
        Modality::Ct
    } else if words.iter().any(|word| MR_NAMES.contains(word)) {
        Modality::Mr
    } else {
        Modality::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_channels_tell_the_modality() {
        let cases: [(&[&str], Modality); 8] = [
            (&["CT"], Modality::Ct),
            (&["PET", "ct"], Modality::Ct),
            (&["MRI"], Modality::Mr),
            (&["FLAIR", "T1w", "t1gd", "T2w"], Modality::Mr),
            (&["T2", "ADC"], Modality::Mr),
            (&["T1 post-contrast"], Modality::Mr),
            (&["ultrasound"], Modality::Other),
            (&["octa"], Modality::Other),
        ];
        for (channels, modality) in cases {
            assert_eq!(modality_of(channels.iter().copied()), modality, "{channels:?}");
        }
    }
}
