//! `get_top_k_connected_components`: only the largest components stay.

use super::Transform;
use crate::postprocess::parameters::{Kind, Parameter, Parameters};
use mist_volume::components::{Components, ComponentsError, Connectivity};
use mist_volume::morphology::{dilate, erode};

const COUNT: Parameter = Parameter {
    name: "top_k_connected_components",
    kind: Kind::Integer { default: 1, min: 1 },
    description: "How many objects stay.",
};

const CLEANING: Parameter = Parameter {
    name: "apply_morphological_cleaning",
    kind: Kind::Boolean { default: false },
    description: "Erode before the objects are found and dilate what stays, which cuts thin bridges.",
};

const ITERATIONS: Parameter = Parameter {
    name: "morphological_cleaning_iterations",
    kind: Kind::Integer { default: 2, min: 1 },
    description: "How many times to erode and dilate.",
};

pub(super) const TRANSFORM: Transform = Transform {
    name: "get_top_k_connected_components",
    description: "Keeps the largest objects and removes the others; changes nothing where there are fewer.",
    per_label_only: false,
    parameters: &[COUNT, CLEANING, ITERATIONS],
    changed,
    label: |_| 0,
};

fn changed(parameters: &Parameters, mask: &[bool], size: [usize; 3]) -> Result<Vec<bool>, ComponentsError> {
    let iterations = match parameters.boolean(&CLEANING) {
        // As large as the image is as good as without end.
        true => parameters.integer(&ITERATIONS).min(size.into_iter().max().unwrap_or(0) as i64) as usize,
        false => 0,
    };
    let eroded = erode(mask, size, iterations);
    let components = Components::of(&eroded, size, Connectivity::Corners)?;
    let count = usize::try_from(parameters.integer(&COUNT)).unwrap_or(usize::MAX);
    if components.count == 0 || components.count < count {
        return Ok(vec![false; mask.len()]);
    }
    let mut stays = vec![false; components.count + 1];
    largest(&components, size, count).into_iter().for_each(|number| stays[number] = true);
    let kept: Vec<bool> = components.labels.iter().map(|label| stays[*label as usize]).collect();
    let kept = dilate(&kept, size, iterations);
    Ok(mask.iter().zip(kept).map(|(inside, kept)| *inside && !kept).collect())
}

/// Numbers of the largest components. Among equal ones those win whose first voxel comes later where z runs fastest: so the
/// reference counts.
fn largest(components: &Components, size: [usize; 3], count: usize) -> Vec<usize> {
    let [nx, ny, _] = size;
    let mut firsts = vec![[usize::MAX; 3]; components.count];
    for (index, label) in components.labels.iter().enumerate().filter(|(_, label)| **label > 0) {
        let first = &mut firsts[*label as usize - 1];
        *first = (*first).min([index % nx, index / nx % ny, index / (nx * ny)]);
    }
    let statistics = components.statistics(size);
    let mut numbers: Vec<usize> = (1..=components.count).collect();
    numbers.sort_by_key(|number| std::cmp::Reverse((statistics[number - 1].voxels, firsts[number - 1])));
    numbers.truncate(count);
    numbers
}
