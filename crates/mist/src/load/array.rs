//! One array of a case on disk.

use crate::error::{Error, Result};
use mist_volume::npy::{Element, NpyError, NpyFile};
use std::path::{Path, PathBuf};

/// An array `(x, y, z, channel)`, found to be one when it was opened. Reads open the file again and refuse it if it
/// became another.
#[derive(Clone, Debug)]
pub struct Array {
    path: PathBuf,
    shape: [usize; 4],
    fortran_order: bool,
}

impl Array {
    /// Opens the file and checks its header.
    pub fn open(path: &Path) -> Result<Self> {
        let file = NpyFile::open(path).map_err(unreadable)?;
        let shape = match file.shape() {
            &[x, y, z, channels] if x * y * z * channels > 0 => [x, y, z, channels],
            shape => {
                return Err(Error::new(format!("the array has the shape {shape:?}"))
                    .at(path)
                    .because("it must have the axes x, y, z and channel, and not be empty"));
            }
        };
        Ok(Self { path: path.to_owned(), shape, fortran_order: file.header().fortran_order })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Voxels along x, y and z.
    pub fn size(&self) -> [usize; 3] {
        let [x, y, z, _] = self.shape;
        [x, y, z]
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.shape[3]
    }

    /// All values, `[x][y][z][channel]` in C order.
    pub fn read_all<T: Element>(&self) -> Result<Vec<T>> {
        self.read_box([0; 3], self.size())
    }

    /// The values of the box of `size` voxels at `start`, `[x][y][z][channel]` in C order.
    pub fn read_box<T: Element>(&self, start: [usize; 3], size: [usize; 3]) -> Result<Vec<T>> {
        let file = NpyFile::open(&self.path).map_err(unreadable)?;
        if file.shape() != self.shape {
            return Err(Error::new(format!("the array has the shape {:?}", file.shape()))
                .at(&self.path)
                .because(format!("it was {:?} before: the file was replaced while in use", self.shape)));
        }
        let with_channels = |[x, y, z]: [usize; 3], channels| [x, y, z, channels];
        file.read_block(&with_channels(start, 0), &with_channels(size, self.channels())).map_err(unreadable)
    }

    /// Boxes `(start, size)` of a few megabytes that make up the array and each lie together in the file.
    pub fn slabs(&self) -> impl Iterator<Item = ([usize; 3], [usize; 3])> {
        const VALUES: usize = 1 << 22;
        let size = self.size();
        let axis = if self.fortran_order { 2 } else { 0 };
        let plane = self.shape.iter().product::<usize>() / size[axis];
        let thickness = (VALUES / plane).clamp(1, size[axis]);
        (0..size[axis]).step_by(thickness).map(move |first| {
            let (mut start, mut slab) = ([0; 3], size);
            start[axis] = first;
            slab[axis] = thickness.min(size[axis] - first);
            (start, slab)
        })
    }
}

fn unreadable(error: NpyError) -> Error {
    Error::new("cannot read the array")
        .at(error.path)
        .because(error.problem)
        .hint("`mist preprocess --resume` makes arrays anew that are missing or cut off; remove one that is damaged otherwise")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::testing::npy;

    #[test]
    fn slabs_cover_every_voxel_once_along_the_slowest_axis() {
        let folder = tempfile::tempdir().unwrap();
        for (fortran, axis) in [(false, 0), (true, 2)] {
            let path = folder.path().join("a.npy");
            // Wide enough that one slab cannot hold it: 3 * 2^21 values.
            let mut shape = [1 << 10, 1 << 11, 1, 1];
            shape[axis] = 3;
            shape[2 - axis] = 1 << 10;
            std::fs::write(&path, npy("|u1", shape, fortran, &vec![[1]; 3 << 21])).unwrap();
            let slabs: Vec<_> = Array::open(&path).unwrap().slabs().collect();
            assert_eq!(
                slabs.iter().map(|(start, size)| (start[axis], size[axis])).collect::<Vec<_>>(),
                [(0, 2), (2, 1)]
            );
        }
    }

    #[test]
    fn arrays_of_other_shapes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        std::fs::write(&path, npy("<f4", [2, 0, 2, 1], false, &[[0; 4]; 0])).unwrap();
        let text = Array::open(&path).unwrap_err().to_string();
        assert!(text.contains("[2, 0, 2, 1]") && text.contains("a.npy"), "{text}");
    }

    #[test]
    fn a_file_that_was_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        std::fs::write(&path, npy("|u1", [2, 2, 2, 1], false, &[[1]; 8])).unwrap();
        let array = Array::open(&path).unwrap();
        assert_eq!(array.read_box::<u8>([1, 0, 0], [1, 2, 1]).unwrap(), [1, 1]);
        std::fs::write(&path, npy("|u1", [2, 2, 3, 1], false, &[[1]; 12])).unwrap();
        assert!(array.read_all::<u8>().unwrap_err().to_string().contains("replaced"));
    }
}
