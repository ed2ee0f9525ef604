//! Which runs of consecutive values of input and output meet at a kernel entry.

use std::ops::Range;

use super::PoolShape;

/// Consecutive input values and the output values whose windows have them at one entry.
pub(super) struct Run {
    /// Offsets of the first values; which of the two is within a row and which in the whole map, the maker says.
    pub input: usize,
    pub output: usize,
    pub len: usize,
    /// Index of the entry in the kernel, a whole number.
    pub entry: f32,
}

impl PoolShape {
    /// Rows of the input or output of all images, and values of each.
    pub(super) fn rows(&self, size: [usize; 3]) -> (usize, usize) {
        (self.batch * size[0] * size[1], size[2] * self.channels)
    }

    /// Kernel entries of one axis that are inside the map for the window of an output position.
    fn entries(&self, axis: usize, output: usize) -> Range<usize> {
        let first = output * self.stride[axis];
        self.padding[axis].saturating_sub(first)..self.kernel[axis].min(self.input[axis] + self.padding[axis] - first)
    }

    /// Output positions of one axis whose window has an input position.
    fn windows(&self, axis: usize, input: usize) -> Range<usize> {
        let (stride, shifted) = (self.stride[axis], input + self.padding[axis]);
        let end = (shifted / stride + 1).min(self.output()[axis]);
        (shifted + 1).saturating_sub(self.kernel[axis]).div_ceil(stride).min(end)..end
    }

    /// First entry of the window of every value of output row number `row`, in the kernel's index order.
    pub(super) fn first_entries(&self, row: usize, entries: &mut [f32]) {
        let [depth, height, _] = self.output();
        let (a, b) = (self.entries(0, row / height % depth).start, self.entries(1, row % height).start);
        for (w, voxel) in entries.chunks_exact_mut(self.channels).enumerate() {
            let c = self.entries(2, w).start;
            voxel.fill(((a * self.kernel[1] + b) * self.kernel[2] + c) as f32);
        }
    }

    /// Runs of output row number `row`, entry after entry: input offsets in the map, output offsets in the row.
    pub(super) fn runs_of_output(&self, row: usize, runs: &mut Vec<Run>) {
        let [depth, height, _] = self.output();
        let (image, d, h) = (row / height / depth, row / height % depth, row % height);
        runs.clear();
        for a in self.entries(0, d) {
            for b in self.entries(1, h) {
                let plane = image * self.input[0] + d * self.stride[0] + a - self.padding[0];
                let line = plane * self.input[1] + h * self.stride[1] + b - self.padding[1];
                for c in 0..self.kernel[2] {
                    self.runs_of_entry([a, b, c], [line, 0], runs);
                }
            }
        }
    }

    /// Runs of input row number `row`, window after window: input offsets in the row, output offsets in the map.
    pub(super) fn runs_of_input(&self, row: usize, runs: &mut Vec<Run>) {
        let [depth, height, _] = self.input;
        let output = self.output();
        let (image, d, h) = (row / height / depth, row / height % depth, row % height);
        runs.clear();
        for window_d in self.windows(0, d) {
            for window_h in self.windows(1, h) {
                let line = (image * output[0] + window_d) * output[1] + window_h;
                let a = d + self.padding[0] - window_d * self.stride[0];
                let b = h + self.padding[1] - window_h * self.stride[1];
                for c in (0..self.kernel[2]).rev() {
                    self.runs_of_entry([a, b, c], [0, line], runs);
                }
            }
        }
    }

    /// Runs of one entry, in the given rows of input and output.
    fn runs_of_entry(&self, [a, b, c]: [usize; 3], [input, output]: [usize; 2], runs: &mut Vec<Run>) {
        let (stride, padding, width) = (self.stride[2], self.padding[2], self.output()[2]);
        let first = padding.saturating_sub(c).div_ceil(stride);
        let end = (self.input[2] + padding).saturating_sub(c).div_ceil(stride).min(width);
        if first >= end {
            return;
        }
        let entry = ((a * self.kernel[1] + b) * self.kernel[2] + c) as f32;
        // With a stride of 1, neighbours in the output are neighbours in the input.
        let (count, voxels) = if stride == 1 { (1, end - first) } else { (end - first, 1) };
        runs.extend((first..first + count).map(|w| Run {
            input: (input * self.input[2] + w * stride + c - padding) * self.channels,
            output: (output * width + w) * self.channels,
            len: voxels * self.channels,
            entry,
        }));
    }
}
