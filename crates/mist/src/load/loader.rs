//! From cases to batches.

use super::augment::warp::Warp;
use super::augment::{self, Buffers, Switches};
use super::case::CaseArrays;
use super::order::Order;
use super::patch::{Distance, Patch};
use super::store::Store;
use super::stream::BatchStream;
use crate::error::{Error, Result};
use mist_nn::random::{Place, Purpose, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a loader makes of its cases.
#[derive(Clone, Debug)]
pub struct LoaderSettings {
    /// Voxels of a patch along x, y and z.
    pub patch_size: [usize; 3],
    /// Spacing of the voxels in mm along x, y and z.
    pub spacing: [f64; 3],
    /// Patches per batch.
    pub batch_size: usize,
    /// Share of the patches that are placed on a foreground voxel, in [0, 1].
    pub foreground_probability: f64,
    /// Which augmentations are on.
    pub augmentation: Switches,
    /// Number of classes, background included: labels are below it, distance maps have as many channels.
    pub classes: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Cross-validation fold.
    pub fold: usize,
    /// Memory for what is kept of cases after their first use; 0 keeps no volumes.
    pub cache_bytes: usize,
}

/// Patches of one training step. Arrays are `[sample][x][y][z][channel]` in C order, which is NDHWC.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Images.
    pub images: Vec<f32>,
    /// Class indices, one channel.
    pub labels: Vec<u8>,
    /// Distance maps, one channel per class, if the cases have some.
    pub distances: Option<Vec<f32>>,
    /// Voxels of a patch along x, y and z.
    pub size: [usize; 3],
    /// Channels of the images.
    pub channels: usize,
    /// Case of each sample.
    pub ids: Vec<String>,
}

/// Makes training batches of cases. A handle: clones share cases and memory.
///
/// A batch is a pure function of cases, settings, epoch and step: where it is computed, by how many threads and whether the
/// cases are in memory makes no difference.
#[derive(Clone, Debug)]
pub struct Loader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    settings: LoaderSettings,
    order: Order,
    channels: usize,
    has_distances: bool,
}

impl Loader {
    /// A loader of these cases. An error if the settings are impossible or the cases do not go together.
    pub fn new(cases: Vec<CaseArrays>, settings: LoaderSettings) -> Result<Self> {
        let Some(first) = cases.first() else {
            return Err(Error::new("there are no cases to load"));
        };
        let (channels, has_distances) = (first.channels(), first.distance_channels().is_some());
        for case in &cases {
            if case.channels() != channels {
                return Err(Error::new(format!("the image has {} channels", case.channels()))
                    .at(&case.files().image)
                    .place(format!("case {}", case.id()))
                    .because(format!("case {} has {channels}", first.id())));
            }
            if case.distance_channels() != has_distances.then_some(settings.classes) {
                return Err(Error::new(match case.distance_channels() {
                    Some(found) => format!("found {found} distance maps"),
                    None => "found no distance maps".to_owned(),
                })
                .place(format!("case {}", case.id()))
                .because(match has_distances {
                    true => format!("there are {} classes, and case {} has maps", settings.classes, first.id()),
                    false => format!("case {} has none", first.id()),
                }));
            }
        }
        check(&settings, channels)?;
        if let Some(key) = settings.augmentation.spoils_distances().filter(|_| has_distances) {
            return Err(Error::new(format!("the augmentation `{key}` would make the distance maps of the loss wrong"))
                .place(format!("training.augmentation.transforms.{key}"))
                .because("a map holds distances along straight lines of the volume as it is")
                .hint("set it to false, or choose a --loss without distance maps"));
        }
        let order = Order {
            cases: cases.len(),
            batch_size: settings.batch_size,
            seed: settings.seed,
            fold: settings.fold as u32,
        };
        let store = Store::new(cases, settings.cache_bytes);
        Ok(Self { shared: Arc::new(Shared { store, settings, order, channels, has_distances }) })
    }

    /// Number of cases.
    pub fn cases(&self) -> usize {
        self.shared.store.len()
    }

    /// Id of a case by its position.
    pub fn id(&self, case: usize) -> &str {
        self.shared.store.arrays(case).id()
    }

    /// Bytes that cases take in memory by now.
    pub fn bytes_in_memory(&self) -> usize {
        self.shared.store.used_bytes()
    }

    /// Channels of the images.
    pub fn channels(&self) -> usize {
        self.shared.channels
    }

    /// Batches of one pass over the cases, but at least `minimum`.
    pub fn steps_per_epoch(&self, minimum: usize) -> usize {
        self.shared.order.batches_per_pass().max(minimum)
    }

    /// The batch of a step, both counted from 0. The last batch of a pass over the cases can be short.
    pub fn batch(&self, epoch: usize, step: usize) -> Result<Batch> {
        let never = AtomicBool::new(false);
        match self.batch_unless(epoch, step, &never, &mut Buffers::default())? {
            Some(batch) => Ok(batch),
            None => Err(Error::interrupted("preparing a batch was stopped")),
        }
    }

    /// The batches of `steps` consecutive steps, prepared ahead by `threads` threads (0: when asked for).
    pub fn stream(&self, epoch: usize, first_step: usize, steps: usize, threads: usize) -> Result<BatchStream> {
        BatchStream::start(self.clone(), epoch, first_step..first_step.saturating_add(steps), threads)
    }

    /// The batch of a step, or nothing once `stop` is set.
    pub(super) fn batch_unless(
        &self,
        epoch: usize,
        step: usize,
        stop: &AtomicBool,
        buffers: &mut Buffers,
    ) -> Result<Option<Batch>> {
        let Shared { store, settings, order, channels, has_distances } = &*self.shared;
        let cases = order.batch(epoch, step);
        let voxels = settings.patch_size.iter().product::<usize>();
        let mut batch = Batch {
            images: vec![0.0; cases.len() * voxels * channels],
            labels: vec![0; cases.len() * voxels],
            distances: has_distances.then(|| vec![0.0; cases.len() * voxels * settings.classes]),
            size: settings.patch_size,
            channels: *channels,
            ids: cases.iter().map(|case| store.arrays(*case).id().to_owned()).collect(),
        };
        let mut distances = batch.distances.as_mut().map(|maps| maps.chunks_mut(voxels * settings.classes));
        let samples = batch.images.chunks_mut(voxels * channels).zip(batch.labels.chunks_mut(voxels));
        for (sample, (case, (image, label))) in cases.into_iter().zip(samples).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let distance = distances.as_mut().and_then(Iterator::next);
            let mut patch = Patch {
                size: settings.patch_size,
                channels: *channels,
                image,
                label,
                distance: distance.map(|values| Distance { channels: settings.classes, values }),
            };
            let place =
                Place { fold: settings.fold as u32, epoch: epoch as u32, step: step as u32, sample: sample as u32 };
            let mut position = Stream::new(settings.seed, Purpose::PatchPosition, place);
            let mut chance = Stream::new(settings.seed, Purpose::Augmentation, place);
            let probability = settings.foreground_probability;
            match Warp::draw(&settings.augmentation, settings.spacing, &mut chance) {
                None => store.cut(case, probability, &mut position, [0; 3], &mut patch)?,
                Some(warp) => {
                    let margin = warp.margin(patch.size);
                    let mut around = buffers.surroundings.of(&patch, margin);
                    store.cut(case, probability, &mut position, margin, &mut around)?;
                    warp.apply(&buffers.surroundings, &mut patch);
                }
            }
            for transform in augment::draw(&settings.augmentation, *has_distances, *channels, &mut chance) {
                transform.apply(&mut patch, buffers);
            }
        }
        Ok(Some(batch))
    }
}

fn check(settings: &LoaderSettings, channels: usize) -> Result<()> {
    let widest = channels.max(settings.classes);
    let bytes = settings
        .patch_size
        .iter()
        .chain([&settings.batch_size, &widest, &size_of::<f32>()])
        .try_fold(1usize, |product, factor| product.checked_mul(*factor));
    if bytes.is_none_or(|bytes| bytes == 0 || bytes > isize::MAX as usize) {
        let [x, y, z] = settings.patch_size;
        return Err(Error::new(format!(
            "cannot make batches of {} patches of {x} x {y} x {z} voxels",
            settings.batch_size
        ))
        .hint("batch size and patch size must be positive and fit into memory"));
    }
    if !(0.0..=1.0).contains(&settings.foreground_probability) {
        return Err(Error::new(format!("{} is not a probability", settings.foreground_probability))
            .place("training.dali_foreground_prob")
            .hint("give a number from 0 to 1"));
    }
    if !settings.spacing.iter().all(|spacing| *spacing > 0.0 && spacing.is_finite()) {
        return Err(Error::new(format!("{:?} mm is not a spacing", settings.spacing))
            .place("spatial_config.target_spacing")
            .hint("give numbers above 0"));
    }
    Ok(())
}
