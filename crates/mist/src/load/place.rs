//! Where a training patch is cut out.

use super::classes::ClassVoxels;
use mist_nn::random::Stream;

/// The random decisions of a placement; separate from what is done with them.
pub trait Draws {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64;
    /// Uniform integer in 0..count.
    fn below(&mut self, count: usize) -> usize;
    /// Random order.
    fn shuffle(&mut self, classes: &mut [u8]);
}

impl Draws for Stream {
    fn uniform(&mut self) -> f64 {
        Self::uniform(self)
    }

    fn below(&mut self, count: usize) -> usize {
        Self::below(self, count)
    }

    fn shuffle(&mut self, classes: &mut [u8]) {
        Self::shuffle(self, classes);
    }
}

/// First voxel of a patch of size `patch` in a volume that is zero-padded at the ends to at least that size.
///
/// With `foreground_probability` the patch contains a foreground voxel: the classes present are equally likely, a voxel
/// of the class is uniform, and so is its place inside the patch, except that patches reaching beyond the volume are
/// moved back inside. Otherwise, or where there is no foreground, the patch is uniform over the volume. (As labels were checked to
/// be classes, there is no foreground beside the classes.)
pub fn place_patch(
    classes: &ClassVoxels,
    patch: [usize; 3],
    foreground_probability: f64,
    draws: &mut impl Draws,
) -> [usize; 3] {
    let size = classes.size();
    let room = [0, 1, 2].map(|axis| size[axis].max(patch[axis]) - patch[axis]);
    let foreground = foreground_probability > 0.0 && draws.uniform() < foreground_probability;
    match foreground.then(|| choose_voxel(classes, draws)).flatten() {
        Some(voxel) => [0, 1, 2].map(|axis| voxel[axis].saturating_sub(draws.below(patch[axis])).min(room[axis])),
        None => room.map(|room| draws.below(room + 1)),
    }
}

fn choose_voxel(classes: &ClassVoxels, draws: &mut impl Draws) -> Option<[usize; 3]> {
    let mut order: Vec<u8> = classes.foreground().collect();
    draws.shuffle(&mut order);
    let class = order.into_iter().find(|class| classes.count(*class) > 0)?;
    classes.voxel(class, draws.below(classes.count(class)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::classes::ClassFinder;
    use mist_nn::random::{Place, Purpose};
    use std::collections::VecDeque;

    fn find(size: [usize; 3], classes: usize, label: &[u8]) -> ClassVoxels {
        let mut finder = ClassFinder::new(size, classes, None);
        finder.push(label).unwrap();
        finder.finish()
    }

    fn stream(sample: u32) -> Stream {
        Stream::new(9, Purpose::PatchPosition, Place { sample, ..Place::default() })
    }

    /// Answers with numbers from a file, in order.
    struct Script(VecDeque<serde_json::Value>);

    impl Script {
        fn next(&mut self) -> serde_json::Value {
            self.0.pop_front().expect("the script has a number for every draw")
        }
    }

    impl Draws for Script {
        fn uniform(&mut self) -> f64 {
            self.next().as_f64().unwrap()
        }

        fn below(&mut self, count: usize) -> usize {
            let value = self.next().as_u64().unwrap() as usize;
            assert!(value < count);
            value
        }

        fn shuffle(&mut self, classes: &mut [u8]) {
            let before = classes.to_vec();
            for (i, from) in self.next().as_array().unwrap().iter().enumerate() {
                classes[i] = before[from.as_u64().unwrap() as usize];
            }
        }
    }

    #[test]
    fn scripted_draws_give_the_anchors_of_the_reference() {
        let golden = crate::load::testing::golden("augment.json");
        let label = crate::load::testing::golden_label();
        let classes = find([12, 14, 10], 3, &label);
        let cases = golden["patch"].as_array().unwrap();
        assert_eq!(cases.len(), 7);
        let triple = |value: &serde_json::Value| [0, 1, 2].map(|i| value[i].as_u64().unwrap() as usize);
        for case in cases {
            let mut script = Script(case["draws"].as_array().unwrap().iter().cloned().collect());
            let probability = case["foreground_prob"].as_f64().unwrap();
            let anchor = place_patch(&classes, triple(&case["roi"]), probability, &mut script);
            assert_eq!(anchor, triple(&case["anchor"]), "{case}");
            assert!(script.0.is_empty(), "{case}");
        }
    }

    #[test]
    fn foreground_patches_contain_a_voxel_of_an_equally_likely_class() {
        // Class 1 has 30 voxels, class 3 a single one; class 2 is absent.
        let (size, patch) = ([9, 8, 7], [3, 4, 5]);
        let mut label = vec![0; 9 * 8 * 7];
        label[..30].fill(1);
        let rare = [8, 7, 6];
        label[9 * 8 * 7 - 1] = 3;
        let classes = find(size, 4, &label);
        let count = 4000;
        let mut with_rare = 0;
        for sample in 0..count {
            let anchor = place_patch(&classes, patch, 1.0, &mut stream(sample));
            let inside = |voxel: [usize; 3]| (0..3).all(|a| (anchor[a]..anchor[a] + patch[a]).contains(&voxel[a]));
            assert!((0..3).all(|a| anchor[a] + patch[a] <= size[a]));
            let common = (0..30).any(|i| inside([i / 56, i / 7 % 8, i % 7]));
            assert!(common || inside(rare));
            with_rare += u32::from(inside(rare));
        }
        let share = f64::from(with_rare) / f64::from(count);
        assert!((share - 0.5).abs() < 0.03, "{share}");
    }

    #[test]
    fn anchors_are_uniform_over_the_room_without_foreground_and_pile_up_at_borders_with_it() {
        let mut label = vec![0; 10];
        label[1] = 1;
        let classes = find([1, 1, 10], 2, &label);
        let histogram = |probability: f64| {
            let mut counts = [0u32; 7];
            for sample in 0..7000 {
                counts[place_patch(&classes, [1, 1, 4], probability, &mut stream(sample))[2]] += 1;
            }
            counts.map(|count| f64::from(count) / 7000.0)
        };
        for share in histogram(0.0) {
            assert!((share - 1.0 / 7.0).abs() < 0.02, "{share}");
        }
        // Voxel 1, patch of 4: anchors 1 and 0, and three of four places clamp to 0.
        let expected = [0.75, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0];
        for (share, expected) in histogram(1.0).into_iter().zip(expected) {
            assert!((share - expected).abs() < 0.02, "{share} {expected}");
        }
    }

    #[test]
    fn a_case_without_foreground_and_a_small_one_are_placed_too() {
        let empty = find([6, 1, 1], 3, &[0; 6]);
        let anchors: Vec<usize> =
            (0..50).map(|sample| place_patch(&empty, [2, 4, 4], 1.0, &mut stream(sample))[0]).collect();
        assert!(anchors.contains(&0) && anchors.contains(&4) && anchors.iter().all(|x| *x <= 4));
        let small = find([2, 2, 2], 2, &[1; 8]);
        assert_eq!(place_patch(&small, [5, 5, 5], 1.0, &mut stream(0)), [0, 0, 0]);
    }
}
