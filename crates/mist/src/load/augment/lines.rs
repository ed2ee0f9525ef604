//! Filtering along one axis, many lines at a time.
//!
//! An array is seen as `(outer, length, inner)` in C order; its lines run along `length`. A block of [`LANES`] lines is
//! gathered so that neighbouring lanes are neighbours in memory, whatever the axis: the filters are then plain loops over
//! rows that the compiler turns into vector instructions, also along the last axis.

/// Lines worked on together.
pub const LANES: usize = 16;

/// One position of [`LANES`] lines.
pub type Row = [f32; LANES];

/// The lines of an array along one of its axes.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// Product of the axes before.
    pub outer: usize,
    /// Extent of the axis itself.
    pub length: usize,
    /// Product of the axes after, channels included.
    pub inner: usize,
}

/// Up to [`LANES`] lines: offset of the first one's first element for length 1, and the lanes in use.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    outer: usize,
    inner: usize,
    lanes: usize,
    along_inner: bool,
}

impl Lines {
    /// The lines along `axis` of an array `[x][y][z][channel]` of this size.
    pub fn along(axis: usize, size: [usize; 3], channels: usize) -> Self {
        Self {
            outer: size[..axis].iter().product(),
            length: size[axis],
            inner: size[axis + 1..].iter().product::<usize>() * channels,
        }
    }

    /// The same lines after their length became `length`.
    pub fn with_length(self, length: usize) -> Self {
        Self { length, ..self }
    }

    /// All lines, in blocks. The blocks do not depend on the length.
    pub fn blocks(self) -> impl Iterator<Item = Block> {
        // Lanes along `inner` are contiguous; where that is too short (the last axis), lanes are taken across `outer`.
        let along_inner = self.inner >= LANES;
        let (fixed, split) = if along_inner { (self.outer, self.inner) } else { (self.inner, self.outer) };
        (0..fixed).flat_map(move |fixed| {
            (0..split).step_by(LANES).map(move |first| {
                let (outer, inner) = if along_inner { (fixed, first) } else { (first, fixed) };
                Block { outer, inner, lanes: LANES.min(split - first), along_inner }
            })
        })
    }

    /// Copies a block of lines into `rows`, which has `length` rows. Unused lanes keep what they had.
    pub fn gather(self, array: &[f32], block: Block, rows: &mut [Row]) {
        let start = block.outer * self.length * self.inner + block.inner;
        if block.along_inner {
            for (row, line) in rows.iter_mut().zip(array[start..].chunks(self.inner)) {
                row[..block.lanes].copy_from_slice(&line[..block.lanes]);
            }
        } else {
            for lane in 0..block.lanes {
                let line = array[start + lane * self.length * self.inner..].iter().step_by(self.inner);
                for (row, value) in rows.iter_mut().zip(line) {
                    row[lane] = *value;
                }
            }
        }
    }

    /// Copies `rows`, which has `length` rows, to the place of a block of lines.
    pub fn scatter(self, rows: &[Row], block: Block, array: &mut [f32]) {
        let start = block.outer * self.length * self.inner + block.inner;
        if block.along_inner {
            for (row, line) in rows.iter().zip(array[start..].chunks_mut(self.inner)) {
                line[..block.lanes].copy_from_slice(&row[..block.lanes]);
            }
        } else {
            for lane in 0..block.lanes {
                let line = array[start + lane * self.length * self.inner..].iter_mut().step_by(self.inner);
                for (row, value) in rows.iter().zip(line) {
                    *value = row[lane];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathering_and_scattering_every_block_copies_the_array() {
        let size = [5, 7, 9];
        for channels in [1, 3] {
            let array: Vec<f32> = (0..5 * 7 * 9 * channels).map(|i| i as f32).collect();
            for axis in 0..3 {
                let lines = Lines::along(axis, size, channels);
                let mut copy = vec![-1.0; array.len()];
                let mut rows = vec![[0.0; LANES]; lines.length];
                for block in lines.blocks() {
                    lines.gather(&array, block, &mut rows);
                    lines.scatter(&rows, block, &mut copy);
                }
                assert_eq!(copy, array, "axis {axis}, {channels} channels");
            }
        }
    }

    #[test]
    fn rows_follow_the_axis() {
        let array: Vec<f32> = (0..2 * 3 * 4).map(|i| i as f32).collect();
        let lines = Lines::along(2, [2, 3, 4], 1);
        let mut rows = vec![[0.0; LANES]; 4];
        lines.gather(&array, lines.blocks().next().unwrap(), &mut rows);
        assert_eq!(rows[1][..6], [1.0, 5.0, 9.0, 13.0, 17.0, 21.0]);
    }
}
