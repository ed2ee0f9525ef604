//! Connected components of a mask.
//!
//! Voxels are joined as runs along x: two runs in neighbouring rows touch or they do not, so a union-find over runs does
//! the work of one over voxels (He, Chao and Suzuki, *A run-based two-scan labeling algorithm*, IEEE Trans. Image
//! Process. 17, 2008).

use rayon::prelude::*;
use std::ops::Range;

/// Voxels that are compared at once.
const PIECE: usize = 32;
/// Rows that a thread takes at once.
const ROWS_AT_ONCE: usize = 64;
/// Slabs that each thread joins: several, as some hold more than others.
const SLABS_PER_THREAD: usize = 4;

/// Which voxels are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Those that share a face: 6 of them.
    Faces,
    /// Those that share a face or an edge: 18.
    Edges,
    /// Those that share a face, an edge or a corner: 26.
    Corners,
}

impl Connectivity {
    /// How far neighbours in a row `dy`, `dz` rows away may be shifted along x; `None` when there are none.
    fn reach(self, dy: usize, dz: usize) -> Option<usize> {
        let axes = match self {
            Self::Faces => 1,
            Self::Edges => 2,
            Self::Corners => 3_usize,
        };
        axes.checked_sub(dy + dz).map(|left| left.min(1))
    }

    /// Offsets `(dx, dy, dz)` of the neighbours of a voxel.
    pub fn offsets(self) -> Vec<[isize; 3]> {
        let steps = [-1_isize, 0, 1];
        let all = steps.into_iter().flat_map(|z| steps.into_iter().flat_map(move |y| steps.map(|x| [x, y, z])));
        all.filter(|&[x, y, z]| {
            let neighbour =
                self.reach(y.unsigned_abs(), z.unsigned_abs()).is_some_and(|reach| x.unsigned_abs() <= reach);
            neighbour && [x, y, z] != [0; 3]
        })
        .collect()
    }
}

/// Why components could not be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentsError {
    /// The mask does not have as many voxels as its size says.
    #[error("a mask of {size:?} voxels cannot have {found} values")]
    Length {
        /// Voxels per axis.
        size: [usize; 3],
        /// Values given.
        found: usize,
    },
    /// More runs of voxels than can be numbered.
    #[error("the mask has more than {} separate runs of voxels", u32::MAX)]
    TooMany,
}

/// The components of a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Components {
    /// 0 outside the mask, else the number of the component, x fastest. Components are numbered from 1 in the order of
    /// their first voxels.
    pub labels: Vec<u32>,
    /// Number of components.
    pub count: usize,
}

/// What a component is like, in voxels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Number of voxels.
    pub voxels: usize,
    /// First voxel of its bounding box along x, y, z.
    pub start: [usize; 3],
    /// Voxel after the last one of its bounding box along x, y, z.
    pub end: [usize; 3],
    /// Mean position of its voxels along x, y, z.
    pub centroid: [f64; 3],
}

/// Voxels `start..end` along x.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// The runs of a mask, row by row.
struct Runs {
    runs: Vec<Run>,
    /// The runs of row `r` are `runs[rows[r]..rows[r + 1]]`.
    rows: Vec<usize>,
}

impl Components {
    /// Finds the components of `mask` (x fastest, `size` voxels). The numbers do not depend on the number of threads.
    pub fn of(mask: &[bool], size: [usize; 3], connectivity: Connectivity) -> Result<Self, ComponentsError> {
        let [nx, ny, nz] = size;
        let voxels = nx.checked_mul(ny).and_then(|plane| plane.checked_mul(nz));
        if voxels != Some(mask.len()) {
            return Err(ComponentsError::Length { size, found: mask.len() });
        }
        if mask.is_empty() {
            return Ok(Self { labels: Vec::new(), count: 0 });
        }
        let runs = Runs::of(mask, size);
        if u32::try_from(nx).is_err() || u32::try_from(runs.runs.len()).is_err() {
            return Err(ComponentsError::TooMany);
        }
        let parents = runs.joined(ny, nz, connectivity);
        // The run that stands for another comes before it, and has its number by then.
        let mut numbers = vec![0_u32; parents.len()];
        let mut count = 0;
        for (run, parent) in parents.iter().enumerate() {
            numbers[run] = if *parent as usize == run {
                count += 1;
                count
            } else {
                numbers[*parent as usize]
            };
        }
        let mut labels = vec![0; mask.len()];
        labels.par_chunks_mut(nx).enumerate().with_min_len(ROWS_AT_ONCE).for_each(|(row, labels)| {
            let range = runs.rows[row]..runs.rows[row + 1];
            for (run, number) in runs.runs[range.clone()].iter().zip(&numbers[range]) {
                labels[run.start as usize..run.end as usize].fill(*number);
            }
        });
        Ok(Self { labels, count: count as usize })
    }

    /// Size, place and extent of each component; component `n` is at position `n − 1`.
    pub fn statistics(&self, size: [usize; 3]) -> Vec<Statistics> {
        let [nx, ny, _] = size;
        let empty = Statistics { voxels: 0, start: [usize::MAX; 3], end: [0; 3], centroid: [0.0; 3] };
        let mut statistics = vec![empty; self.count];
        for (row, labels) in self.labels.chunks_exact(nx.max(1)).enumerate() {
            let mut x = 0;
            for run in labels.chunk_by(|a, b| a == b) {
                let (start, end) = (x, x + run.len());
                x = end;
                let Some(at) = (run[0] as usize).checked_sub(1) else { continue };
                let found = &mut statistics[at];
                found.voxels += run.len();
                let (first, last) = ([start, row % ny, row / ny], [end, row % ny + 1, row / ny + 1]);
                let count = run.len() as f64;
                for axis in 0..3 {
                    found.start[axis] = found.start[axis].min(first[axis]);
                    found.end[axis] = found.end[axis].max(last[axis]);
                    // The middle of the voxels `first..last`.
                    found.centroid[axis] += count * (first[axis] + last[axis] - 1) as f64 / 2.0;
                }
            }
        }
        for found in &mut statistics {
            found.centroid = found.centroid.map(|sum| sum / found.voxels as f64);
        }
        statistics
    }

    /// Voxels of each component, as indices into the mask, ascending; component `n` is at position `n − 1`.
    pub fn voxels(&self) -> Vec<Vec<usize>> {
        let mut voxels = vec![Vec::new(); self.count];
        for (index, &label) in self.labels.iter().enumerate() {
            if label > 0 {
                voxels[label as usize - 1].push(index);
            }
        }
        voxels
    }
}

impl Runs {
    fn of(mask: &[bool], [nx, ny, _]: [usize; 3]) -> Self {
        let planes: Vec<Self> = mask.par_chunks(nx * ny).map(|plane| Self::of_plane(plane, nx)).collect();
        let mut all =
            Self { runs: Vec::with_capacity(planes.iter().map(|plane| plane.runs.len()).sum()), rows: vec![0] };
        for plane in planes {
            all.rows.extend(plane.rows.iter().map(|end| all.runs.len() + end));
            all.runs.extend(plane.runs);
        }
        all
    }

    /// Of a plane; `rows` holds the end of each row alone.
    fn of_plane(plane: &[bool], nx: usize) -> Self {
        let (mut runs, mut rows) = (Vec::new(), Vec::with_capacity(plane.len() / nx));
        for row in plane.chunks_exact(nx) {
            let mut start = next(row, 0, true);
            while start < nx {
                let end = next(row, start, false);
                runs.push(Run { start: start as u32, end: end as u32 });
                start = next(row, end, true);
            }
            rows.push(runs.len());
        }
        Self { runs, rows }
    }

    /// For every run one of the same component that does not come after it; itself for the first run of a component.
    fn joined(&self, ny: usize, nz: usize, connectivity: Connectivity) -> Vec<u32> {
        let mut parents = vec![0; self.runs.len()];
        let slabs = nz.min(rayon::current_num_threads() * SLABS_PER_THREAD);
        let first_plane = |slab: usize| slab * nz / slabs;
        let first_run = |slab: usize| self.rows[first_plane(slab) * ny];
        let mut parts = Vec::new();
        let mut rest = parents.as_mut_slice();
        for slab in 0..slabs {
            let (part, others) = rest.split_at_mut(first_run(slab + 1) - first_run(slab));
            parts.push((slab, part));
            rest = others;
        }
        // Each slab by itself, then the first plane of each with the one below it.
        parts.into_par_iter().for_each(|(slab, part)| {
            let mut sets = Sets { parents: part, first: first_run(slab) };
            sets.separate();
            for z in first_plane(slab)..first_plane(slab + 1) {
                self.join_plane(z, ny, connectivity, 0, &mut sets);
                if z > first_plane(slab) {
                    self.join_plane(z, ny, connectivity, 1, &mut sets);
                }
            }
        });
        let mut sets = Sets { parents: &mut parents, first: 0 };
        for slab in 1..slabs {
            self.join_plane(first_plane(slab), ny, connectivity, 1, &mut sets);
        }
        parents
    }

    /// Joins the runs of plane `z` with those that come before them in the plane `dz` below, 0 or 1.
    fn join_plane(&self, z: usize, ny: usize, connectivity: Connectivity, dz: usize, sets: &mut Sets) {
        for y in 0..ny {
            let own = self.rows[y + ny * z]..self.rows[y + ny * z + 1];
            for dy in 0..=1 {
                let Some(reach) = connectivity.reach(dy, dz).filter(|_| dy + dz > 0) else { continue };
                let mut others = [y.checked_sub(dy), (dy > 0 && dz > 0).then_some(y + dy)];
                others[1] = others[1].filter(|&other_y| other_y < ny);
                for other_y in others.into_iter().flatten() {
                    let row = other_y + ny * (z - dz);
                    self.join_rows(own.clone(), self.rows[row]..self.rows[row + 1], reach as u32, sets);
                }
            }
        }
    }

    /// Joins the runs of two rows that are within `reach` voxels of overlapping.
    fn join_rows(&self, own: Range<usize>, other: Range<usize>, reach: u32, sets: &mut Sets) {
        let (mut a, mut b) = (own.start, other.start);
        while a < own.end && b < other.end {
            let (one, two) = (self.runs[a], self.runs[b]);
            if one.start < two.end + reach && two.start < one.end + reach {
                sets.join(a, b);
            }
            if one.end < two.end { a += 1 } else { b += 1 }
        }
    }
}

/// First place from `from` on where the row has that value; its end if there is none.
fn next(row: &[bool], from: usize, value: bool) -> usize {
    let mut at = from;
    // Most stretches are long: passed over in pieces that vector instructions compare.
    while let Some(piece) = row.get(at..at + PIECE)
        && !piece.iter().fold(false, |found, voxel| found | (*voxel == value))
    {
        at += PIECE;
    }
    row[at..].iter().position(|voxel| *voxel == value).map_or(row.len(), |step| at + step)
}

/// Sets of runs, from the run `first` on.
struct Sets<'a> {
    /// For every run one of its set that does not come after it. Counted from run 0 of the mask.
    parents: &'a mut [u32],
    first: usize,
}

impl Sets<'_> {
    /// Every run a set of its own.
    fn separate(&mut self) {
        self.parents.iter_mut().enumerate().for_each(|(at, parent)| *parent = (self.first + at) as u32);
    }

    /// Makes one set of those of two runs.
    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root_of(one), self.root_of(other));
        self.parents[one.max(other) - self.first] = one.min(other) as u32;
    }

    /// The first run of a set; shortens the way to it.
    fn root_of(&mut self, mut run: usize) -> usize {
        loop {
            let parent = self.parents[run - self.first] as usize;
            if parent == run {
                return run;
            }
            let grandparent = self.parents[parent - self.first];
            self.parents[run - self.first] = grandparent;
            run = grandparent as usize;
        }
    }
}
