//! One training sample.

/// A patch that lies in the memory of its batch. Arrays are `[x][y][z][channel]` in C order.
#[derive(Debug)]
pub struct Patch<'a> {
    /// Voxels along x, y and z.
    pub size: [usize; 3],
    /// Channels of the image.
    pub channels: usize,
    /// The image; all values finite.
    pub image: &'a mut [f32],
    /// Class indices, one channel.
    pub label: &'a mut [u8],
    /// Signed distance to the surface of each class, where the loss needs it.
    pub distance: Option<Distance<'a>>,
}

/// Distance maps of a patch, one channel per class.
#[derive(Debug)]
pub struct Distance<'a> {
    /// Number of classes.
    pub channels: usize,
    /// The maps.
    pub values: &'a mut [f32],
}

/// Smallest and largest value; (0, 0) where there are none.
pub fn range(values: &[f32]) -> (f32, f32) {
    const LANES: usize = 16;
    let Some(first) = values.first() else { return (0.0, 0.0) };
    let (mut low, mut high) = ([*first; LANES], [*first; LANES]);
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for lane in 0..LANES {
            // Comparisons rather than f32::min, which has to care for NaN and is slower.
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
            high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
        }
    }
    let rest = chunks.remainder().iter();
    (
        low.iter().chain(rest.clone()).copied().fold(*first, f32::min),
        high.iter().chain(rest).copied().fold(*first, f32::max),
    )
}

#[cfg(test)]
pub(in crate::load) mod testing {
    //! Patches that own their memory.

    use super::*;

    #[derive(Clone, Debug)]
    pub struct Owned {
        pub size: [usize; 3],
        pub channels: usize,
        pub image: Vec<f32>,
        pub label: Vec<u8>,
    }

    impl Owned {
        /// All zero.
        pub fn new(size: [usize; 3], channels: usize) -> Self {
            let voxels = size.iter().product::<usize>();
            Self { size, channels, image: vec![0.0; voxels * channels], label: vec![0; voxels] }
        }

        pub fn view(&mut self) -> Patch<'_> {
            Patch {
                size: self.size,
                channels: self.channels,
                image: &mut self.image,
                label: &mut self.label,
                distance: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_covers_every_lane_and_the_rest() {
        for position in [0, 5, 16, 33, 39] {
            let mut values = vec![1.0f32; 40];
            values[position] = -3.0;
            assert_eq!(range(&values), (-3.0, 1.0));
            values[position] = 7.5;
            assert_eq!(range(&values), (1.0, 7.5));
        }
        assert_eq!(range(&[]), (0.0, 0.0));
    }
}
