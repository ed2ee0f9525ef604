//! A voxel and its 26 neighbours, and whether the voxel may go.

use super::Recheck;

/// All 27 voxels; three octal digits per plane, one per row.
const ALL: u32 = 0o777_777_777;
const CENTRE: u32 = 0o000_020_000;
/// Voxels that have one before them along x, and those that have one behind them.
const BEHIND_X: u32 = 0o666_666_666;
const BEFORE_X: u32 = 0o333_333_333;
/// The same along y.
const BEHIND_Y: u32 = 0o770_770_770;
const BEFORE_Y: u32 = 0o077_077_077;

/// By octant and the bits of its 2 x 2 x 2 voxels: what the voxel in the middle adds to eight times the Euler number.
static EULER: [[i8; 256]; 8] = euler_table();

/// Bits of the mask around a voxel and of itself: x fastest, then y.
#[derive(Clone, Copy)]
pub(super) struct Neighbourhood(u32);

impl Neighbourhood {
    /// From nine rows of three voxels: bytes of 0 or 1, the first one lowest.
    pub(super) fn of(rows: [u32; 9]) -> Self {
        // The product has the three bits side by side at 16; no two of its terms meet.
        let gather = |row: u32| row.wrapping_mul(1 << 16 | 1 << 9 | 1 << 2) >> 16 & 7;
        Self(rows.into_iter().rev().fold(0, |bits, row| bits << 3 | gather(row)))
    }

    /// Whether the voxel is neither the end of a line nor needed for the topology.
    pub(super) fn may_go(self) -> bool {
        (self.0 & !CENTRE).count_ones() != 1 && self.is_simple()
    }

    /// Whether a voxel that could have gone may go, now that others have gone.
    pub(super) fn may_still_go(self, recheck: Recheck) -> bool {
        match recheck {
            Recheck::Connectivity => self.is_connected(),
            Recheck::Topology => self.is_simple(),
        }
    }

    /// Whether the mask keeps its topology without the voxel: parts joined over corners, the outside joined over faces.
    /// That holds when the Euler number stays and the neighbours hang together (Lee, Kashyap and Chu).
    fn is_simple(self) -> bool {
        self.euler_difference() == 0 && self.is_connected()
    }

    /// Eight times the Euler number that the voxel adds. Its eight corners are counted one by one, with the voxels that
    /// share them.
    fn euler_difference(self) -> i32 {
        let octant = |at: usize| {
            let bits = self.0 >> (at % 2 + at / 2 % 2 * 3 + at / 4 * 9);
            let voxels = bits & 3 | (bits >> 3 & 3) << 2 | (bits >> 9 & 3) << 4 | (bits >> 12 & 3) << 6;
            i32::from(EULER[at][voxels as usize])
        };
        (0..8).map(octant).sum()
    }

    /// Whether the neighbours in the mask are one part, over corners; also if there are none.
    ///
    /// The paper labels them octant by octant. Here all spread at once, as bits, from one of them.
    fn is_connected(self) -> bool {
        let neighbours = self.0 & !CENTRE;
        let mut reached = neighbours & neighbours.wrapping_neg();
        loop {
            let along_x = reached | (reached & BEFORE_X) << 1 | (reached & BEHIND_X) >> 1;
            let along_y = along_x | (along_x & BEFORE_Y) << 3 | (along_x & BEHIND_Y) >> 3;
            let around = (along_y | along_y << 9 | along_y >> 9) & ALL;
            let more = around & neighbours;
            if more == reached {
                return reached == neighbours;
            }
            reached = more;
        }
    }
}

/// Counts corners − edges + faces − voxels that the voxel in the middle adds where an octant's corner is. Of what meets
/// there, each edge counts half, each face a quarter and the voxel an eighth, as they belong to several corners.
const fn euler_table() -> [[i8; 256]; 8] {
    let mut table = [[0; 256]; 8];
    let mut octant = 0;
    while octant < 8 {
        // Of the octant's voxels the one in the middle of all 27: the octant before the centre ends with it.
        let centre = 7 - octant;
        let mut voxels = 0;
        while voxels < 256 {
            table[octant][voxels] = added(voxels, centre);
            voxels += 1;
        }
        octant += 1;
    }
    table
}

/// Eight times what the voxel `centre` of the octant adds to the Euler number, when the others of `voxels` are there.
const fn added(voxels: usize, centre: usize) -> i8 {
    // Of the three axes, those along which a cell extends from the corner into the voxel: none for the corner itself. The
    // cell is shared by the voxels that differ from the centre along the others.
    let mut sum = 0;
    let mut extended = 0;
    while extended < 8_usize {
        let mut is_new = true;
        let mut other = 1;
        while other < 8 {
            if other & extended == 0 && voxels >> (centre ^ other) & 1 == 1 {
                is_new = false;
            }
            other += 1;
        }
        if is_new {
            sum += match extended.count_ones() {
                0 => 8,
                1 => -4,
                2 => 2,
                _ => -1,
            };
        }
        extended += 1;
    }
    sum
}
