//! What the raters say of each voxel, counted: many voxels, few different answers.

use std::collections::BTreeMap;

/// The different answers and how often they occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// One label per rater, in ascending order of the answers.
    pub answers: Vec<Vec<u8>>,
    /// Number of voxels with that answer.
    pub counts: Vec<u64>,
}

impl Patterns {
    /// Counts the answers in maps of equally many voxels.
    pub fn of(maps: &[&[u8]]) -> Self {
        let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for_each_run(maps, |answer, voxels| match counts.get_mut(answer) {
            Some(count) => *count += voxels.len() as u64,
            None => drop(counts.insert(answer.to_vec(), voxels.len() as u64)),
        });
        let (answers, counts) = counts.into_iter().unzip();
        Self { answers, counts }
    }

    /// One more than the largest label.
    pub fn labels(&self) -> usize {
        self.answers.iter().flatten().max().map_or(1, |label| usize::from(*label) + 1)
    }

    /// A map in which every voxel has the label that was decided on for its answer, and the number of those undecided, which
    /// become background.
    pub fn map(&self, maps: &[&[u8]], decisions: &[Option<u8>]) -> (Vec<u8>, u64) {
        let mut map = vec![0; maps.first().map_or(0, |map| map.len())];
        let mut undecided = 0;
        for_each_run(maps, |answer, voxels| {
            let at = self.answers.binary_search_by(|other| other.as_slice().cmp(answer));
            match at.ok().and_then(|at| decisions[at]) {
                Some(label) => map[voxels].fill(label),
                None => undecided += voxels.len() as u64,
            }
        });
        (map, undecided)
    }
}

/// Calls `visit` with every run of voxels that have the same answer.
fn for_each_run(maps: &[&[u8]], mut visit: impl FnMut(&[u8], std::ops::Range<usize>)) {
    let Some(count) = maps.iter().map(|map| map.len()).min() else { return };
    let mut answer = Vec::with_capacity(maps.len());
    let mut start = 0;
    while start < count {
        answer.clear();
        answer.extend(maps.iter().map(|map| map[start]));
        let run = |(map, label): (&&[u8], &u8)| map[start..count].iter().take_while(|other| *other == label).count();
        let end = start + maps.iter().zip(&answer).map(run).min().unwrap_or(1).max(1);
        visit(&answer, start..end);
        start = end;
    }
}
