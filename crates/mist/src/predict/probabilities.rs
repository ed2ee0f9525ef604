//! Probabilities of all classes for all voxels of the network's grid: in memory, or on disk where they do not fit.

use super::ChannelsLast;
use crate::error::{Error, Result};
use mist_volume::{Geometry, Volume};
use rayon::prelude::*;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const BYTES_PER_VALUE: usize = 4;

/// Values `[class][x][y][z]` between 0 and 1.
pub struct Probabilities {
    size: [usize; 3],
    classes: usize,
    store: Store,
}

enum Store {
    Memory(ChannelsLast),
    /// An unnamed file `[class][x][y][z]`, little-endian: it is gone when the program ends, however it ends.
    Disk {
        file: File,
        folder: PathBuf,
    },
}

impl Probabilities {
    /// Room for so many voxels and classes in memory.
    pub fn in_memory(size: [usize; 3], classes: usize) -> Result<Self> {
        let count = size.iter().product::<usize>() * classes;
        Ok(Self { size, classes, store: Store::Memory(ChannelsLast::new(size, classes, vec![0.0; count])?) })
    }

    /// Room for so many voxels and classes in a file that nobody else sees, on the disk that holds `folder`.
    pub fn on_disk(size: [usize; 3], classes: usize, folder: &Path) -> Result<Self> {
        let folder = folder.to_owned();
        let file = tempfile::tempfile_in(&folder).map_err(|error| failed(&folder, error))?;
        Ok(Self { size, classes, store: Store::Disk { file, folder } })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Takes over the planes x = `first`, `first + 1`, … of all classes.
    pub fn add(&mut self, slab: ChannelsLast, first: usize) -> Result<()> {
        let [nx, ny, nz] = self.size;
        match &mut self.store {
            Store::Memory(all) => {
                let start = first * all.plane_len();
                all.values_mut()[start..start + slab.values().len()].copy_from_slice(slab.values());
                Ok(())
            }
            Store::Disk { file, folder } => {
                let mut write = |class: usize| {
                    let values = slab.values().iter().skip(class).step_by(self.classes);
                    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
                    file.seek(SeekFrom::Start((((class * nx + first) * ny * nz) * BYTES_PER_VALUE) as u64))?;
                    file.write_all(&bytes)
                };
                (0..self.classes).try_for_each(&mut write).map_err(|error| failed(folder, error))
            }
        }
    }

    /// One class as an image of the standard frame with the given spacing (mm).
    pub fn class(&self, class: usize, spacing: [f64; 3]) -> Result<Volume<f32>> {
        let [nx, ny, nz] = self.size;
        let mut image = Volume::filled(Geometry::axis_aligned(self.size, spacing), 0.0);
        let mut fill = |value: &(dyn Fn(usize) -> f32 + Sync)| {
            image.voxels_mut().par_chunks_mut(nx * ny).enumerate().for_each(|(z, slab)| {
                for (y, row) in slab.chunks_exact_mut(nx).enumerate() {
                    for (x, voxel) in row.iter_mut().enumerate() {
                        *voxel = value((x * ny + y) * nz + z);
                    }
                }
            });
        };
        match &self.store {
            Store::Memory(all) => fill(&|at| all.values()[at * self.classes + class]),
            Store::Disk { file, folder } => {
                let mut bytes = vec![0; nx * ny * nz * BYTES_PER_VALUE];
                let mut file: &File = file;
                let start = SeekFrom::Start((class * bytes.len()) as u64);
                file.seek(start).and_then(|_| file.read_exact(&mut bytes)).map_err(|error| failed(folder, error))?;
                let (values, _) = bytes.as_chunks::<BYTES_PER_VALUE>();
                fill(&|at| f32::from_le_bytes(values[at]));
            }
        }
        Ok(image)
    }
}

fn failed(folder: &Path, error: std::io::Error) -> Error {
    Error::new("cannot keep the probabilities on disk, and they do not fit into the memory")
        .at(folder)
        .because(error)
        .hint("free some space there, or predict without --output-probs")
}
