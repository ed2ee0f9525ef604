//! What the tests of conversions share.

use super::{Link, Target};
use crate::console::{Bar, Console, Silent, TrainingPlan, TrainingStatus, TrainingView};
use mist_volume::nifti;
use mist_volume::{Geometry, IDENTITY_DIRECTION, Volume};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// An output folder, and the defaults.
pub fn target(output: PathBuf) -> Target {
    Target { output, workers: 2, link: Link::Copy, overwrite: false }
}

/// Files below a folder, sorted, relative to it.
pub fn files_below(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(root).expect("below").display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// Whether both names are of one file: a change to one is a change to the other.
pub fn is_one_file(one: &Path, other: &Path) -> bool {
    let before = fs::read(other).expect("reads");
    let mut file = fs::OpenOptions::new().append(true).open(one).expect("opens");
    file.write_all(b"more").expect("written");
    let changed = fs::read(other).expect("reads") != before;
    file.set_len(file.metadata().expect("a length").len() - 4).expect("cut");
    changed
}

/// A grid of that size.
pub fn geometry(size: [usize; 3]) -> Geometry {
    Geometry { size, spacing: [1.0, 1.5, 2.0], origin: [3.0, -4.0, 5.0], direction: IDENTITY_DIRECTION }
}

/// A 3D image of 16-bit numbers that differ by voxel and seed.
pub fn image(path: &Path, size: [usize; 3], seed: i16) {
    let count: usize = size.iter().product();
    let voxels = (0..count as i16).map(|voxel| voxel * 3 + seed).collect();
    nifti::write(path, &Volume::new(geometry(size), voxels).expect("a volume")).expect("written");
}

/// Keeps what is said.
#[derive(Default)]
pub struct Recorder {
    warnings: Mutex<Vec<String>>,
    others: Mutex<Vec<String>>,
}

impl Recorder {
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().expect("no panic").clone()
    }

    pub fn others(&self) -> Vec<String> {
        self.others.lock().expect("no panic").clone()
    }
}

impl Console for Recorder {
    fn section(&self, _: &str) {}
    fn info(&self, text: &str) {
        self.others.lock().expect("no panic").push(text.to_owned());
    }
    fn warn(&self, text: &str) {
        self.warnings.lock().expect("no panic").push(text.to_owned());
    }
    fn error(&self, text: &str) {
        self.others.lock().expect("no panic").push(text.to_owned());
    }
    fn success(&self, text: &str) {
        self.others.lock().expect("no panic").push(text.to_owned());
    }
    fn bar(&self, title: &str, total: u64) -> Box<dyn Bar> {
        Silent.bar(title, total)
    }
    fn training(&self, plan: TrainingPlan, status: TrainingStatus) -> Box<dyn TrainingView> {
        Silent.training(plan, status)
    }
}
