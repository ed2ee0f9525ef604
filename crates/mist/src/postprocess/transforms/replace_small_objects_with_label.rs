//! `replace_small_objects_with_label`: components with few voxels become another label.

use super::remove_small_objects::THRESHOLD;
use super::{Transform, small_objects};
use crate::postprocess::parameters::{Kind, Parameter};

const LABEL: Parameter = Parameter {
    name: "replacement_label",
    kind: Kind::Label { default: 0 },
    description: "The label that small objects get.",
};

pub(super) const TRANSFORM: Transform = Transform {
    name: "replace_small_objects_with_label",
    description: "Gives another label to the objects of a label with fewer voxels than the threshold.",
    per_label_only: true,
    parameters: &[THRESHOLD, LABEL],
    changed: |parameters, mask, size| small_objects(mask, size, parameters.integer(&THRESHOLD)),
    label: |parameters| parameters.label(&LABEL),
};
