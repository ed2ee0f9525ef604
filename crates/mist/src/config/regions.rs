//! `training.regions`: classes that overlap.

use crate::error::Result;
use crate::json::Field;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Characters that would break the tables and tags that the names of regions go into.
pub(crate) const FORBIDDEN: [char; 5] = [',', '"', '/', '\n', '\r'];

/// `training.regions`: parts of the body that overlap, such as a whole tumour and its core, larger ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions(pub Vec<Region>);

/// One region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Labels that belong to it.
    pub labels: Vec<i64>,
    /// The one label that belongs to no later region: what a voxel gets that lies in this region and no later one.
    pub own_label: i64,
}

impl Regions {
    /// `labels` are those that a region may have.
    pub(super) fn parse(field: &Field, labels: &[i64]) -> Result<Self> {
        let section = field.section()?;
        let expected = format!("one of the labels {labels:?}");
        let mut named = Vec::new();
        for (name, field) in section.fields() {
            if name.trim().is_empty() || name.contains(FORBIDDEN) {
                return Err(field.refuse("a region with a name without commas, quotes, slashes and line ends"));
            }
            let items = field.filled_list()?;
            let of_region = items.iter().map(|item| item.integer(&expected, |label| labels.contains(&label)));
            named.push((name, field, of_region.collect::<Result<Vec<i64>>>()?));
        }
        if named.is_empty() {
            return Err(field.refuse("an object of regions, each a name with a list of labels"));
        }
        let mut regions = Vec::new();
        for (index, (name, field, labels)) in named.iter().enumerate() {
            let later = |label: &i64| named.iter().skip(index + 1).any(|(_, _, others)| others.contains(label));
            let own: Vec<i64> = labels.iter().copied().filter(|label| !later(label)).collect();
            let [own_label] = own[..] else {
                return Err(field.refuse(format_args!(
                    "a region with exactly one label that no later region has (this has {}): list larger regions \
                     before those inside them",
                    own.len()
                )));
            };
            regions.push(Region { name: (*name).to_owned(), labels: labels.clone(), own_label });
        }
        Ok(Self(regions))
    }
}

/// As in the file: `{"name": [labels], …}`.
impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for region in &self.0 {
            map.serialize_entry(&region.name, &region.labels)?;
        }
        map.end()
    }
}
