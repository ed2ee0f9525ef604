//! Exact Euclidean distance transform on an anisotropic lattice.
//!
//! Separable, one axis after the other. Along x a two-way sweep counts steps to the nearest site; along y and z the
//! squared distance is the lower envelope of the parabolas `height(v) + (step·(p − v))²` (Felzenszwalb and
//! Huttenlocher, *Distance Transforms of Sampled Functions*, Theory of Computing 8, 2012), found in linear time.
//! Squares are summed in the order x, y, z, in double, so a distance has the same bits as
//! `sqrt(((Δx·sx)² + (Δy·sy)²) + (Δz·sz)²)`. Lines are independent: results do not depend on the number of threads.

use rayon::prelude::*;

/// Columns transformed together, so that a cache line that was fetched is used whole.
const TILE: usize = 8;

/// Why a distance transform was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DistanceError {
    /// The number of points does not fit in memory's address range.
    #[error("a lattice of {size:?} points is too large")]
    Size {
        /// Points per axis.
        size: [usize; 3],
    },
    /// A step is zero, negative or not finite.
    #[error("spacing must be positive and finite, not {spacing:?}")]
    Spacing {
        /// Steps in mm.
        spacing: [f64; 3],
    },
    /// The mask has another number of voxels than the lattice has points.
    #[error("the lattice has {expected} points, the mask {found}")]
    Length {
        /// Points of the lattice.
        expected: usize,
        /// Length of the mask.
        found: usize,
    },
    /// A point lies outside the lattice.
    #[error("point {point} is outside a lattice of {points} points")]
    Point {
        /// Index asked for.
        point: usize,
        /// Points of the lattice.
        points: usize,
    },
}

/// A regular lattice of points, x fastest: point `(i, j, k)` has index `i + nx·(j + ny·k)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    size: [usize; 3],
    spacing: [f64; 3],
}

impl Lattice {
    /// A lattice of `size` points, `spacing` mm apart along x, y and z.
    pub fn new(size: [usize; 3], spacing: [f64; 3]) -> Result<Self, DistanceError> {
        let points = size.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if points.is_none_or(|points| points > isize::MAX as usize / size_of::<f64>()) {
            return Err(DistanceError::Size { size });
        }
        if !spacing.iter().all(|step| step.is_finite() && *step > 0.0) {
            return Err(DistanceError::Spacing { spacing });
        }
        Ok(Self { size, spacing })
    }

    /// Points per axis.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Distance in mm between neighbours along x, y and z.
    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.size.iter().product()
    }

    /// Diagonal in mm of the box that voxels around all points fill: `sqrt(Σ (nᵢ·sᵢ)²)`.
    pub fn diagonal(&self) -> f64 {
        let [x, y, z] = [0, 1, 2].map(|axis| (self.size[axis] as f64 * self.spacing[axis]).powi(2));
        (x + y + z).sqrt()
    }

    fn check(&self, sites: &[bool]) -> Result<(), DistanceError> {
        if sites.len() == self.points() {
            Ok(())
        } else {
            Err(DistanceError::Length { expected: self.points(), found: sites.len() })
        }
    }
}

/// Squared distance in mm² from every point of the lattice to the nearest site, x fastest.
/// 0 on the sites themselves, infinite everywhere when there is no site. Needs one array of doubles of the lattice's size.
pub fn squared_distances(sites: &[bool], lattice: &Lattice) -> Result<Vec<f64>, DistanceError> {
    lattice.check(sites)?;
    let [nx, ny, nz] = lattice.size;
    if sites.is_empty() {
        return Ok(Vec::new());
    }
    let mut squared = within_planes(sites, lattice);
    // The lines along x of the same y make a plane of their own.
    let mut by_y: Vec<Vec<&mut [f64]>> = (0..ny).map(|_| Vec::with_capacity(nz)).collect();
    for (index, line) in squared.chunks_exact_mut(nx).enumerate() {
        by_y[index % ny].push(line);
    }
    by_y.into_par_iter().for_each_init(
        || (Columns::default(), vec![0.0; nx * nz]),
        |(columns, plane), lines| {
            for (copy, line) in plane.chunks_exact_mut(nx).zip(&lines) {
                copy.copy_from_slice(line);
            }
            columns.lower(plane, nx, lattice.spacing[2]);
            for (copy, line) in plane.chunks_exact(nx).zip(lines) {
                line.copy_from_slice(copy);
            }
        },
    );
    Ok(squared)
}

/// Distance in mm from each of `points` (lattice indices, in any order) to the nearest site, in the order of `points`;
/// infinite when there is no site. Lines along z without a point are not computed, and one array of doubles of the
/// lattice's size is enough.
pub fn nearest_distances(sites: &[bool], lattice: &Lattice, points: &[usize]) -> Result<Vec<f64>, DistanceError> {
    lattice.check(sites)?;
    if let Some(&point) = points.iter().find(|&&point| point >= sites.len()) {
        return Err(DistanceError::Point { point, points: sites.len() });
    }
    if points.is_empty() {
        return Ok(Vec::new());
    }
    let [nx, ny, nz] = lattice.size;
    let planes = within_planes(sites, lattice);
    // (x, z, position in `points`) of the points with the same y, sorted so that each line is computed once.
    let mut by_y: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); ny];
    for (position, &point) in points.iter().enumerate() {
        by_y[point / nx % ny].push((point % nx, point / (nx * ny), position));
    }
    let found: Vec<Vec<(usize, f64)>> = by_y
        .into_par_iter()
        .enumerate()
        .map_init(Envelope::default, |envelope, (y, mut wanted)| {
            wanted.sort_unstable();
            let mut heights = vec![0.0; nz];
            wanted
                .chunk_by(|a, b| a.0 == b.0)
                .flat_map(|line| {
                    let x = line[0].0;
                    for z in 0..nz {
                        heights[z] = planes[x + nx * (y + ny * z)];
                    }
                    envelope.build(&heights, lattice.spacing[2]);
                    let squared = envelope.at(line.iter().map(|&(_, z, _)| z), &heights, lattice.spacing[2]);
                    line.iter().map(|&(_, _, position)| position).zip(squared).collect::<Vec<_>>()
                })
                .collect()
        })
        .collect();
    let mut distances = vec![f64::INFINITY; points.len()];
    for (position, squared) in found.into_iter().flatten() {
        distances[position] = squared.sqrt();
    }
    Ok(distances)
}

/// Squared distance to the nearest site of the same plane z.
fn within_planes(sites: &[bool], lattice: &Lattice) -> Vec<f64> {
    let [nx, ny, _] = lattice.size;
    let [step_x, step_y, _] = lattice.spacing;
    let mut squared = vec![f64::INFINITY; sites.len()];
    squared.par_chunks_mut(nx * ny).zip(sites.par_chunks(nx * ny)).for_each_init(
        Columns::default,
        |columns, (plane, sites)| {
            if !sites.contains(&true) {
                return;
            }
            for (line, sites) in plane.chunks_exact_mut(nx).zip(sites.chunks_exact(nx)) {
                sweep(sites, step_x, line);
            }
            columns.lower(plane, nx, step_y);
        },
    );
    squared
}

/// Transforms the columns of a plane; kept between planes for its memory.
#[derive(Default)]
struct Columns {
    envelope: Envelope,
    heights: Vec<f64>,
    lowered: Vec<f64>,
}

impl Columns {
    /// Lowers every column of `plane`, whose rows have `width` values, to the envelope of its parabolas.
    fn lower(&mut self, plane: &mut [f64], width: usize, step: f64) {
        let count = plane.len() / width;
        self.heights.resize(TILE * count, 0.0);
        self.lowered.resize(TILE * count, 0.0);
        for start in (0..width).step_by(TILE) {
            let columns = TILE.min(width - start);
            for (index, row) in plane.chunks_exact(width).enumerate() {
                for column in 0..columns {
                    self.heights[column * count + index] = row[start + column];
                }
            }
            let heights = self.heights.chunks_exact(count).zip(self.lowered.chunks_exact_mut(count));
            for (heights, lowered) in heights.take(columns) {
                self.envelope.lower(heights, step, lowered);
            }
            for (index, row) in plane.chunks_exact_mut(width).enumerate() {
                for column in 0..columns {
                    row[start + column] = self.lowered[column * count + index];
                }
            }
        }
    }
}

/// Squared distance along one line of voxels, by counting steps forwards and backwards.
fn sweep(sites: &[bool], step: f64, line: &mut [f64]) {
    let mut nearest = None;
    for i in 0..sites.len() {
        if sites[i] {
            nearest = Some(i);
        }
        if let Some(site) = nearest {
            let distance = (i - site) as f64 * step;
            line[i] = distance * distance;
        }
    }
    nearest = None;
    for i in (0..sites.len()).rev() {
        if sites[i] {
            nearest = Some(i);
        }
        if let Some(site) = nearest {
            let distance = (site - i) as f64 * step;
            line[i] = line[i].min(distance * distance);
        }
    }
}

/// Lower envelope of the parabolas of one line; kept between lines for its memory.
#[derive(Default)]
struct Envelope {
    /// Positions of the parabolas that touch the envelope, ascending.
    vertices: Vec<usize>,
    /// Where each of them begins to be the lowest.
    starts: Vec<f64>,
}

impl Envelope {
    /// Finds the envelope of the parabolas of opening `step²` that stand on the finite `heights`.
    fn build(&mut self, heights: &[f64], step: f64) {
        self.vertices.clear();
        self.starts.clear();
        let opening = 2.0 * step * step;
        for (vertex, &height) in heights.iter().enumerate() {
            if height.is_infinite() {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while let (Some(&last), Some(&last_start)) = (self.vertices.last(), self.starts.last()) {
                let crossing = (height - heights[last]) / (opening * (vertex - last) as f64);
                start = crossing + (vertex + last) as f64 / 2.0;
                if start > last_start {
                    break;
                }
                self.vertices.pop();
                self.starts.pop();
                start = f64::NEG_INFINITY;
            }
            self.vertices.push(vertex);
            self.starts.push(start);
        }
    }

    /// Height of the envelope at ascending positions.
    fn at<'a>(
        &'a self,
        positions: impl Iterator<Item = usize> + 'a,
        heights: &'a [f64],
        step: f64,
    ) -> impl Iterator<Item = f64> + 'a {
        let mut lowest = 0;
        positions.map(move |position| {
            while self.starts.get(lowest + 1).is_some_and(|&start| start < position as f64) {
                lowest += 1;
            }
            self.vertices.get(lowest).map_or(f64::INFINITY, |&vertex| {
                let distance = position.abs_diff(vertex) as f64 * step;
                heights[vertex] + distance * distance
            })
        })
    }

    /// One line of the transform.
    fn lower(&mut self, heights: &[f64], step: f64, lowered: &mut [f64]) {
        self.build(heights, step);
        for (target, height) in lowered.iter_mut().zip(self.at(0..heights.len(), heights, step)) {
            *target = height;
        }
    }
}
