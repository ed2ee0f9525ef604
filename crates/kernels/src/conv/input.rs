//! What a convolution can read where another operation would have had to make a map of its own.

use crate::instance_norm::Pending;

/// The map that a convolution reads, `[N, D, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// As it lies in memory.
    Map(&'a [f32]),
    /// Before its instance norm and activation, which are applied to each value as it is read; the zeros around the map
    /// are those of the normalised one.
    Pending(&'a [f32], &'a Pending<'a>),
    /// The channels of one map, then those of another of the same grid: a skip connection without a joined copy.
    Joined([&'a [f32]; 2]),
}

impl<'a> From<&'a [f32]> for Input<'a> {
    fn from(map: &'a [f32]) -> Self {
        Self::Map(map)
    }
}

impl<'a> From<&'a Vec<f32>> for Input<'a> {
    fn from(map: &'a Vec<f32>) -> Self {
        Self::Map(map)
    }
}

impl<'a> Input<'a> {
    /// The one map of an operation, of so many voxels in all images.
    ///
    /// # Panics
    /// If there are two, or it is of another shape.
    pub(crate) fn single(self, voxels: usize, channels: usize) -> Part<'a> {
        assert!(!matches!(self, Input::Joined(_)), "joined maps cannot be read here");
        // The channels of a map without voxels cannot be told from its length.
        let empty = Part { map: &[], channels, norm: None };
        self.parts(voxels, channels).next().map_or(empty, |part| Part { channels, ..part })
    }

    /// The maps one after the other, each with its number of channels, for a map of so many voxels in all images.
    pub(crate) fn parts(self, voxels: usize, channels: usize) -> impl Iterator<Item = Part<'a>> {
        let (maps, norm) = match self {
            Input::Map(map) => ([map, &[]], None),
            Input::Pending(map, norm) => {
                let shape = norm.shape();
                assert_eq!((shape.batch * shape.voxels, shape.channels), (voxels, channels), "norm of another shape");
                ([map, &[]], Some(norm))
            }
            Input::Joined(maps) => (maps, None),
        };
        let len: usize = maps.iter().map(|map| map.len()).sum();
        assert_eq!(len, voxels * channels, "input does not match its shape");
        let used = if matches!(self, Input::Joined(_)) { 2 } else { 1 };
        maps.into_iter().take(used).map(move |map| Part {
            map,
            channels: map.len().checked_div(voxels).unwrap_or(0),
            norm,
        })
    }
}

/// One of the maps that an [`Input`] consists of.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub map: &'a [f32],
    pub channels: usize,
    pub norm: Option<&'a Pending<'a>>,
}
