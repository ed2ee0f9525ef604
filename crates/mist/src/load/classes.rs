//! Where each class lies in a label volume.

/// The voxels of every foreground class, found once per case and kept as runs of consecutive voxels, so that a random
/// voxel of a class takes a binary search and no look at the volume.
///
/// Voxels are counted in C order of `[x][y][z]`. Zeros appended at the ends of the axes change neither coordinates
/// nor their order, so this also serves the padded volume.
#[derive(Clone, Debug)]
pub struct ClassVoxels {
    size: [usize; 3],
    classes: Vec<Runs>,
}

#[derive(Clone, Debug, Default)]
struct Runs {
    /// Flat index of the first voxel of each run.
    start: Vec<u32>,
    /// Voxels of the class before each run.
    before: Vec<u32>,
    count: u32,
}

impl ClassVoxels {
    /// Largest number of voxels of a volume that can be indexed.
    pub const LIMIT: usize = u32::MAX as usize;

    /// Number of voxels of `class` (1, 2, …).
    pub fn count(&self, class: u8) -> usize {
        self.runs(class).map_or(0, |runs| runs.count as usize)
    }

    /// The `rank`-th voxel of `class`, from 0, in C order.
    pub fn voxel(&self, class: u8, rank: usize) -> Option<[usize; 3]> {
        let runs = self.runs(class).filter(|runs| rank < runs.count as usize)?;
        let run = runs.before.partition_point(|before| *before as usize <= rank) - 1;
        let index = runs.start[run] as usize + rank - runs.before[run] as usize;
        let [_, height, width] = self.size;
        Some([index / (height * width), index / width % height, index % width])
    }

    /// Memory that this takes.
    pub fn bytes(&self) -> usize {
        self.classes.iter().map(|runs| size_of::<Runs>() + runs.start.len() * 2 * size_of::<u32>()).sum()
    }

    /// Size of the volume.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The foreground classes: 1, 2, …, number of classes - 1.
    pub fn foreground(&self) -> impl Iterator<Item = u8> {
        1..=self.classes.len() as u8
    }

    fn runs(&self, class: u8) -> Option<&Runs> {
        self.classes.get(usize::from(class).checked_sub(1)?)
    }
}

/// Finds the voxels of the classes while a label volume comes in, in C order.
#[derive(Debug)]
pub struct ClassFinder {
    found: ClassVoxels,
    position: usize,
    /// Class of the last voxel, 0 for none.
    last: u8,
    ignored: Option<u8>,
}

/// A voxel whose value is no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchClass {
    /// Its value.
    pub value: u8,
    /// Where it lies.
    pub voxel: [usize; 3],
}

impl ClassFinder {
    /// For a volume of this size, at most [`ClassVoxels::LIMIT`] voxels, with labels below `classes` (background included).
    /// The voxels of a class that is ignored are not looked for.
    pub fn new(size: [usize; 3], classes: usize, ignored: Option<u8>) -> Self {
        let classes = vec![Runs::default(); classes.saturating_sub(1)];
        Self { found: ClassVoxels { size, classes }, position: 0, last: 0, ignored }
    }

    /// Takes the next voxels.
    pub fn push(&mut self, label: &[u8]) -> Result<(), NoSuchClass> {
        let first = self.position;
        self.position += label.len();
        let mut offset = 0;
        // Equal neighbours are the rule: the work is per run, not per voxel.
        for run in label.chunk_by(|a, b| a == b) {
            let class = run[0];
            if class != 0 && self.ignored != Some(class) {
                let start = first + offset;
                let Some(runs) = self.found.classes.get_mut(usize::from(class) - 1) else {
                    let [_, height, width] = self.found.size;
                    let voxel = [start / (height * width), start / width % height, start % width];
                    return Err(NoSuchClass { value: class, voxel });
                };
                if !(offset == 0 && self.last == class) {
                    runs.start.push(start as u32);
                    runs.before.push(runs.count);
                }
                runs.count += run.len() as u32;
            }
            offset += run.len();
        }
        self.last = label.last().copied().unwrap_or(self.last);
        Ok(())
    }

    /// The voxels found.
    pub fn finish(mut self) -> ClassVoxels {
        for runs in &mut self.found.classes {
            runs.start.shrink_to_fit();
            runs.before.shrink_to_fit();
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_follow_c_order_however_the_volume_comes_in(
            label in proptest::collection::vec(0u8..4, 60), chunk in 1usize..61,
        ) {
            let size = [3, 4, 5];
            let mut finder = ClassFinder::new(size, 4, None);
            for part in label.chunks(chunk) {
                finder.push(part).unwrap();
            }
            let voxels = finder.finish();
            for class in 1..4 {
                let expected: Vec<usize> = (0..60).filter(|i| label[*i] == class).collect();
                prop_assert_eq!(voxels.count(class), expected.len());
                for (rank, index) in expected.iter().enumerate() {
                    prop_assert_eq!(voxels.voxel(class, rank), Some([index / 20, index / 5 % 4, index % 5]));
                }
                prop_assert_eq!(voxels.voxel(class, expected.len()), None);
            }
        }
    }

    #[test]
    fn a_value_that_is_no_class_is_reported_where_it_lies() {
        let mut finder = ClassFinder::new([2, 2, 2], 3, None);
        finder.push(&[0, 1, 2, 0]).unwrap();
        assert_eq!(finder.push(&[1, 3, 0, 0]), Err(NoSuchClass { value: 3, voxel: [1, 0, 1] }));
    }

    #[test]
    fn an_ignored_class_has_no_voxels() {
        let mut finder = ClassFinder::new([2, 2, 1], 3, Some(2));
        finder.push(&[2, 1, 2, 0]).unwrap();
        let voxels = finder.finish();
        assert_eq!([voxels.count(1), voxels.count(2)], [1, 0]);
    }
}
