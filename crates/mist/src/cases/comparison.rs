//! Where a prediction differs from the truth, largest errors first.

use super::labels::Labels;
use super::layer::{self, Unshown};
use crate::preprocess::read::ORIGIN_TOLERANCE_MM;
use mist_volume::components::{Components, Connectivity};
use mist_volume::crop::box_where;
use mist_volume::{Geometry, Volume, same_grid};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Errors that the page can jump to.
const LISTED: usize = 20;

/// Values of [`Comparison::errors`].
mod kind {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const MISSED: u8 = 1;
    pub(crate) const EXTRA: u8 = 2;
    pub(crate) const CONFUSED: u8 = 3;
}

/// Truth and prediction of a case.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// 0 where they agree; 1 where the prediction misses something, 2 where it adds something, 3 where it has another label.
    pub(crate) errors: Volume<u8>,
    /// The largest errors, largest first.
    places: Vec<Place>,
    /// Number of errors.
    count: usize,
}

/// A connected region in which truth and prediction differ.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    voxels: usize,
    /// Index of the voxel of the region that is nearest to its centroid.
    middle: [usize; 3],
    /// The most frequent pair of labels in it, as positions: truth, prediction.
    pair: [u8; 2],
}

impl Comparison {
    /// Reads and compares two masks, which must lie on the same grid. Voxels that nobody has looked at count as agreement.
    pub(crate) fn of(truth: &Path, prediction: &Path, labels: &Labels) -> Result<Self, Unshown> {
        let (truth, prediction) = (layer::mask(truth, labels)?, layer::mask(prediction, labels)?);
        same_grid(truth.geometry(), prediction.geometry(), ORIGIN_TOLERANCE_MM)?;
        Self::of_masks(&truth, &prediction, labels.ignored())
    }

    fn of_masks(truth: &Volume<u8>, prediction: &Volume<u8>, ignored: Option<u8>) -> Result<Self, Unshown> {
        let mut values = truth.voxels().iter().zip(prediction.voxels());
        let errors = truth.map(|_| values.next().map_or(kind::NONE, |(truth, found)| kind_of(*truth, *found, ignored)));
        let mut places = places(&errors, truth, prediction)?;
        let count = places.len();
        // The first of equally large ones stays first.
        places.sort_by_key(|place| std::cmp::Reverse(place.voxels));
        places.truncate(LISTED);
        Ok(Self { errors, places, count })
    }

    /// For the page: what each error is, its size, and where it lies in the world of NIfTI (RAS, mm).
    pub(crate) fn to_json(&self, labels: &Labels) -> Value {
        let grid = self.errors.geometry();
        let places: Vec<Value> = self
            .places
            .iter()
            .map(|place| {
                json!({
                    "truth": labels.name(place.pair[0]),
                    "prediction": labels.name(place.pair[1]),
                    "voxels": place.voxels,
                    "millilitres": place.voxels as f64 * grid.spacing.iter().product::<f64>() / 1000.0,
                    "position": ras(grid, place.middle),
                })
            })
            .collect();
        json!({ "count": self.count, "places": places })
    }
}

fn kind_of(truth: u8, prediction: u8, ignored: Option<u8>) -> u8 {
    match (truth, prediction) {
        _ if Some(truth) == ignored || truth == prediction => kind::NONE,
        (_, 0) => kind::MISSED,
        (0, _) => kind::EXTRA,
        _ => kind::CONFUSED,
    }
}

/// Centre of a voxel, RAS mm.
fn ras(grid: &Geometry, index: [usize; 3]) -> [f64; 3] {
    let [left, posterior, superior] = grid.physical_point(index.map(|coordinate| coordinate as f64));
    [-left, -posterior, superior]
}

/// The connected regions of errors, in the order of their first voxels. Regions touch by faces: the thin shell of errors
/// around any segmentation would else join what has nothing to do with one another.
fn places(errors: &Volume<u8>, truth: &Volume<u8>, prediction: &Volume<u8>) -> Result<Vec<Place>, Unshown> {
    let Some(around) = box_where(errors, |kind| kind != kind::NONE) else { return Ok(Vec::new()) };
    let size = around.size();
    let index = |inside: usize| {
        let [nx, ny, _] = size;
        let position = [inside % nx, inside / nx % ny, inside / (nx * ny)];
        [0, 1, 2].map(|axis| around.start[axis] + position[axis])
    };
    let at = |volume: &Volume<u8>, inside: usize| volume.get(index(inside)).copied().unwrap_or(0);
    let mask: Vec<bool> = (0..size.iter().product()).map(|inside| at(errors, inside) != kind::NONE).collect();
    let regions = Components::of(&mask, size, Connectivity::Faces)?;
    let place = |voxels: Vec<usize>| {
        let mut pairs: BTreeMap<[u8; 2], usize> = BTreeMap::new();
        for &inside in &voxels {
            *pairs.entry([at(truth, inside), at(prediction, inside)]).or_default() += 1;
        }
        let pair = pairs.into_iter().max_by_key(|(_, count)| *count).map_or([0; 2], |(pair, _)| pair);
        let middle = nearest_to_centroid(voxels.iter().map(|inside| index(*inside)), errors.geometry().spacing);
        Place { voxels: voxels.len(), middle, pair }
    };
    Ok(regions.voxels().into_iter().map(place).collect())
}

/// The voxel that is nearest in mm to the mean position of all; the first of equally near ones.
fn nearest_to_centroid(voxels: impl Iterator<Item = [usize; 3]> + Clone, spacing: [f64; 3]) -> [usize; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for index in voxels.clone() {
        for axis in 0..3 {
            sum[axis] += index[axis] as f64;
        }
        count += 1.0;
    }
    let distance = |index: &[usize; 3]| -> f64 {
        (0..3).map(|axis| ((index[axis] as f64 - sum[axis] / count) * spacing[axis]).powi(2)).sum()
    };
    voxels.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPACING: [f64; 3] = [0.5, 1.0, 2.0];

    fn masks(size: [usize; 3], pair: impl Fn([usize; 3]) -> [u8; 2]) -> [Volume<u8>; 2] {
        let grid = Geometry { origin: [10.0, 20.0, 30.0], ..Geometry::axis_aligned(size, SPACING) };
        [0, 1].map(|which| Volume::from_fn(grid, |index| pair(index)[which]))
    }

    #[test]
    fn the_largest_error_comes_first_with_its_place_in_the_world() {
        // Missed: a bar of 5 voxels along x. Extra: a bar of 3 along y. Confused: a single voxel.
        let [truth, prediction] = masks([10, 10, 4], |index| match index {
            [2..=6, 1, 1] => [1, 0],
            [9, 4..=6, 2] => [0, 2],
            [0, 9, 3] => [1, 2],
            [4..=5, 8, 0] => [2, 2],
            _ => [0, 0],
        });
        let found = Comparison::of_masks(&truth, &prediction, None).unwrap();
        let expected = [
            Place { voxels: 5, middle: [4, 1, 1], pair: [1, 0] },
            Place { voxels: 3, middle: [9, 5, 2], pair: [0, 2] },
            Place { voxels: 1, middle: [0, 9, 3], pair: [1, 2] },
        ];
        assert_eq!((found.places.as_slice(), found.count), (&expected[..], 3));
        assert_eq!(found.errors.get([2, 1, 1]), Some(&kind::MISSED));
        assert_eq!(found.errors.get([9, 4, 2]), Some(&kind::EXTRA));
        assert_eq!(found.errors.get([0, 9, 3]), Some(&kind::CONFUSED));
        assert_eq!(found.errors.get([4, 8, 0]), Some(&kind::NONE));
        // x and y of NIfTI point the other way.
        assert_eq!(ras(truth.geometry(), [4, 1, 1]), [-12.0, -21.0, 32.0]);
    }

    #[test]
    fn the_place_lies_in_the_error_even_where_the_centroid_does_not() {
        let ring = |x: usize, y: usize| {
            (1..=7).contains(&x) && (1..=7).contains(&y) && !((2..=6).contains(&x) && (2..=6).contains(&y))
        };
        let [truth, prediction] = masks([9, 9, 1], |[x, y, _]| [u8::from(ring(x, y)), 0]);
        let found = Comparison::of_masks(&truth, &prediction, None).unwrap();
        let [x, y, _] = found.places[0].middle;
        assert!(ring(x, y));
        // Spacing counts: along x, voxels are half as far apart.
        assert!(x == 1 || x == 7, "{x}");
    }

    #[test]
    fn what_nobody_has_looked_at_is_no_error() {
        let [truth, prediction] = masks([3, 1, 1], |[x, _, _]| [[3, 1], [3, 0], [1, 1]][x]);
        let found = Comparison::of_masks(&truth, &prediction, Some(3)).unwrap();
        assert!(found.places.is_empty());
        assert!(found.errors.voxels().iter().all(|kind| *kind == kind::NONE));
    }

    proptest! {
        #[test]
        fn every_difference_belongs_to_one_error(pairs in prop::collection::vec([0_u8..3, 0_u8..3], 60)) {
            let [truth, prediction] = masks([5, 4, 3], |[x, y, z]| pairs[x + 5 * (y + 4 * z)]);
            let errors = Comparison::of_masks(&truth, &prediction, None).unwrap().errors;
            let places = places(&errors, &truth, &prediction).unwrap();
            let different = pairs.iter().filter(|[truth, found]| truth != found).count();
            prop_assert_eq!(places.iter().map(|place| place.voxels).sum::<usize>(), different);
            for place in places {
                prop_assert!(truth.get(place.middle) != prediction.get(place.middle));
            }
        }
    }
}
