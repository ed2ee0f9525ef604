//! Which source positions an output position reads along one axis, and with which kernel entries.

use std::ops::Range;

use super::DepthwiseShape;

/// One axis of a pass. Output positions fall into classes by their remainder; those of a class use the same entries.
pub(super) struct Axis {
    pub source: usize,
    pub output: usize,
    /// Source positions from one output position of a class to the next.
    pub step_in: usize,
    pub classes: Vec<Class>,
}

/// Position number `j` of the class reads the source from `j * step_in + first` on, and multiplies what it finds with
/// the kernel's `entries` in this order.
pub(super) struct Class {
    pub first: isize,
    pub entries: Vec<usize>,
}

impl Axis {
    /// An axis of the forward pass: one class that steps through the source.
    pub fn forward(shape: &DepthwiseShape, axis: usize) -> Self {
        let class = Class { first: -(shape.padding[axis] as isize), entries: (0..shape.kernel[axis]).collect() };
        Self {
            source: shape.input[axis],
            output: shape.output()[axis],
            step_in: shape.stride[axis],
            classes: vec![class],
        }
    }

    /// An axis of the input gradient: `i = o * stride + k - padding` solved for `o`.
    pub fn input_gradient(shape: &DepthwiseShape, axis: usize) -> Self {
        let stride = shape.stride[axis];
        let class = |remainder: usize| {
            let shifted = remainder + shape.padding[axis];
            let entries: Vec<usize> =
                (0..shape.kernel[axis]).rev().filter(|k| k % stride == shifted % stride).collect();
            let first = entries.first().map_or(0, |&k| (shifted as isize - k as isize) / stride as isize);
            Class { first, entries }
        };
        Self {
            source: shape.output()[axis],
            output: shape.input[axis],
            step_in: 1,
            classes: (0..stride).map(class).collect(),
        }
    }

    /// Class and first source position (which may be outside) of an output position.
    pub fn reads(&self, position: usize) -> (&Class, isize) {
        let class = &self.classes[position % self.classes.len()];
        (class, (position / self.classes.len() * self.step_in) as isize + class.first)
    }

    /// Source positions inside the map that any of the output positions reads.
    pub fn source_range(&self, positions: Range<usize>) -> Range<usize> {
        let (mut start, mut stop) = (usize::MAX, 0);
        for position in positions {
            let (class, first) = self.reads(position);
            if class.entries.is_empty() {
                continue;
            }
            start = start.min(first.max(0) as usize);
            stop = stop.max((first + class.entries.len() as isize).max(0) as usize).min(self.source);
        }
        start.min(stop)..stop
    }

    /// Most source positions that `count` consecutive output positions read.
    pub fn most_read(&self, count: usize) -> usize {
        let entries = self.classes.iter().map(|class| class.entries.len()).max().unwrap_or(0);
        (count.saturating_sub(1) * self.step_in / self.classes.len() + 1 + entries).min(self.source)
    }
}
