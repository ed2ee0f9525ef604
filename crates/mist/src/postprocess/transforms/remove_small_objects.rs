//! `remove_small_objects`: components with few voxels become background.

use super::{Transform, small_objects};
use crate::postprocess::parameters::{Kind, Parameter};

pub(super) const THRESHOLD: Parameter = Parameter {
    name: "small_object_threshold",
    kind: Kind::Integer { default: 64, min: 1 },
    description: "Objects with fewer voxels are small.",
};

pub(super) const TRANSFORM: Transform = Transform {
    name: "remove_small_objects",
    description: "Removes objects with fewer voxels than the threshold.",
    per_label_only: false,
    parameters: &[THRESHOLD],
    changed: |parameters, mask, size| small_objects(mask, size, parameters.integer(&THRESHOLD)),
    label: |_| 0,
};
