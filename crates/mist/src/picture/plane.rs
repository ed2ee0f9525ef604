//! One plane of a scan, cut and magnified.

use super::canvas::Canvas;
use super::{BOTH, PREDICTION, TRUTH};
use mist_volume::Volume;

/// Which axes of the volume run along the width, the height and through the plane, and whether height runs upwards.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    across: usize,
    along: usize,
    through: usize,
    upwards: bool,
}

impl Axes {
    /// The axis through the plane.
    pub(super) fn through(self) -> usize {
        self.through
    }
}

/// Axial, coronal, sagittal, for axes along left, posterior and superior.
pub(super) const PLANES: [Axes; 3] = [
    Axes { across: 0, along: 1, through: 2, upwards: false },
    Axes { across: 0, along: 2, through: 1, upwards: true },
    Axes { across: 1, along: 2, through: 0, upwards: true },
];

/// Pixels of the shortest voxel edge, for small scans.
const MAGNIFICATION: usize = 6;
/// Larger scans are magnified less, to about this many pixels.
const LARGEST_SIDE: usize = 720;

/// Thickness of an outline, in pixels; even, so that it lies on the edge between two voxels.
const LINE: usize = 2;

/// Shades and labels of a plane, row by row, and the size of its pixels.
pub(super) struct Plane {
    size: [usize; 2],
    magnification: [usize; 2],
    shades: Vec<u8>,
    truth: Vec<i32>,
    prediction: Vec<i32>,
}

impl Plane {
    /// Cuts the slice `depth`. All three volumes have the same size.
    pub(super) fn cut(
        axes: Axes,
        depth: usize,
        image: &Volume<f32>,
        [dark, bright]: [f32; 2],
        truth: &Volume<f32>,
        prediction: &Volume<f32>,
    ) -> Self {
        let grid = image.geometry();
        let size = [grid.size[axes.across], grid.size[axes.along]];
        let value = |volume: &Volume<f32>, [column, row]: [usize; 2]| {
            let mut index = [0; 3];
            index[axes.across] = column;
            index[axes.along] = if axes.upwards { size[1] - 1 - row } else { row };
            index[axes.through] = depth;
            volume.get(index).copied().unwrap_or(0.0)
        };
        let positions = || (0..size[1]).flat_map(|row| (0..size[0]).map(move |column| [column, row]));
        let range = (bright - dark).max(f32::MIN_POSITIVE);
        let shade = |value: f32| (((value - dark) / range).clamp(0.0, 1.0) * 255.0) as u8;
        let labels = |volume| positions().map(|position| value(volume, position).round() as i32).collect();
        Self {
            size,
            magnification: magnification(grid.size, grid.spacing, axes),
            shades: positions().map(|position| shade(value(image, position))).collect(),
            truth: labels(truth),
            prediction: labels(prediction),
        }
    }

    /// Pixels.
    pub(super) fn width(&self) -> usize {
        self.size[0] * self.magnification[0]
    }

    /// Pixels.
    pub(super) fn height(&self) -> usize {
        self.size[1] * self.magnification[1]
    }

    /// Draws the plane with its upper left corner at `corner`.
    pub(super) fn draw(&self, canvas: &mut Canvas, corner: [usize; 2]) {
        for (position, shade) in self.shades.iter().enumerate() {
            let [left, top] = self.pixel(corner, position);
            canvas.fill([left, top], self.magnification, [*shade; 3]);
        }
        self.outline(canvas, corner);
    }

    fn pixel(&self, corner: [usize; 2], position: usize) -> [usize; 2] {
        let (column, row) = (position % self.size[0], position / self.size[0]);
        [corner[0] + column * self.magnification[0], corner[1] + row * self.magnification[1]]
    }

    /// Lines between neighbouring voxels with different labels.
    fn outline(&self, canvas: &mut Canvas, corner: [usize; 2]) {
        let [wide, high] = self.magnification;
        for position in 0..self.shades.len() {
            let [left, top] = self.pixel(corner, position);
            let last_column = position % self.size[0] + 1 == self.size[0];
            if let Some(colour) = self.edge(position, position + 1).filter(|_| !last_column) {
                canvas.fill([left + wide - LINE / 2, top.saturating_sub(LINE / 2)], [LINE, high + LINE], colour);
            }
            if let Some(colour) = self.edge(position, position + self.size[0]) {
                canvas.fill([left.saturating_sub(LINE / 2), top + high - LINE / 2], [wide + LINE, LINE], colour);
            }
        }
    }

    /// Colour of the line between two voxels; none inside the picture's structures and outside the picture.
    fn edge(&self, first: usize, second: usize) -> Option<[u8; 3]> {
        let differ = |labels: &[i32]| Some(labels.get(first)? != labels.get(second)?);
        match (differ(&self.truth)?, differ(&self.prediction)?) {
            (true, true) => Some(BOTH),
            (true, false) => Some(TRUTH),
            (false, true) => Some(PREDICTION),
            (false, false) => None,
        }
    }
}

/// Pixels per voxel along width and height, so that millimetres are equally long in all planes.
fn magnification(size: [usize; 3], spacing: [f64; 3], axes: Axes) -> [usize; 2] {
    let finest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
    let longest = size.iter().zip(spacing).map(|(count, step)| *count as f64 * step / finest).fold(1.0, f64::max);
    let pixels = (LARGEST_SIDE as f64 / longest).floor().clamp(1.0, MAGNIFICATION as f64);
    [axes.across, axes.along].map(|axis| ((spacing[axis] / finest * pixels).round() as usize).max(1))
}
