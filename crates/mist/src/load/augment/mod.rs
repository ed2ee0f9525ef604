//! Augmentation of training patches.
//!
//! One transform per file. Drawing its parameters from a random stream is separate from applying it, and applying
//! is a pure function of parameters and patch. A further transform is a file and one line in `TRANSFORMS`; one that moves
//! voxels off the grid becomes a part of [`warp`], which is applied while the patch is cut.

pub mod blur;
pub mod brightness;
pub mod contrast;
pub mod elastic;
pub mod elementary;
pub mod flips;
pub mod gamma;
pub mod lines;
pub mod low_resolution;
pub mod noise;
pub mod normal;
pub mod rotation;
pub mod spline;
pub mod warp;
pub mod zoom;

use super::patch::Patch;
use lines::Row;
use mist_nn::random::Stream;
use std::fmt::Debug;
use warp::Surroundings;

/// A transform whose parameters are drawn.
pub trait Transform: Debug {
    /// Changes the patch in place.
    fn apply(&self, patch: &mut Patch<'_>, buffers: &mut Buffers);
}

/// Memory that transforms reuse from patch to patch. Carries nothing from one to the next.
#[derive(Debug, Default)]
pub struct Buffers {
    image: Vec<f32>,
    more_image: Vec<f32>,
    label: Vec<u8>,
    rows: Vec<Row>,
    more_rows: Vec<Row>,
    /// The box around a patch that is warped.
    pub surroundings: Surroundings,
}

/// Which transforms may be drawn (`training.augmentation` of the configuration).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Zooming in.
    pub zoom: bool,
    /// Mirroring.
    pub flips: bool,
    /// Gaussian noise.
    pub noise: bool,
    /// Gaussian blur.
    pub blur: bool,
    /// Brightness.
    pub brightness: bool,
    /// Contrast.
    pub contrast: bool,
    /// Rotation.
    pub rotation: bool,
    /// Elastic deformation.
    pub elastic: bool,
    /// Low resolution.
    pub low_resolution: bool,
    /// Gamma correction, plain and inverted.
    pub gamma: bool,
}

impl Switches {
    /// No augmentation.
    pub const NONE: Self = Self {
        zoom: false,
        flips: false,
        noise: false,
        blur: false,
        brightness: false,
        contrast: false,
        rotation: false,
        elastic: false,
        low_resolution: false,
        gamma: false,
    };
    /// What MIST has, all of it.
    pub const STANDARD: Self =
        Self { zoom: true, flips: true, noise: true, blur: true, brightness: true, contrast: true, ..Self::NONE };
    /// Everything on.
    pub const ALL: Self = Self { rotation: true, elastic: true, low_resolution: true, gamma: true, ..Self::STANDARD };

    /// The key of a transform that is on and makes distance maps wrong, though nobody expects it to be left out then.
    pub fn spoils_distances(&self) -> Option<&'static str> {
        let spoiling = [(self.rotation, "rotation"), (self.elastic, "elastic")];
        spoiling.into_iter().find_map(|(on, key)| on.then_some(key))
    }
}

struct Entry {
    enabled: fn(&Switches) -> bool,
    /// False for transforms that would make distance maps wrong; left out for patches that have some.
    keeps_distances: bool,
    /// Given the number of channels.
    draw: fn(&mut Stream, usize) -> Option<Box<dyn Transform>>,
}

/// All transforms, in the order in which they are drawn and applied.
const TRANSFORMS: [Entry; 9] = [
    Entry { enabled: |on| on.zoom, keeps_distances: false, draw: |stream, _| boxed(zoom::Zoom::draw(stream)) },
    Entry { enabled: |on| on.flips, keeps_distances: true, draw: |stream, _| boxed(flips::Flips::draw(stream)) },
    Entry { enabled: |on| on.noise, keeps_distances: true, draw: |stream, _| boxed(noise::Noise::draw(stream)) },
    Entry { enabled: |on| on.blur, keeps_distances: true, draw: |stream, _| boxed(blur::Blur::draw(stream)) },
    Entry {
        enabled: |on| on.brightness,
        keeps_distances: true,
        draw: |stream, _| boxed(brightness::Brightness::draw(stream)),
    },
    Entry {
        enabled: |on| on.contrast,
        keeps_distances: true,
        draw: |stream, _| boxed(contrast::Contrast::draw(stream)),
    },
    Entry {
        enabled: |on| on.low_resolution,
        keeps_distances: true,
        draw: |stream, channels| boxed(low_resolution::LowResolution::draw(channels, stream)),
    },
    Entry {
        enabled: |on| on.gamma,
        keeps_distances: true,
        draw: |stream, channels| boxed(gamma::Gamma::draw(true, channels, stream)),
    },
    Entry {
        enabled: |on| on.gamma,
        keeps_distances: true,
        draw: |stream, channels| boxed(gamma::Gamma::draw(false, channels, stream)),
    },
];

fn boxed<T: Transform + 'static>(drawn: Option<T>) -> Option<Box<dyn Transform>> {
    drawn.map(|transform| Box::new(transform) as Box<dyn Transform>)
}

/// Draws the transforms of one patch of so many channels: each has its own chance, and those drawn come in their order of
/// application.
pub fn draw(switches: &Switches, has_distances: bool, channels: usize, stream: &mut Stream) -> Vec<Box<dyn Transform>> {
    TRANSFORMS
        .iter()
        .filter(|entry| (entry.enabled)(switches) && (entry.keeps_distances || !has_distances))
        .filter_map(|entry| (entry.draw)(stream, channels))
        .collect()
}

#[cfg(test)]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;
    use mist_nn::random::{Place, Purpose};

    fn names(switches: &Switches, has_distances: bool, sample: u32) -> Vec<String> {
        let mut stream = Stream::new(1, Purpose::Augmentation, Place { sample, ..Place::default() });
        let name = |transform: Box<dyn Transform>| format!("{transform:?}").split(' ').next().unwrap().to_owned();
        draw(switches, has_distances, 1, &mut stream).into_iter().map(name).collect()
    }

    #[test]
    fn each_transform_is_drawn_as_often_as_documented_and_in_order() {
        let order = ["Zoom", "Flips", "Noise", "Blur", "Brightness", "Contrast", "LowResolution", "Gamma"];
        let mut counts = [0; 8];
        let samples = 100_000;
        for sample in 0..samples {
            let positions: Vec<usize> = names(&Switches::ALL, false, sample)
                .iter()
                .map(|name| order.iter().position(|known| known == name).unwrap())
                .collect();
            assert!(positions.is_sorted());
            positions.iter().for_each(|i| counts[*i] += 1);
        }
        // One channel is changed in half of the cases; gamma comes plain and inverted.
        let expected = [0.15, 7.0 / 8.0, 0.15, 0.15, 0.15, 0.15, 0.125, 0.4];
        for (i, expected) in expected.into_iter().enumerate() {
            let found = f64::from(counts[i]) / f64::from(samples);
            assert!((found - expected).abs() < 0.01, "{}: {found}", order[i]);
        }
    }

    #[test]
    fn switches_and_distance_maps_leave_transforms_out() {
        for sample in 0..200 {
            assert!(names(&Switches::NONE, false, sample).is_empty());
            assert!(
                names(&Switches::STANDARD, false, sample).iter().all(|name| name != "Gamma" && name != "LowResolution")
            );
            let only_blur = Switches { blur: true, ..Switches::NONE };
            assert!(names(&only_blur, false, sample).iter().all(|name| name == "Blur"));
            assert!(!names(&Switches::ALL, true, sample).contains(&"Zoom".to_owned()));
        }
    }
}
