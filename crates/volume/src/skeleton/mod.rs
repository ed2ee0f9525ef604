//! Skeleton of a mask: thin lines and sheets along its middle, of the same topology.
//!
//! Border voxels go in rounds over the six directions (Lee, Kashyap and Chu, *Building skeleton models via 3-D medial
//! surface/axis thinning algorithms*, CVGIP: Graphical Models and Image Processing 56, 1994). In each direction those are
//! collected that may go by themselves: not the end of a line, and simple (without them the topology is the same). As
//! neighbours may depend on each other, each is looked at again, one after the other, when it is its turn.
//!
//! Whether a voxel may go depends on its 26 neighbours alone. So only those border voxels are looked at whose neighbours
//! have changed since, and in those directions alone in which they have a face outside.

mod neighbourhood;

use crate::volume::ShapeError;
use neighbourhood::Neighbourhood;
use rayon::prelude::*;

/// The directions of a round along x, y, z, in the order of scikit-image, which was found from what it makes of small masks.
const ROUND: [[isize; 3]; 6] = [[0, -1, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1]];
/// Voxels that a thread takes at once.
const VOXELS_AT_ONCE: usize = 4096;
/// Voxels of a row that are compared at once.
const PIECE: usize = 32;
/// A voxel of the mask.
const INSIDE: u8 = 1;
/// Three of them in a row, read at once.
const INSIDE_ROW: u32 = u32::from_le_bytes([INSIDE, INSIDE, INSIDE, 0]);
/// A voxel with a neighbour that has just gone.
const TOUCHED: u8 = 2;
/// A voxel that is to be looked at in the first direction of the round; shifted by one, in the next one.
const LISTED: u8 = 4;

/// What is asked of a voxel again before it goes, when voxels of the same border have gone before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// That its neighbours hang together, if it has any left. So does scikit-image (`skeletonize` with `method="lee"`),
    /// with the same result to the voxel. A part without holes may vanish, as a cube of 2 x 2 x 2 voxels does.
    Connectivity,
    /// That it is simple still: parts, cavities and tunnels are those of the mask, and no part vanishes.
    Topology,
}

/// Thins a mask (x fastest, `size` voxels) to its skeleton, a part of the mask. Voxels beyond the image count as outside.
///
/// The image's axes are not equal: of lines of even width the voxels on one side stay. In scikit-image the array has its
/// axes in the order z, y, x. As there, an image of a single slice is thinned as a plane, not from above and below.
/// Needs two bytes per voxel, and some words per border voxel. Does not depend on the number of threads.
///
/// # Errors
/// The mask does not have as many voxels as its size says.
pub fn skeleton(mask: &[bool], size: [usize; 3], recheck: Recheck) -> Result<Vec<bool>, ShapeError> {
    let voxels = size.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if voxels != Some(mask.len()) {
        return Err(ShapeError { size, values: mask.len() });
    }
    if mask.is_empty() {
        return Ok(Vec::new());
    }
    let mut image = Padded::of(mask, size);
    image.thin(recheck);
    Ok(image.mask())
}

/// A mask with a margin of one voxel outside it on all sides, so that every voxel of the image has its neighbours.
struct Padded {
    /// [`INSIDE`], [`TOUCHED`] and [`LISTED`]. There is one more, so that four can be read where three are wanted.
    voxels: Vec<u8>,
    size: [usize; 3],
    /// Voxels to the next one along x, y, z.
    strides: [usize; 3],
}

impl Padded {
    fn of(mask: &[bool], size: [usize; 3]) -> Self {
        let [nx, ny, nz] = size;
        let strides = [1, nx + 2, (nx + 2) * (ny + 2)];
        let mut voxels = vec![0; strides[2] * (nz + 2) + 1];
        let planes = voxels.par_chunks_exact_mut(strides[2]).skip(1);
        planes.zip(mask.par_chunks_exact(nx * ny)).for_each(|(padded, plane)| {
            let rows = padded.chunks_exact_mut(strides[1]).skip(1);
            for (padded, row) in rows.zip(plane.chunks_exact(nx)) {
                padded[1..=nx].iter_mut().zip(row).for_each(|(voxel, inside)| *voxel = u8::from(*inside));
            }
        });
        Self { voxels, size, strides }
    }

    fn mask(&self) -> Vec<bool> {
        let [nx, ny, _] = self.size;
        let mut mask = vec![false; self.size.iter().product()];
        let planes = self.voxels.par_chunks_exact(self.strides[2]).skip(1);
        planes.zip(mask.par_chunks_exact_mut(nx * ny)).for_each(|(padded, plane)| {
            let rows = padded.chunks_exact(self.strides[1]).skip(1);
            for (padded, row) in rows.zip(plane.chunks_exact_mut(nx)) {
                row.iter_mut().zip(&padded[1..=nx]).for_each(|(inside, voxel)| *inside = voxel & INSIDE != 0);
            }
        });
        mask
    }

    fn thin(&mut self, recheck: Recheck) {
        // Voxels of an image of a single slice do not go because they are outside above and below.
        let directions = if self.size[2] == 1 { 4 } else { 6 };
        let mut lists: [Vec<usize>; 6] = Default::default();
        self.list(&self.border(), directions, &mut lists);
        while lists.iter().any(|list| !list.is_empty()) {
            for direction in 0..directions {
                let listed = std::mem::take(&mut lists[direction]);
                listed.iter().for_each(|&at| self.voxels[at] &= !(LISTED << direction));
                let may_go = |at: &usize| self.voxels[*at] & INSIDE != 0 && self.neighbourhood(*at).may_go();
                let mut gone: Vec<usize> = listed.into_par_iter().with_min_len(VOXELS_AT_ONCE).filter(may_go).collect();
                // Voxels take their turns in the order of the image.
                gone.sort_unstable();
                gone.retain(|&at| {
                    let goes = self.neighbourhood(at).may_still_go(recheck);
                    self.voxels[at] &= !u8::from(goes);
                    goes
                });
                let touched = self.touched_by(&gone);
                self.list(&touched, directions, &mut lists);
            }
        }
    }

    /// Voxels of the mask with a neighbour among some that have gone, each once.
    fn touched_by(&mut self, gone: &[usize]) -> Vec<usize> {
        let mut touched = Vec::with_capacity(gone.len());
        for &at in gone {
            for start in self.rows_around(at) {
                let Some(row) = self.voxels[start..].first_chunk_mut() else { continue };
                let voxels = u32::from_le_bytes(*row);
                let mut new = voxels & !(voxels >> 1) & INSIDE_ROW;
                *row = (voxels | (new * u32::from(TOUCHED))).to_le_bytes();
                while new != 0 {
                    touched.push(start + new.trailing_zeros() as usize / 8);
                    new &= new - 1;
                }
            }
        }
        touched
    }

    /// Has voxels looked at in every direction in which they have a face outside.
    fn list(&mut self, voxels: &[usize], directions: usize, lists: &mut [Vec<usize>; 6]) {
        let steps = ROUND.map(|[x, y, z]| x + y * self.strides[1] as isize + z * self.strides[2] as isize);
        for &at in voxels {
            let is_open = |step: isize| !self.voxels[at.wrapping_add_signed(step)] & INSIDE;
            let open = (0..6).fold(0, |open, direction| open | is_open(steps[direction]) << direction);
            let listed = self.voxels[at] / LISTED;
            for direction in 0..directions {
                if open & !listed & 1 << direction != 0 {
                    lists[direction].push(at);
                }
            }
            self.voxels[at] = INSIDE | ((listed | open) * LISTED);
        }
    }

    fn neighbourhood(&self, at: usize) -> Neighbourhood {
        let mut rows = [0; 9];
        for (row, start) in rows.iter_mut().zip(self.rows_around(at)) {
            *row = self.voxels[start..].first_chunk().map_or(0, |voxels| u32::from_le_bytes(*voxels) & INSIDE_ROW);
        }
        Neighbourhood::of(rows)
    }

    /// Where the nine rows of three voxels around a voxel start, y faster than z.
    #[inline]
    fn rows_around(&self, at: usize) -> [usize; 9] {
        let [_, dy, dz] = self.strides;
        let first = at - 1 - dy - dz;
        let plane = |first: usize| [first, first + dy, first + 2 * dy];
        let [[a, b, c], [d, e, f], [g, h, i]] = [plane(first), plane(first + dz), plane(first + 2 * dz)];
        [a, b, c, d, e, f, g, h, i]
    }

    /// Voxels of the mask with a face outside it, ascending.
    fn border(&self) -> Vec<usize> {
        let [nx, ny, nz] = self.size;
        let [_, dy, dz] = self.strides;
        let plane = |z: usize| {
            let mut found = Vec::new();
            for y in 1..=ny {
                let row = 1 + y * dy + z * dz;
                for start in (row..row + nx).step_by(PIECE) {
                    let length = PIECE.min(row + nx - start);
                    let piece = |at: usize| &self.voxels[at..at + length];
                    let own = piece(start);
                    let faces = [start - 1, start + 1, start - dy, start + dy, start - dz, start + dz].map(piece);
                    let is_border = |i: usize| own[i] & !faces.iter().fold(INSIDE, |all, face| all & face[i]);
                    // Most pieces have none: those are passed over with vector instructions.
                    if (0..length).fold(0, |any, i| any | is_border(i)) != 0 {
                        found.extend((0..length).filter(|&i| is_border(i) != 0).map(|i| start + i));
                    }
                }
            }
            found
        };
        (1..=nz).into_par_iter().flat_map_iter(plane).collect()
    }
}
