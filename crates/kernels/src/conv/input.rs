//! What an operation can read where another one would have had to make a map of its own.

use crate::instance_norm::{NormShape, Pending};

/// The map that a convolution reads, or that a norm adds, `[N, D, H, W, C]`.
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
    /// The one map of an operation.
    ///
    /// # Panics
    /// If there are two, or it is of another shape.
    pub(crate) fn single(self, shape: &NormShape) -> Part<'a> {
        let (map, norm) = match self {
            Input::Map(map) => (map, None),
            Input::Pending(map, norm) => {
                assert_eq!(norm.shape(), shape, "norm of another shape");
                (map, Some(norm))
            }
            Input::Joined(_) => panic!("joined maps cannot be read here"),
        };
        assert_eq!(map.len(), shape.len(), "input does not match its shape");
        Part { map, channels: shape.channels, norm }
    }

    /// The maps one after the other, of so many channels together.
    pub(crate) fn parts(self, shape: &NormShape) -> Vec<Part<'a>> {
        let Input::Joined(maps) = self else { return vec![self.single(shape)] };
        assert_eq!(maps[0].len() + maps[1].len(), shape.len(), "input does not match its shape");
        let voxels = shape.batch * shape.voxels;
        let part = |map: &'a [f32]| Part { map, channels: map.len().checked_div(voxels).unwrap_or(0), norm: None };
        maps.map(part).into()
    }
}

/// One of the maps that an [`Input`] consists of.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub map: &'a [f32],
    pub channels: usize,
    pub norm: Option<&'a Pending<'a>>,
}
