//! Connected components of a mask.
//!
//! Voxels are joined as runs along x: two runs in neighbouring rows touch or they do not, so a union-find over runs does
//! the work of one over voxels (He, Chao and Suzuki, *A run-based two-scan labeling algorithm*, IEEE Trans. Image
//! Process. 17, 2008).

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
struct Run {
    start: usize,
    end: usize,
}

impl Components {
    /// Finds the components of `mask` (x fastest, `size` voxels).
    pub fn of(mask: &[bool], size: [usize; 3], connectivity: Connectivity) -> Result<Self, ComponentsError> {
        let [nx, ny, nz] = size;
        let voxels = nx.checked_mul(ny).and_then(|plane| plane.checked_mul(nz));
        if voxels != Some(mask.len()) {
            return Err(ComponentsError::Length { size, found: mask.len() });
        }
        if mask.is_empty() {
            return Ok(Self { labels: Vec::new(), count: 0 });
        }
        // The runs of row `r` are `runs[rows[r]..rows[r + 1]]`.
        let mut runs = Vec::new();
        let mut rows = Vec::with_capacity(ny * nz + 1);
        for row in mask.chunks_exact(nx) {
            rows.push(runs.len());
            let mut start = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&true) {
                    runs.push(Run { start, end: start + run.len() });
                }
                start += run.len();
            }
        }
        rows.push(runs.len());
        let mut parents: Vec<u32> = (0..u32::try_from(runs.len()).map_err(|_| ComponentsError::TooMany)?).collect();
        // Rows that come before row (y, z) and may touch it.
        let before = [(1, 0), (0, 1), (1, 1)];
        for z in 0..nz {
            for y in 0..ny {
                let own = rows[y + ny * z]..rows[y + ny * z + 1];
                for (dy, dz) in before {
                    let Some(reach) = connectivity.reach(dy, dz) else { continue };
                    let Some(other_z) = z.checked_sub(dz) else { continue };
                    let mut others = [y.checked_sub(dy), (dy > 0 && dz > 0).then_some(y + dy)];
                    others[1] = others[1].filter(|&other_y| other_y < ny);
                    for other_y in others.into_iter().flatten() {
                        let other = rows[other_y + ny * other_z]..rows[other_y + ny * other_z + 1];
                        join_rows(&runs, own.clone(), other, reach, &mut parents);
                    }
                }
            }
        }
        Ok(Self::number(&runs, &rows, &mut parents, nx, mask.len()))
    }

    /// Numbers the sets of runs in order of their first run and writes the labels.
    fn number(runs: &[Run], rows: &[usize], parents: &mut [u32], nx: usize, voxels: usize) -> Self {
        let mut numbers = vec![0_u32; runs.len()];
        let mut labels = vec![0; voxels];
        let mut count = 0;
        for (row, range) in rows.windows(2).enumerate() {
            for run in range[0]..range[1] {
                let root = root_of(parents, run as u32) as usize;
                if numbers[root] == 0 {
                    count += 1;
                    numbers[root] = count;
                }
                labels[nx * row + runs[run].start..nx * row + runs[run].end].fill(numbers[root]);
            }
        }
        Self { labels, count: count as usize }
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

/// Joins the runs of two rows that are within `reach` voxels of overlapping.
fn join_rows(
    runs: &[Run],
    own: std::ops::Range<usize>,
    other: std::ops::Range<usize>,
    reach: usize,
    parents: &mut [u32],
) {
    let (mut a, mut b) = (own.start, other.start);
    while a < own.end && b < other.end {
        if runs[a].start < runs[b].end + reach && runs[b].start < runs[a].end + reach {
            let (first, second) = (root_of(parents, a as u32), root_of(parents, b as u32));
            parents[first.max(second) as usize] = first.min(second);
        }
        if runs[a].end < runs[b].end { a += 1 } else { b += 1 }
    }
}

/// The run that stands for the set of `run`; shortens the way to it.
fn root_of(parents: &mut [u32], mut run: u32) -> u32 {
    while parents[run as usize] != run {
        parents[run as usize] = parents[parents[run as usize] as usize];
        run = parents[run as usize];
    }
    run
}
