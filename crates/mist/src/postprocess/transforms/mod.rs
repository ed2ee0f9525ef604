//! The transforms that a strategy is made of. One file each; a new one is a line in [`TRANSFORMS`].
//!
//! A transform looks at a binary mask and says which voxels get which label; [`super::step`] makes the masks and the edits.

mod fill_holes_with_label;
mod get_top_k_connected_components;
mod remove_small_objects;
mod replace_small_objects_with_label;

use super::parameters::{Parameter, Parameters};
use mist_volume::components::{Components, ComponentsError, Connectivity};

/// All transforms, in the order in which they are described.
pub const TRANSFORMS: &[Transform] = &[
    remove_small_objects::TRANSFORM,
    get_top_k_connected_components::TRANSFORM,
    fill_holes_with_label::TRANSFORM,
    replace_small_objects_with_label::TRANSFORM,
];

/// From parameters, a mask (x fastest) and its size in voxels to a mask of the same size.
pub type Changed = fn(&Parameters, &[bool], [usize; 3]) -> Result<Vec<bool>, ComponentsError>;

/// One way to clean up a mask.
#[derive(Debug)]
pub struct Transform {
    /// Its name in strategy files.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// Whether it works on one label at a time only, not on the union of several.
    pub per_label_only: bool,
    /// What can be set.
    pub parameters: &'static [Parameter],
    /// Voxels of a binary mask, or around it, that get the new label.
    pub changed: Changed,
    /// The label that these voxels get.
    pub label: fn(&Parameters) -> u8,
}

/// Voxels of components, joined also over edges and corners, that have fewer voxels than the threshold.
fn small_objects(mask: &[bool], size: [usize; 3], threshold: i64) -> Result<Vec<bool>, ComponentsError> {
    let components = Components::of(mask, size, Connectivity::Corners)?;
    let is_small = |statistics: &mist_volume::components::Statistics| (statistics.voxels as i64) < threshold;
    let small: Vec<bool> = std::iter::once(false).chain(components.statistics(size).iter().map(is_small)).collect();
    Ok(components.labels.iter().map(|label| small[*label as usize]).collect())
}
