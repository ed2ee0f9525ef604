//! Taking the steps of a strategy on a label map.

use super::strategy::{Step, Strategy};
use mist_volume::Volume;
use mist_volume::crop::box_where;
use std::fmt;

/// Why a step was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Name of the transform.
    pub transform: &'static str,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was left out: {}", self.transform, self.reason)
    }
}

impl Strategy {
    /// Takes all steps. One that cannot be taken on this map is left out and reported; the others are taken.
    pub fn apply(&self, labels: &mut Volume<u8>) -> Vec<Skipped> {
        let skipped = |step: &Step, reason| Skipped { transform: step.transform.name, reason };
        self.steps.iter().filter_map(|step| step.apply(labels).err().map(|reason| skipped(step, reason))).collect()
    }
}

impl Step {
    /// Takes the step, or says why it cannot be taken.
    fn apply(&self, labels: &mut Volume<u8>) -> Result<(), String> {
        if labels.voxels().iter().all(|label| *label == 0) {
            return Ok(());
        }
        // Every mask comes from the map as it was before the step.
        let before = labels.clone();
        if self.per_label {
            let mut listed = self.labels.iter().filter_map(|label| u8::try_from(*label).ok());
            return listed.try_for_each(|label| self.edit(&before, |value| value == label, labels));
        }
        match self.labels[..] {
            [] => Err("The labels_list argument must not be empty.".to_owned()),
            [-1] => self.edit(&before, |value| value > 0, labels),
            ref list if list.iter().any(|label| *label <= 0) => {
                Err("All labels in labels_list must be strictly positive.".to_owned())
            }
            ref list => self.edit(&before, |value| list.contains(&value.into()), labels),
        }
    }

    /// Edits `labels` by what the transform makes of the mask of the wanted voxels of `before`.
    fn edit(&self, before: &Volume<u8>, is_wanted: impl Fn(u8) -> bool, labels: &mut Volume<u8>) -> Result<(), String> {
        let wanted: Vec<bool> = (0..=u8::MAX).map(is_wanted).collect();
        // Beyond the box there is nothing but ways out, so that components, holes and borders are those of the whole image.
        let Some(bounding_box) = box_where(before, |value| wanted[usize::from(value)]) else { return Ok(()) };
        let size @ [nx, ny, nz] = bounding_box.size();
        let offset = |y: usize, z: usize| {
            let [x, start_y, start_z] = bounding_box.start;
            before.offset([x, start_y + y, start_z + z])
        };
        let rows = || (0..nz).flat_map(|z| (0..ny).map(move |y| (y, z)));
        let mut mask = Vec::with_capacity(nx * ny * nz);
        for (y, z) in rows() {
            let row = &before.voxels()[offset(y, z)..][..nx];
            mask.extend(row.iter().map(|value| wanted[usize::from(*value)]));
        }
        let changed = (self.transform.changed)(&self.parameters, &mask, size).map_err(|error| error.to_string())?;
        let label = (self.transform.label)(&self.parameters);
        for ((y, z), changed) in rows().zip(changed.chunks_exact(nx)) {
            let row = &mut labels.voxels_mut()[offset(y, z)..][..nx];
            row.iter_mut().zip(changed).filter(|(_, changed)| **changed).for_each(|(value, _)| *value = label);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
