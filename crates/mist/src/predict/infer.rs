//! From a preprocessed image to class indices, on the network's grid: slab by slab, as the memory allows.

use super::admission::Work;
use super::ensemble::{Mean, probabilities};
use super::flips::{self, Flip};
use super::networks::Members;
use super::probabilities::Probabilities;
use super::window::Windows;
use super::{ChannelsLast, settings, stitch};
use crate::config::Config;
use crate::error::Result;
use crate::memory::Allowance;
use crate::outputs::Outputs;
use mist_volume::{Geometry, Volume};
use std::path::Path;

/// How an image is predicted, whatever the networks are.
pub struct Method {
    /// How it is cut into windows.
    pub windows: stitch::Settings,
    /// How it is mirrored.
    pub flips: &'static [Flip],
    /// What the outputs of the networks mean.
    pub outputs: Outputs,
}

/// A predicted image.
pub struct Prediction {
    /// Class indices in the standard frame.
    pub classes: Volume<u8>,
    /// Probabilities, where they were asked for.
    pub probabilities: Option<Probabilities>,
    /// Windows that every network saw, for each flip.
    pub windows: usize,
}

impl Method {
    /// As the configuration says; fails where it names what there is not.
    pub fn of(config: &Config) -> Result<Self> {
        Ok(Self {
            windows: settings::windows(config),
            flips: flips::strategy(settings::flips(config))?,
            outputs: Outputs::of(config),
        })
    }

    /// What predicting an image of this size takes.
    pub fn work(&self, size: [usize; 3], channels: usize, networks: usize) -> Work {
        Work {
            size,
            channels,
            outputs: self.outputs.count(),
            networks,
            flips: self.flips.len(),
            window_voxels: self.windows.batch * self.windows.patch_size.iter().product::<usize>(),
        }
    }

    /// Predicts an image with the given spacing (mm). Probabilities are kept where `keep` names a folder for those that do
    /// not fit into the memory.
    ///
    /// As many planes x = const are done at once as the memory allows. Windows that reach over the planes at hand are
    /// computed again for the next ones, so fewer planes take more time; they do not change a bit of the result.
    ///
    /// # Errors
    /// If not even one plane fits, of a network, or of the disk.
    pub fn predict(
        &self,
        image: &ChannelsLast,
        spacing: [f64; 3],
        networks: &dyn Members,
        memory: Allowance,
        keep: Option<&Path>,
    ) -> Result<Prediction> {
        let work = self.work(image.size(), image.channels(), networks.count());
        let windows = Windows::plan(image.size(), self.windows.patch_size, self.windows.overlap)?.count();
        let (mut kept, planes) = match keep {
            None => (None, work.planes(memory)?),
            Some(_) if memory.shortage(work.bytes() + work.probabilities()).is_none() => {
                (Some(Probabilities::in_memory(image.size(), work.outputs)?), image.size()[0])
            }
            Some(folder) => (Some(Probabilities::on_disk(image.size(), work.outputs, folder)?), work.planes(memory)?),
        };
        let mut classes = Volume::filled(Geometry::axis_aligned(image.size(), spacing), 0);
        let count = image.size()[0];
        for first in (0..count).step_by(planes) {
            let slab = first..(first + planes).min(count);
            let mut mean = Mean::new();
            networks.visit(&mut |forward| {
                let result = probabilities(image, &self.windows, &self.outputs, self.flips, slab.clone(), forward)?;
                mean.add(result, Flip::IDENTITY)
            })?;
            let slab = mean.finish()?;
            self.outputs.decide(&slab, first, &mut classes)?;
            if let Some(kept) = &mut kept {
                kept.add(slab, first)?;
            }
        }
        Ok(Prediction { classes, probabilities: kept, windows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::golden;
    use crate::predict::stitch::Forward;
    use crate::predict::window::Blending;

    struct Fakes;

    impl Members for Fakes {
        fn count(&self) -> usize {
            2
        }

        fn visit(&self, visit: &mut dyn FnMut(&mut Forward) -> Result<()>) -> Result<()> {
            ["A", "B"].iter().try_for_each(|name| visit(&mut golden::fake_network(name)))
        }
    }

    #[test]
    fn less_memory_does_not_change_a_bit() {
        let image = golden::channels_last("sliding_window/image_24x28x20.npy");
        let method = Method {
            windows: stitch::Settings { patch_size: [8, 12, 20], overlap: 0.5, blending: Blending::Gaussian, batch: 3 },
            flips: flips::strategy("all_flips").unwrap(),
            outputs: Outputs::classes(3),
        };
        let folder = tempfile::tempdir().unwrap();
        let spacing = [1.0, 2.0, 3.0];
        let predict = |memory| method.predict(&image, spacing, &Fakes, memory, Some(folder.path())).unwrap();
        let work = method.work(image.size(), 2, 2);
        let whole = predict(Allowance::Unknown);
        let maps = |prediction: &Prediction| {
            let kept = prediction.probabilities.as_ref().unwrap();
            [0, 1, 2].map(|class| kept.class(class, spacing).unwrap())
        };
        let expected = maps(&whole);
        assert!(expected[0].voxels().iter().zip(expected[1].voxels()).any(|(one, other)| one != other));
        for planes in [1.0, 7.0, 23.0] {
            let memory = work.bytes() - (24.0 - planes) * (work.bytes() - work_without_a_plane(&work));
            let part = predict(Allowance::Given(memory));
            assert!(part.classes == whole.classes, "{planes} planes");
            assert!(maps(&part) == expected, "{planes} planes");
        }
        assert!(method.predict(&image, spacing, &Fakes, Allowance::Given(1e3), None).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left on the disk");
    }

    /// Memory for one plane less.
    fn work_without_a_plane(work: &Work) -> f64 {
        let planes = |bytes: f64| work.planes(Allowance::Given(bytes)).unwrap();
        let (mut least, mut most) = (work.bytes() / 2.0, work.bytes());
        while most - least > 0.5 {
            let middle = (least + most) / 2.0;
            if planes(middle) >= work.size[0] - 1 { most = middle } else { least = middle }
        }
        most
    }
}
