//! Weights in the order in which the forward pass and the input gradient read them.

use super::axis::Axis;

/// `[vector of channels][kd][kh][entries along the width, class after class][lanes]`, with zeros for the channels that
/// fill up the last vector.
pub(super) struct Packed {
    data: Vec<f32>,
    /// Entries of one kernel.
    volume: usize,
    lanes: usize,
}

impl Packed {
    /// Packs `weight`, `[channels, kd, kh, kw]`.
    pub fn new(kernel: [usize; 3], width: &Axis, weight: &[f32], lanes: usize) -> Self {
        let volume = kernel.iter().product::<usize>();
        let order: Vec<usize> = width.classes.iter().flat_map(|class| class.entries.iter().copied()).collect();
        let channels = weight.len() / volume;
        let mut data = vec![0.0; channels.next_multiple_of(lanes) * volume];
        for (channel, weight) in weight.chunks_exact(volume).enumerate() {
            let vector = &mut data[channel / lanes * volume * lanes..][..volume * lanes];
            for (line, weight) in weight.chunks_exact(kernel[2]).enumerate() {
                for (place, &entry) in order.iter().enumerate() {
                    vector[(line * kernel[2] + place) * lanes + channel % lanes] = weight[entry];
                }
            }
        }
        Self { data, volume, lanes }
    }

    /// The weights of vector number `index`.
    pub fn vector(&self, index: usize) -> &[f32] {
        &self.data[index * self.volume * self.lanes..][..self.volume * self.lanes]
    }
}
