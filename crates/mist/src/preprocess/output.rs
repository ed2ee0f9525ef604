//! The folder of arrays that preprocessing fills and training reads.

use super::case::PreprocessedCase;
use super::inputs::TrainingFiles;
use super::origin::{self, Origin};
use super::settings::Settings;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{create_folder, remove_file, write_atomically};
use crate::tables::LeftOut;
use mist_volume::npy::{self, NpyError, NpyFile};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const IMAGES: &str = "images";
const LABELS: &str = "labels";
const DISTANCE_MAPS: &str = "dtms";
/// There from the beginning of a run to its end.
const UNFINISHED: &str = ".unfinished";

/// At most this many file names are listed in a message.
const LISTED: usize = 5;

/// The folder, ready to be written to.
pub struct Output {
    folder: PathBuf,
}

impl Output {
    /// The folder as it is; nothing is written yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Refuses a folder that already holds anything.
    pub fn check_empty(&self) -> Result<()> {
        match std::fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.next().is_some()) {
            true => Err(Error::new("the folder for the arrays is not empty").at(&self.folder).hint(
                "continue an earlier run with --resume, make all its arrays anew with --overwrite, or choose another \
                 folder with --numpy",
            )),
            false => Ok(()),
        }
    }

    /// Creates the folder, with room for distance maps where asked for, for all cases of a run.
    pub fn begin(&self, distance_maps: bool) -> Result<()> {
        self.begin_again(distance_maps)?;
        mark_unfinished(&self.folder)?;
        // Until this run has finished, nothing is known about cases without arrays.
        remove_file(&LeftOut::file(&self.folder))
    }

    /// The same for the cases that a run, which came to its end, has left out. Until these are done, its table of them
    /// stands.
    pub fn begin_again(&self, distance_maps: bool) -> Result<()> {
        create_folder(&self.folder)?;
        for kind in [Some(IMAGES), Some(LABELS), distance_maps.then_some(DISTANCE_MAPS)].into_iter().flatten() {
            create_folder(&self.folder.join(kind))?;
        }
        Ok(())
    }

    /// Bytes of the arrays of these cases that are there now, and will be replaced.
    pub fn bytes_of(&self, cases: &[TrainingFiles]) -> u64 {
        let files = cases.iter().flat_map(|case| [IMAGES, LABELS, DISTANCE_MAPS].map(|kind| self.file(kind, &case.id)));
        files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
    }

    /// Whether a run that made distance maps was stopped.
    pub fn has_stopped_with_distance_maps(&self) -> bool {
        is_unfinished(&self.folder)
            && array_names(&self.folder.join(DISTANCE_MAPS)).is_ok_and(|names| !names.is_empty())
    }

    /// Says which arrays in the folder this run will neither replace nor remove: those of cases that are not in the run.
    pub fn stale(&self, cases: &[TrainingFiles]) -> Result<Vec<String>> {
        let ids: HashSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let mut notes = Vec::new();
        for kind in [IMAGES, LABELS, DISTANCE_MAPS] {
            let folder = self.folder.join(kind);
            let mut left: Vec<String> = array_names(&folder)?;
            left.retain(|name| !ids.contains(name.as_str()));
            if left.is_empty() {
                continue;
            }
            left.sort_unstable();
            let more = if left.len() > LISTED { ", …" } else { "" };
            let shown = left[..left.len().min(LISTED)].join(", ");
            notes.push(format!(
                "{} holds {} arrays of an earlier run that this one does not replace: {shown}{more}",
                folder.display(),
                left.len()
            ));
        }
        Ok(notes)
    }

    /// Whether the arrays of a case are there in full length, and what this run would make of its scans as they are now.
    pub fn is_current(&self, settings: &Settings, case: &TrainingFiles) -> bool {
        let kinds = [Some(IMAGES), Some(LABELS), settings.distance_maps.map(|_| DISTANCE_MAPS)];
        kinds.into_iter().flatten().all(|kind| NpyFile::open(&self.file(kind, &case.id)).is_ok())
            && Origin::of(settings, case).is_some_and(|origin| origin.is_noted(&self.folder, &case.id))
    }

    /// Writes the arrays of a case, each completely or not at all. Distance maps of an earlier run, which would not belong
    /// to the new arrays, are removed where this one makes none.
    pub fn write(&self, id: &str, case: &PreprocessedCase, origin: Option<Origin>) -> Result<()> {
        origin::forget(&self.folder, id)?;
        self.write_arrays(id, case)?;
        origin.map_or(Ok(()), |origin| origin.note(&self.folder, id))
    }

    fn write_arrays(&self, id: &str, case: &PreprocessedCase) -> Result<()> {
        let [x, y, z] = case.size;
        npy::write(&self.file(IMAGES, id), &[x, y, z, case.channels], &case.image).map_err(cannot_write)?;
        let Some(labels) = &case.labels else { return Ok(()) };
        npy::write(&self.file(LABELS, id), &[x, y, z, 1], labels).map_err(cannot_write)?;
        let Some(maps) = &case.distance_maps else { return remove_file(&self.file(DISTANCE_MAPS, id)) };
        let classes = maps.len() / labels.len().max(1);
        npy::write(&self.file(DISTANCE_MAPS, id), &[x, y, z, classes], maps).map_err(cannot_write)
    }

    /// Removes the arrays of a case that an earlier run left: training must not take them for current ones.
    pub fn remove(&self, id: &str) -> Result<()> {
        origin::forget(&self.folder, id)?;
        for kind in [IMAGES, LABELS, DISTANCE_MAPS] {
            let file = self.file(kind, id);
            match std::fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::new("cannot remove an outdated array").at(&file).because(error)),
            }
        }
        Ok(())
    }

    /// Marks the folder as complete but for the cases left out.
    pub fn finish(self, left_out: &[CaseFailure]) -> Result<()> {
        LeftOut::write(&LeftOut::file(&self.folder), left_out)?;
        remove_file(&self.folder.join(UNFINISHED))
    }

    fn file(&self, kind: &str, id: &str) -> PathBuf {
        self.folder.join(kind).join(format!("{id}.npy"))
    }
}

/// Says of the folder, where there is one, that not all its arrays belong to the run that is going to fill it.
pub fn mark_unfinished(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    write_atomically(&folder.join(UNFINISHED), b"Preprocessing has not come to its end; some arrays may be older.\n")
}

/// True if a run that writes to this folder was cut off, or goes on.
pub fn is_unfinished(folder: &Path) -> bool {
    folder.join(UNFINISHED).exists()
}

/// Names, without `.npy`, of the arrays in a folder; none if it does not exist.
fn array_names(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".npy")) {
            names.push(name.to_string());
        }
    }
    Ok(names)
}

/// Not the fault of a case: the next one would fail as well.
fn cannot_write(error: NpyError) -> Error {
    Error::new("cannot write the array").at(&error.path).because(error.problem).hint(
        "check the free space and the permissions of the folder; cases that are already there are complete, \
         continue with --resume",
    )
}
