//! Cases of a table.

use crate::convert::Link;
use crate::convert::description::{MASK_FILE, channel_file};
use crate::convert::image_file;
use crate::convert::problem::Problem;
use crate::convert::split::Case;
use std::path::{Path, PathBuf};

/// A row of a table, its files found.
pub struct CsvCase {
    pub id: String,
    pub mask: Option<PathBuf>,
    /// Name and file of each channel.
    pub images: Vec<(String, PathBuf)>,
    pub link: Link,
}

impl Case for CsvCase {
    type Checked = ();

    fn id(&self) -> &str {
        &self.id
    }

    fn files(&self) -> Vec<PathBuf> {
        self.mask.iter().chain(self.images.iter().map(|(_, file)| file)).cloned().collect()
    }

    fn check(&self) -> Result<(), Problem> {
        let mut first = None;
        for (name, file) in &self.images {
            let header = image_file::header(file)?;
            let size = header.geometry().size;
            if !header.is_3d() {
                let reason = format!("the image has the dimensions {:?} instead of three", header.dimensions);
                return Err(Problem::new("reading", file, reason));
            }
            let (first_name, first_size) = *first.get_or_insert((name, size));
            if size != first_size {
                let reason = format!("{name} has {size:?} voxels and {first_name} {first_size:?}");
                return Err(Problem::new("reading", file, reason));
            }
        }
        if let (Some(mask), Some((_, size))) = (&self.mask, first) {
            image_file::check_mask(mask, size)?;
        }
        self.files().iter().try_for_each(|file| image_file::verify(file))
    }

    fn write(&self, (): &(), folder: &Path) -> Result<(), Problem> {
        let take_over = |from: &Path, name: &str| image_file::take_over(from, &folder.join(name), self.link);
        if let Some(mask) = &self.mask {
            take_over(mask, MASK_FILE)?;
        }
        self.images.iter().try_for_each(|(name, file)| take_over(file, &channel_file(name)))
    }
}
