//! Signed distance maps of the classes, which boundary losses read (Kervadec et al. 2019).

use mist_volume::distance::{DistanceError, Lattice, squared_distances};

/// Distances in voxels to the surface of each class: negative inside, 0 on the surface, positive outside. `labels` are class
/// indices of a grid of `size`, last axis fastest; the result has the same order with the class fastest.
///
/// The surface is made of those voxels of a class that touch another class at a face, edge or corner; the border of
/// the grid does not count. A class that is absent has the diagonal of the grid everywhere; one that fills the grid has
/// −√(largest f32). Normalized maps are divided by the largest distance inside and outside, so that both reach 1.
pub fn distance_maps(
    labels: &[u8],
    size: [usize; 3],
    classes: usize,
    normalized: bool,
) -> Result<Vec<f32>, DistanceError> {
    let mut maps = vec![0.0f32; labels.len() * classes];
    for class in 0..classes {
        let object: Vec<bool> = labels.iter().map(|label| usize::from(*label) == class).collect();
        let mut map = signed_distances(&object, size)?;
        if normalized {
            normalize(&mut map);
        }
        for (voxel, value) in maps.chunks_exact_mut(classes).zip(map) {
            voxel[class] = value;
        }
    }
    Ok(maps)
}

fn signed_distances(object: &[bool], size: [usize; 3]) -> Result<Vec<f32>, DistanceError> {
    if !object.contains(&true) {
        let diagonal = size.iter().map(|extent| (extent * extent) as f32).sum::<f32>().sqrt();
        return Ok(vec![diagonal; object.len()]);
    }
    if !object.contains(&false) {
        return Ok(vec![-f32::MAX.sqrt(); object.len()]);
    }
    // The lattice counts its first axis fastest. Steps are 1, so the order of the axes does not matter otherwise.
    let lattice = Lattice::new([size[2], size[1], size[0]], [1.0; 3])?;
    let distances = squared_distances(&surface(object, size), &lattice)?;
    let signed = distances.into_iter().zip(object).map(|(squared, inside)| {
        let distance = squared.sqrt() as f32;
        if *inside && distance > 0.0 { -distance } else { distance }
    });
    Ok(signed.collect())
}

/// Voxels of the object with a neighbour, of 26, that is not of it: those that an erosion by a 3 × 3 × 3 cube, one axis after
/// the other, takes away.
fn surface(object: &[bool], [x, y, z]: [usize; 3]) -> Vec<bool> {
    let mut inner = object.to_vec();
    for (extent, stride) in [(x, y * z), (y, z), (z, 1)] {
        let before = inner.clone();
        for (index, value) in inner.iter_mut().enumerate() {
            let position = index / stride % extent;
            let lower = position == 0 || before[index - stride];
            let upper = position + 1 == extent || before[index + stride];
            *value = before[index] && lower && upper;
        }
    }
    object.iter().zip(inner).map(|(object, inner)| *object && !inner).collect()
}

fn normalize(map: &mut [f32]) {
    let (lowest, highest) = map.iter().fold((0.0f32, 0.0f32), |(low, high), value| (low.min(*value), high.max(*value)));
    for value in map {
        let largest = if *value < 0.0 { -lowest } else { highest };
        if largest > 0.0 {
            *value /= largest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_absent_class_is_far_and_a_filling_one_deep_inside() {
        let maps = |normalized| distance_maps(&[1; 24], [2, 3, 4], 2, normalized).unwrap();
        assert_eq!(maps(false)[..2], [29.0f32.sqrt(), -f32::MAX.sqrt()]);
        assert_eq!(maps(true)[..2], [1.0, -1.0]);
    }

    proptest! {
        /// The definition, voxel by voxel.
        #[test]
        fn distances_follow_the_definition(labels in prop::collection::vec(0u8..3, 4 * 3 * 5)) {
            let size = [4, 3, 5];
            let maps = distance_maps(&labels, size, 3, false).unwrap();
            let at = |index: usize| [index / 15, index / 5 % 3, index % 5].map(|i| i as i64);
            for class in 0..3 {
                let is = |index: usize| labels[index] == class;
                let far = |a: usize, b: usize| -> [i64; 3] {
                    let (a, b) = (at(a), at(b));
                    [a[0] - b[0], a[1] - b[1], a[2] - b[2]].map(i64::abs)
                };
                let touches = |a: usize, b: usize| far(a, b).into_iter().max() == Some(1);
                let surface: Vec<usize> =
                    (0..60).filter(|a| is(*a) && (0..60).any(|b| !is(b) && touches(*a, b))).collect();
                if surface.is_empty() {
                    continue;
                }
                for voxel in 0..60 {
                    let squared = surface.iter().map(|s| far(voxel, *s).map(|d| d * d).iter().sum::<i64>()).min();
                    let distance = (squared.unwrap() as f64).sqrt() as f32;
                    let expected = if is(voxel) { -distance } else { distance };
                    prop_assert_eq!(maps[3 * voxel + usize::from(class)], expected);
                }
            }
        }

        #[test]
        fn normalized_maps_lie_between_minus_one_and_one(labels in prop::collection::vec(0u8..3, 60)) {
            let maps = distance_maps(&labels, [4, 3, 5], 3, true).unwrap();
            prop_assert!(maps.iter().all(|value| (-1.0..=1.0).contains(value)));
        }
    }
}
