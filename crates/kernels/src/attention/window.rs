//! Where the tokens of a window are, and its values in the order in which the loops read them.

use super::{AttentionShape, LANES, Operands};

/// A token beyond the end of the grid.
pub(super) const BEYOND: usize = usize::MAX;

/// The windows of a grid.
pub(super) struct Windows {
    grid: [usize; 3],
    /// Voxels of a window per axis.
    size: [usize; 3],
    /// How far they are shifted.
    shift: [usize; 3],
    /// Windows per axis.
    number: [usize; 3],
}

impl Windows {
    pub fn new(shape: &AttentionShape) -> Self {
        let size = shape.grid.map(|extent| extent.min(shape.window));
        let shift = shape.grid.map(|extent| if shape.shifted && extent > shape.window { shape.window / 2 } else { 0 });
        let number = std::array::from_fn(|axis| shape.grid[axis].div_ceil(size[axis].max(1)));
        Self { grid: shape.grid, size, shift, number }
    }

    /// Windows of an image.
    pub fn count(&self) -> usize {
        self.number.iter().product()
    }

    /// Tokens of a window.
    pub fn tokens(&self) -> usize {
        self.size.iter().product()
    }

    /// Whether windows wrap around the ends of the grid.
    pub fn wrap(&self) -> bool {
        self.shift != [0; 3]
    }

    /// Index in the map and region of every token of a window, the last axis fastest. Tokens of different regions are not
    /// neighbours.
    fn tokens_of(&self, window: usize) -> impl Iterator<Item = (usize, f32)> {
        let (image, window) = (window / self.count(), window % self.count());
        let [_, height, width] = self.number;
        let corner = [window / (height * width), window / width % height, window % width];
        let [depth, rows, row] = self.grid;
        let along = move |axis: usize, offset: usize| {
            let (size, shift, padded) = (self.size[axis], self.shift[axis], self.number[axis] * self.size[axis]);
            let place = corner[axis] * size + offset;
            // 0 before the last window, 1 in it, 2 where it has wrapped around.
            let region =
                if shift == 0 { 0 } else { usize::from(place >= padded - size) + usize::from(place >= padded - shift) };
            ((place + shift) % padded, region)
        };
        let [a, b, c] = self.size;
        (0..a * b * c).map(move |token| {
            let places = [along(0, token / (b * c)), along(1, token / c % b), along(2, token % c)];
            let [x, y, z] = places.map(|(place, _)| place);
            let inside = x < depth && y < rows && z < row;
            let index = if inside { ((image * depth + x) * rows + y) * row + z } else { BEYOND };
            let region = places.iter().fold(0, |region, (_, part)| 3 * region + part);
            (index, region as f32)
        })
    }
}

/// Whether a part of a window is wanted as columns (`[channel][token]`) or as rows (`[token][channel]`).
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Padded to whole vectors of tokens.
    Columns,
    /// As it is.
    Rows,
    /// Padded to whole vectors of channels.
    PaddedRows,
}

/// Tokens of one window, and how to read and write them for one head.
pub(super) struct Window<'a> {
    operands: &'a Operands<'a>,
    head: usize,
    /// Index in the map, or [`BEYOND`].
    pub index: Vec<usize>,
    /// Region of every token, padded to whole vectors.
    pub region: Vec<f32>,
}

impl<'a> Window<'a> {
    pub fn new(operands: &'a Operands<'a>, head: usize) -> Self {
        let tokens = operands.windows.tokens();
        Self { operands, head, index: vec![0; tokens], region: vec![0.0; padded(tokens)] }
    }

    /// Moves on to another window.
    pub fn go_to(&mut self, window: usize) {
        let tokens = self.operands.windows.tokens_of(window);
        for ((index, region), (at, of)) in self.index.iter_mut().zip(&mut self.region).zip(tokens) {
            (*index, *region) = (at, of);
        }
    }

    /// Copies queries (part 0), keys (1) or values (2) times `factor`.
    pub fn read_qkv(&self, part: usize, factor: f32, order: Order, to: &mut [f32]) {
        let (operands, size) = (self.operands, self.operands.shape.head_size);
        let channels = operands.shape.channels();
        let first = part * channels + self.head * size;
        for (token, index) in self.index.iter().enumerate() {
            let from = match *index {
                BEYOND => &operands.padding[first..][..size],
                index => &operands.qkv[index * 3 * channels + first..][..size],
            };
            self.put(token, from, factor, order, to);
        }
    }

    /// Copies a map of the output's shape; 0 beyond the grid.
    pub fn read_output(&self, map: &[f32], order: Order, to: &mut [f32]) {
        let size = self.operands.shape.head_size;
        let channels = self.operands.shape.channels();
        let nothing = vec![0.0; size];
        for (token, index) in self.index.iter().enumerate() {
            let from = match *index {
                BEYOND => &nothing,
                index => &map[index * channels + self.head * size..][..size],
            };
            self.put(token, from, 1.0, order, to);
        }
    }

    fn put(&self, token: usize, from: &[f32], factor: f32, order: Order, to: &mut [f32]) {
        let size = from.len();
        let (start, step) = match order {
            Order::Columns => (token, padded(self.index.len())),
            Order::Rows => (token * size, 1),
            Order::PaddedRows => (token * padded(size), 1),
        };
        for (to, from) in to[start..].iter_mut().step_by(step).zip(from) {
            *to = factor * from;
        }
    }

    /// Fills the bias of every key and query, `[key][query]`, with rows padded to whole vectors.
    pub fn read_bias(&self, to: &mut [f32]) {
        let Operands { shape, table, .. } = self.operands;
        let of_head: Vec<f32> = table.iter().skip(self.head).step_by(shape.heads).copied().collect();
        let tokens = self.index.len();
        for (key, row) in to.chunks_exact_mut(padded(tokens)).take(tokens).enumerate() {
            for (query, bias) in row.iter_mut().enumerate().take(tokens) {
                *bias = of_head[shape.distance(query, key)];
            }
        }
    }
}

/// Rounded up to whole vectors.
pub(super) fn padded(count: usize) -> usize {
    count.next_multiple_of(LANES)
}
