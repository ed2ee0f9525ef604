//! `fill_holes_with_label`: what a mask encloses gets a label.

use super::Transform;
use crate::postprocess::parameters::{Kind, Parameter};
use mist_volume::holes::holes;

const LABEL: Parameter = Parameter {
    name: "fill_holes_label",
    kind: Kind::Label { default: 0 },
    description: "The label that holes get, also where another label lies in them.",
};

pub(super) const TRANSFORM: Transform = Transform {
    name: "fill_holes_with_label",
    description: "Gives a label to all voxels that the mask encloses: those from which no way over voxel faces leads out.",
    per_label_only: false,
    parameters: &[LABEL],
    changed: |_, mask, size| holes(mask, size),
    label: |parameters| parameters.label(&LABEL),
};
