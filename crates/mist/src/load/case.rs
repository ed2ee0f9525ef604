//! The preprocessed arrays of one case.

use super::array::Array;
use super::classes::{ClassFinder, ClassVoxels};
use super::patch::Patch;
use super::region::{Overlap, copy_box, overlap};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

const REPAIR_IMAGE: &str = "check the original image, then preprocess the case again";
/// Distances are made from the mask, which has none but classes: only the file can be damaged.
const REPAIR_DISTANCES: &str = "make the distance maps again with `mist preprocess --compute-dtms --overwrite`";

/// Where the arrays of a case lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFiles {
    /// Case id.
    pub id: String,
    /// Image, `(x, y, z, channel)`.
    pub image: PathBuf,
    /// Class indices, `(x, y, z, 1)`.
    pub label: PathBuf,
    /// Distance maps, `(x, y, z, class)`, where the loss needs them.
    pub distance: Option<PathBuf>,
}

impl CaseFiles {
    /// The files of a case in the folder of preprocessed arrays.
    pub fn in_folder(numpy: &Path, id: &str, with_distances: bool) -> Self {
        let file = |folder: &str| numpy.join(folder).join(format!("{id}.npy"));
        Self {
            id: id.to_owned(),
            image: file("images"),
            label: file("labels"),
            distance: with_distances.then(|| file("dtms")),
        }
    }
}

/// The arrays of a case, opened and found to go together. Values are read, and checked, later.
///
/// No file is kept open: a data set has more files than a process may have open.
#[derive(Clone, Debug)]
pub struct CaseArrays {
    files: CaseFiles,
    classes: usize,
    ignored: Option<u8>,
    image: Array,
    label: Array,
    distance: Option<Array>,
}

/// A case in memory. Arrays are `[x][y][z][channel]` in C order, which is NDHWC with one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeVolume {
    /// Case id.
    pub id: String,
    /// Voxels along x, y and z.
    pub size: [usize; 3],
    /// Channels of the image.
    pub channels: usize,
    /// The image; all values finite.
    pub image: Vec<f32>,
    /// Class indices, one channel.
    pub label: Vec<u8>,
    /// Distance maps, one channel per class, if the case was opened with them.
    pub distance: Option<Vec<f32>>,
    distance_channels: usize,
}

impl CaseArrays {
    /// Opens the files of a case whose labels are below `classes`. Errors name the case and the file.
    pub fn open(files: CaseFiles, classes: usize) -> Result<Self> {
        let open = || -> Result<Self> {
            let image = Array::open(&files.image)?;
            let label = Array::open(&files.label)?;
            let distance = files.distance.as_deref().map(Array::open).transpose()?;
            for array in [Some(&label), distance.as_ref()].into_iter().flatten() {
                if array.size() != image.size() {
                    let text = |[x, y, z]: [usize; 3]| format!("{x} x {y} x {z}");
                    return Err(Error::new(format!("the array has {} voxels", text(array.size())))
                        .at(array.path())
                        .because(format!("the image {} has {}", files.image.display(), text(image.size())))
                        .hint("preprocess the case again"));
                }
            }
            if label.channels() != 1 {
                return Err(Error::new(format!("the label has {} channels", label.channels()))
                    .at(label.path())
                    .hint("a label has one channel of class indices"));
            }
            if image.size().iter().product::<usize>() > ClassVoxels::LIMIT {
                return Err(Error::new("the volume has more voxels than can be sampled")
                    .at(image.path())
                    .because(format!("the limit is {}", ClassVoxels::LIMIT)));
            }
            Ok(Self { files: files.clone(), classes, ignored: None, image, label, distance })
        };
        open().map_err(|error| error.place(format!("case {}", files.id)))
    }

    /// The same where one of the labels marks voxels without truth: these are no foreground.
    pub fn ignoring(self, label: Option<u8>) -> Self {
        Self { ignored: label, ..self }
    }

    /// Case id.
    pub fn id(&self) -> &str {
        &self.files.id
    }

    /// Where the arrays lie.
    pub fn files(&self) -> &CaseFiles {
        &self.files
    }

    /// Voxels along x, y and z.
    pub fn size(&self) -> [usize; 3] {
        self.image.size()
    }

    /// Channels of the image.
    pub fn channels(&self) -> usize {
        self.image.channels()
    }

    /// Labels are below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Channels of the distance maps, if there are any.
    pub fn distance_channels(&self) -> Option<usize> {
        self.distance.as_ref().map(Array::channels)
    }

    /// Memory that the whole case takes.
    pub fn bytes(&self) -> usize {
        let floats = self.channels() + self.distance_channels().unwrap_or(0);
        (self.size().iter().product::<usize>()).saturating_mul(floats * size_of::<f32>() + 1)
    }

    /// Reads and checks everything: image and distances are finite, labels are classes.
    pub fn read(&self) -> Result<(WholeVolume, ClassVoxels)> {
        let read = || -> Result<(WholeVolume, ClassVoxels)> {
            let label = self.label.read_all::<u8>()?;
            let classes = self.find_classes(&label)?;
            let read_finite = |array: &Array, hint: &str| -> Result<Vec<f32>> {
                let values = array.read_all()?;
                check_finite(array, &values, [0; 3], array.size(), hint)?;
                Ok(values)
            };
            let volume = WholeVolume {
                id: self.files.id.clone(),
                size: self.size(),
                channels: self.channels(),
                image: read_finite(&self.image, REPAIR_IMAGE)?,
                label,
                distance: self.distance.as_ref().map(|array| read_finite(array, REPAIR_DISTANCES)).transpose()?,
                distance_channels: self.distance_channels().unwrap_or(0),
            };
            Ok((volume, classes))
        };
        read().map_err(|error| self.in_case(error))
    }

    /// Reads and checks everything, as [`Self::read`] does, but keeps only where the classes lie.
    pub fn check(&self) -> Result<ClassVoxels> {
        let check = || -> Result<ClassVoxels> {
            let classes = self.find_classes(&self.label.read_all::<u8>()?)?;
            let distance = self.distance.as_ref().map(|array| (array, REPAIR_DISTANCES));
            for (array, hint) in [Some((&self.image, REPAIR_IMAGE)), distance].into_iter().flatten() {
                for (start, size) in array.slabs() {
                    check_finite(array, &array.read_box(start, size)?, start, size, hint)?;
                }
            }
            Ok(classes)
        };
        check().map_err(|error| self.in_case(error))
    }

    /// Fills a patch with the box of its size at `anchor`, zero beyond the ends of the volume.
    pub fn read_patch(&self, anchor: [isize; 3], patch: &mut Patch<'_>) -> Result<()> {
        let Overlap { start, offset, size: inside } = overlap(self.size(), anchor, patch.size);
        let size = patch.size;
        // Seen from the part that is read, the patch begins before it.
        let anchor = offset.map(|offset| -(offset as isize));
        let mut read = || -> Result<()> {
            let image = self.image.read_box(start, inside)?;
            copy_box(&image, inside, patch.channels, anchor, size, patch.image);
            let label = self.label.read_box(start, inside)?;
            copy_box(&label, inside, 1, anchor, size, patch.label);
            if let (Some(array), Some(distance)) = (&self.distance, &mut patch.distance) {
                let values = array.read_box(start, inside)?;
                copy_box(&values, inside, distance.channels, anchor, size, distance.values);
            }
            Ok(())
        };
        read().map_err(|error| self.in_case(error))
    }

    fn find_classes(&self, label: &[u8]) -> Result<ClassVoxels> {
        let mut finder = ClassFinder::new(self.size(), self.classes, self.ignored);
        finder.push(label).map_err(|found| {
            let [x, y, z] = found.voxel;
            Error::new(format!("the label {} at voxel ({x}, {y}, {z}) is no class", found.value))
                .at(self.label.path())
                .because(format!("the data set has {} classes, numbered from 0", self.classes))
                .hint("preprocess the case again, or correct `labels` in the configuration")
        })?;
        Ok(finder.finish())
    }

    fn in_case(&self, error: Error) -> Error {
        error.place(format!("case {}", self.files.id))
    }
}

impl WholeVolume {
    /// Fills a patch with the box of its size at `anchor`, zero beyond the ends of the volume.
    pub fn cut(&self, anchor: [isize; 3], patch: &mut Patch<'_>) {
        copy_box(&self.image, self.size, self.channels, anchor, patch.size, patch.image);
        copy_box(&self.label, self.size, 1, anchor, patch.size, patch.label);
        if let (Some(maps), Some(distance)) = (&self.distance, &mut patch.distance) {
            copy_box(maps, self.size, self.distance_channels, anchor, patch.size, distance.values);
        }
    }
}

/// An error with that hint if a value of the box `[x][y][z][channel]` at `start` is infinite or not a number.
fn check_finite(array: &Array, values: &[f32], start: [usize; 3], size: [usize; 3], hint: &str) -> Result<()> {
    let Some(position) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let (voxel, channel) = (position / array.channels(), position % array.channels());
    let [x, y, z] =
        [start[0] + voxel / (size[1] * size[2]), start[1] + voxel / size[2] % size[1], start[2] + voxel % size[2]];
    Err(Error::new(format!("the value at voxel ({x}, {y}, {z}), channel {channel} is {}", values[position]))
        .at(array.path())
        .because("values must be finite")
        .hint(hint))
}
