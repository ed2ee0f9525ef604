//! Boxes of voxels.

/// A box of voxels: `start` inclusive, `end` exclusive, per axis x, y, z. Empty when an end is not after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: [usize; 3],
    pub(crate) end: [usize; 3],
}

impl Region {
    /// Neutral element of [`Region::union`].
    pub(crate) const EMPTY: Region = Region { start: [usize::MAX; 3], end: [0; 3] };

    /// The voxels `x` of one row.
    pub(crate) fn run(x: std::ops::Range<usize>, y: usize, z: usize) -> Self {
        Self { start: [x.start, y, z], end: [x.end, y + 1, z + 1] }
    }

    /// The whole of an image.
    pub(crate) fn whole(size: [usize; 3]) -> Self {
        Self { start: [0; 3], end: size }
    }

    /// Smallest box that holds both.
    pub(crate) fn union(self, other: Self) -> Self {
        let pick = |choose: fn(usize, usize) -> usize, a: [usize; 3], b: [usize; 3]| {
            [choose(a[0], b[0]), choose(a[1], b[1]), choose(a[2], b[2])]
        };
        Self { start: pick(usize::min, self.start, other.start), end: pick(usize::max, self.end, other.end) }
    }

    /// The box of what is in both; empty where nothing is, and then its ends are its starts.
    pub(crate) fn intersection(self, other: Self) -> Self {
        let start = [0, 1, 2].map(|axis| self.start[axis].max(other.start[axis]));
        let end = [0, 1, 2].map(|axis| self.end[axis].min(other.end[axis]).max(start[axis]));
        let is_empty = (0..3).any(|axis| end[axis] == start[axis]);
        Self { start, end: if is_empty { start } else { end } }
    }

    /// Voxels per axis.
    pub(crate) fn size(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.end[axis].saturating_sub(self.start[axis]))
    }

    /// The values of an image (x fastest) inside this box, which must lie inside the image.
    pub(crate) fn gather<T>(&self, image: &[T], image_size: [usize; 3], value: impl Fn(&T) -> bool) -> Vec<bool> {
        let mut gathered = Vec::with_capacity(self.size().iter().product());
        for z in self.start[2]..self.end[2] {
            for y in self.start[1]..self.end[1] {
                let row = image_size[0] * (y + image_size[1] * z);
                gathered.extend(image[row + self.start[0]..row + self.end[0]].iter().map(&value));
            }
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_with_nothing_is_the_box_itself() {
        let region = Region::run(2..5, 1, 7);
        assert_eq!(region.union(Region::EMPTY), region);
        assert_eq!(Region::EMPTY.size(), [0; 3]);
    }

    #[test]
    fn the_union_covers_both() {
        let union = Region::run(2..5, 1, 7).union(Region::run(3..9, 4, 0));
        assert_eq!(union, Region { start: [2, 1, 0], end: [9, 5, 8] });
    }

    #[test]
    fn gathering_keeps_x_fastest() {
        let image: Vec<usize> = (0..24).collect();
        let region = Region { start: [1, 0, 1], end: [3, 2, 2] };
        let odd = region.gather(&image, [4, 3, 2], |value| value % 2 == 1);
        assert_eq!(odd, [true, false, true, false], "voxels 13, 14, 17, 18");
    }
}
