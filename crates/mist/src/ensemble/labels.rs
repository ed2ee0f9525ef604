//! Label maps of one case, joined.

use super::majority_vote::majority_vote;
use super::patterns::Patterns;
use super::staple::staple;
use crate::label_map;
use crate::preprocess::problem::Problem;
use crate::preprocess::read::check_grid;
use mist_volume::Volume;
use std::path::PathBuf;

/// How label maps are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// See [`super::staple`].
    Staple,
    /// See [`super::majority_vote`].
    MajorityVote,
}

/// The joined map on the grid of the first file, the number of voxels that could not be decided, and a remark.
pub fn join(files: &[PathBuf], backend: Backend) -> Result<(Volume<u8>, u64, Option<String>), Problem> {
    let Some((first_file, more)) = files.split_first() else {
        return Err(Problem::new("looking for label maps", "there is none"));
    };
    let first = label_map::read(first_file)?;
    let mut maps = vec![first];
    for file in more {
        let map = label_map::read(file)?;
        check_grid(maps[0].geometry(), first_file, map.geometry(), file)?;
        maps.push(map);
    }
    let voxels: Vec<&[u8]> = maps.iter().map(|map| map.voxels()).collect();
    let patterns = Patterns::of(&voxels);
    let (decisions, is_settled) = match backend {
        Backend::MajorityVote => (majority_vote(&patterns), true),
        Backend::Staple => {
            let estimate = staple(&patterns);
            (estimate.decisions, estimate.is_settled)
        }
    };
    let (joined, undecided) = patterns.map(&voxels, &decisions);
    let joined = Volume::new(*maps[0].geometry(), joined).map_err(|error| Problem::new("joining", error))?;
    let note = (!is_settled).then(|| "the estimate of STAPLE did not come to rest and was taken as it was".to_owned());
    Ok((joined, undecided, note))
}
