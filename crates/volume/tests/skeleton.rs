//! Skeletons against a plain version of the algorithm, what scikit-image makes of the same masks, and the laws of topology.

mod support;

use mist_volume::components::{Components, Connectivity};
use mist_volume::skeleton::{Recheck, skeleton};
use proptest::prelude::*;
use support::{array, channel, golden};

const RECHECKS: [Recheck; 2] = [Recheck::Connectivity, Recheck::Topology];
const SPACING: [f64; 3] = [1.0; 3];

/// The mask by position, outside beyond the image.
struct Image<'a> {
    mask: &'a [bool],
    size: [usize; 3],
}

impl Image<'_> {
    fn at(&self, [x, y, z]: [isize; 3]) -> bool {
        let [nx, ny, nz] = self.size.map(|n| n as isize);
        let inside = (0..nx).contains(&x) && (0..ny).contains(&y) && (0..nz).contains(&z);
        inside && self.mask[(x + nx * (y + ny * z)) as usize]
    }

    /// Euler number of closed voxels: corners − edges + faces − voxels. Cells are counted at double coordinates: odd in the
    /// middle of a voxel, even between two.
    fn euler_number(&self) -> i64 {
        let [nx, ny, nz] = self.size.map(|n| 2 * n as isize);
        let mut number = 0;
        for z in 0..=nz {
            for y in 0..=ny {
                for x in 0..=nx {
                    let touched = |c: isize| if c % 2 == 0 { c / 2 - 1..=c / 2 } else { c / 2..=c / 2 };
                    let exists = touched(z).any(|z| touched(y).any(|y| touched(x).any(|x| self.at([x, y, z]))));
                    let sign = if (x % 2 + y % 2 + z % 2) % 2 == 0 { 1 } else { -1 };
                    number += i64::from(exists) * sign;
                }
            }
        }
        number
    }

    /// Parts of the mask over corners.
    fn parts(&self) -> usize {
        Components::of(self.mask, self.size, Connectivity::Corners).unwrap().count
    }

    /// Parts of the outside over faces, with a margin around the image: 1, and the number of cavities.
    fn outsides(&self) -> usize {
        let padded = self.size.map(|n| n + 2);
        let count = padded.iter().product();
        let position = |i: usize| [i % padded[0], i / padded[0] % padded[1], i / (padded[0] * padded[1])];
        let outside: Vec<bool> = (0..count).map(|i| !self.at(position(i).map(|c| c as isize - 1))).collect();
        Components::of(&outside, padded, Connectivity::Faces).unwrap().count
    }

    /// The 27 voxels around one, x fastest.
    fn around(&self, [x, y, z]: [isize; 3]) -> [bool; 27] {
        std::array::from_fn(|i| {
            let [dx, dy, dz] = [i % 3, i / 3 % 3, i / 9].map(|step| step as isize - 1);
            self.at([x + dx, y + dy, z + dz])
        })
    }
}

fn without_centre(mut around: [bool; 27]) -> [bool; 27] {
    around[13] = false;
    around
}

fn parts_of(around: &[bool; 27]) -> usize {
    Image { mask: around, size: [3; 3] }.parts()
}

/// By counting the Euler number of all 27 voxels with and without the one in the middle.
fn is_simple(around: &[bool; 27]) -> bool {
    let number = |around: &[bool; 27]| Image { mask: around, size: [3; 3] }.euler_number();
    let without = without_centre(*around);
    number(around) == number(&without) && parts_of(&without) == 1
}

/// The algorithm as it is written down: every voxel is looked at in every direction of every round.
fn plainly(mask: &[bool], size: [usize; 3], recheck: Recheck) -> Vec<bool> {
    let mut mask = mask.to_vec();
    let position = |i: usize| [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])].map(|c| c as isize);
    let directions = [[0, -1, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1]];
    loop {
        let before = mask.clone();
        for direction in directions.iter().take(if size[2] == 1 { 4 } else { 6 }) {
            let image = Image { mask: &mask, size };
            let goes = |&i: &usize| {
                let [x, y, z] = position(i);
                let around = image.around([x, y, z]);
                let neighbours = without_centre(around).iter().filter(|&&inside| inside).count();
                let open = !image.at([x + direction[0], y + direction[1], z + direction[2]]);
                mask[i] && open && neighbours != 1 && is_simple(&around)
            };
            let candidates: Vec<usize> = (0..mask.len()).filter(goes).collect();
            for i in candidates {
                let around = Image { mask: &mask, size }.around(position(i));
                mask[i] = match recheck {
                    Recheck::Connectivity => parts_of(&without_centre(around)) > 1,
                    Recheck::Topology => !is_simple(&around),
                };
            }
        }
        if mask == before {
            return mask;
        }
    }
}

type Mask = (Vec<bool>, [usize; 3]);

/// Noise, sparse to dense.
fn noise() -> impl Strategy<Value = Mask> {
    [1_usize..8, 1_usize..8, 1_usize..7].prop_flat_map(|size| {
        let voxels = size.iter().product::<usize>();
        let density = 0.1_f64..1.0;
        let mask =
            density.prop_flat_map(move |density| proptest::collection::vec(prop::bool::weighted(density), voxels));
        (mask, Just(size))
    })
}

/// Balls that overlap or not, some hollow.
fn blobs() -> impl Strategy<Value = Mask> {
    let size = [4_usize..40, 4_usize..20, 4_usize..20];
    let ball = ([0.0_f64..1.0, 0.0..1.0, 0.0..1.0], 1.0_f64..6.0, 0.0_f64..1.0);
    (size, proptest::collection::vec(ball, 1..8)).prop_map(|(size, balls)| {
        let inside = |i: usize| {
            let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
            balls.iter().any(|(centre, radius, hollow)| {
                let squared: f64 =
                    (0..3).map(|axis| (at[axis] as f64 - centre[axis] * size[axis] as f64).powi(2)).sum();
                squared < radius * radius && squared >= (radius * hollow - 1.0).max(0.0).powi(2)
            })
        };
        ((0..size.iter().product()).map(inside).collect(), size)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_the_plain_version((mask, size) in noise()) {
        for recheck in RECHECKS {
            prop_assert_eq!(skeleton(&mask, size, recheck).unwrap(), plainly(&mask, size, recheck));
        }
    }

    #[test]
    fn keeps_parts_cavities_and_tunnels((mask, size) in prop_oneof![noise(), blobs()]) {
        let found = skeleton(&mask, size, Recheck::Topology).unwrap();
        let [before, after] = [&mask, &found].map(|mask| Image { mask, size });
        prop_assert_eq!(before.parts(), after.parts());
        prop_assert_eq!(before.outsides(), after.outsides());
        // Parts − tunnels + cavities.
        prop_assert_eq!(before.euler_number(), after.euler_number());
    }

    #[test]
    fn is_a_part_of_the_mask_and_its_own_skeleton((mask, size) in prop_oneof![noise(), blobs()]) {
        for recheck in RECHECKS {
            let found = skeleton(&mask, size, recheck).unwrap();
            prop_assert!(found.iter().zip(&mask).all(|(thin, thick)| *thick || !thin));
            prop_assert_eq!(&skeleton(&found, size, recheck).unwrap(), &found);
            let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            prop_assert_eq!(&one_thread.install(|| skeleton(&mask, size, recheck).unwrap()), &found);
        }
    }

    #[test]
    fn a_straight_line_is_its_own_skeleton(
        start in [0_usize..4, 0_usize..4, 0_usize..4],
        step in [0_usize..2, 0_usize..2, 0_usize..2],
        length in 1_usize..9,
    ) {
        let size = [12; 3];
        let mut mask = vec![false; 12 * 12 * 12];
        for i in 0..length {
            let [x, y, z] = [0, 1, 2].map(|axis| start[axis] + i * step[axis]);
            mask[x + 12 * (y + 12 * z)] = true;
        }
        for recheck in RECHECKS {
            prop_assert_eq!(&skeleton(&mask, size, recheck).unwrap(), &mask);
        }
    }
}

#[test]
fn nothing_stays_nothing() {
    for recheck in RECHECKS {
        assert!(skeleton(&[], [0, 3, usize::MAX], recheck).unwrap().is_empty());
        assert_eq!(skeleton(&[false; 60], [3, 4, 5], recheck).unwrap(), [false; 60]);
    }
}

/// As scikit-image, or with one voxel of every part at least.
#[test]
fn a_cube_of_eight_voxels_vanishes_unless_the_topology_is_kept() {
    let cube = [true; 8];
    assert_eq!(skeleton(&cube, [2; 3], Recheck::Connectivity).unwrap(), [false; 8]);
    let kept = skeleton(&cube, [2; 3], Recheck::Topology).unwrap();
    assert_eq!(kept.iter().filter(|&&inside| inside).count(), 1);
}

/// So does scikit-image: the directions along z come last and find the ends of a line.
#[test]
fn a_full_image_shrinks_to_a_line_along_z() {
    let line: Vec<bool> = (0..125).map(|i| [37, 62, 87].contains(&i)).collect();
    for recheck in RECHECKS {
        assert_eq!(skeleton(&[true; 125], [5; 3], recheck).unwrap(), line);
    }
}

#[test]
fn a_mask_of_another_size_is_refused() {
    let error = skeleton(&[true; 5], [2; 3], Recheck::Topology).unwrap_err();
    assert_eq!(error.to_string(), "a grid of 2x2x2 voxels cannot hold 5 values");
    assert!(skeleton(&[true; 5], [usize::MAX, 2, 3], Recheck::Topology).is_err());
}

/// Tubes of a radius in sixteenths of a voxel between points, computed in whole numbers so that every language agrees.
fn vessels() -> Mask {
    let size = [40, 36, 30];
    let tubes: [([i64; 3], [i64; 3], i64); 7] = [
        ([4, 4, 3], [12, 14, 10], 56),
        ([12, 14, 10], [28, 10, 14], 44),
        ([12, 14, 10], [16, 28, 20], 40),
        ([28, 10, 14], [36, 20, 24], 30),
        ([28, 10, 14], [36, 5, 6], 24),
        ([16, 28, 20], [36, 20, 24], 26),
        ([16, 28, 20], [6, 32, 27], 20),
    ];
    let inside = |i: usize| {
        let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])].map(|c| 16 * c as i64);
        tubes.iter().any(|(from, to, radius)| {
            (0..=16).any(|step| {
                let centre = [0, 1, 2].map(|axis| from[axis] * (16 - step) + to[axis] * step);
                (0..3).map(|axis| (at[axis] - centre[axis]).pow(2)).sum::<i64>() <= radius * radius
            })
        })
    };
    ((0..size.iter().product()).map(inside).collect(), size)
}

/// A ball full of pits and tunnels: of every sixteenth voxel, by a multiplicative hash, the cross around it is missing.
fn porous_ball() -> Mask {
    let size = [21, 22, 23];
    let hash = |i: usize| ((i as u64 * 2_654_435_761) >> 16) & 15;
    let inside = |i: usize| {
        let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])].map(|c| c as i64 - 10);
        let steps = [1, size[0], size[0] * size[1]];
        let pit = hash(i) == 0 || steps.iter().any(|step| hash(i + step) == 0 || (i >= *step && hash(i - step) == 0));
        at.iter().map(|c| c * c).sum::<i64>() <= 110 && !pit
    };
    ((0..size.iter().product()).map(inside).collect(), size)
}

fn hippocampus() -> Mask {
    let (shape, labels) = array("pipeline/hippocampus/numpy/labels/hippocampus_006.npy");
    let labels = channel(&shape, &labels, 0, true, SPACING);
    (labels.voxels().iter().map(|label| *label > 0.0).collect(), labels.size())
}

#[test]
fn is_what_scikit_image_finds() {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden("skeleton/expected.json")).unwrap()).unwrap();
    for (name, (mask, size)) in [("vessels", vessels()), ("porous_ball", porous_ball()), ("hippocampus", hippocampus())]
    {
        let inside = |mask: &[bool]| (0..mask.len()).filter(|&i| mask[i]).collect::<Vec<usize>>();
        let found = skeleton(&mask, size, Recheck::Connectivity).unwrap();
        let numbers = |key: &str| serde_json::from_value::<Vec<usize>>(expected[name][key].clone()).unwrap();
        // That both sides had the same mask.
        assert_eq!(numbers("mask"), [inside(&mask).len(), inside(&mask).iter().sum()], "{name}");
        assert_eq!(inside(&found), numbers("skeleton"), "{name}");
    }
}
