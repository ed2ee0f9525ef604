//! Sliding-window inference: the network sees one window at a time, overlapping results are averaged by weight.

use super::ChannelsLast;
use super::window::{Blending, Windows, importance_map};
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::ops::Range;

/// How an image is cut into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Size of a window in voxels, x, y, z.
    pub patch_size: [usize; 3],
    /// Share of a window that the next one covers again, in 0..1.
    pub overlap: f64,
    /// Weights of a window's voxels.
    pub blending: Blending,
    /// Windows that the network gets at once.
    pub batch: usize,
}

/// A batch of windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Number of windows.
    pub count: usize,
    /// Size of each, x, y, z.
    pub size: [usize; 3],
    /// Channels of the image.
    pub channels: usize,
    /// Intensities `[window][x][y][z][channel]`; 0 beyond the image.
    pub data: Vec<f32>,
}

/// A network: takes a batch of windows and returns logits `[window][x][y][z][class]`.
pub type Forward<'a> = dyn FnMut(Patches) -> Result<Vec<f32>> + 'a;

/// Logits of `classes` classes for every voxel of the planes x = `planes` of the image; only windows that touch them are
/// computed.
///
/// Sums are in single precision, per voxel in the order of the windows, so that neither the batch size nor the
/// number of threads nor the choice of planes changes a bit.
///
/// # Errors
/// Impossible settings, an error of the network, or logits of another size than the windows ask for.
pub fn sliding_window(
    image: &ChannelsLast,
    settings: &Settings,
    classes: usize,
    planes: Range<usize>,
    forward: &mut Forward,
) -> Result<ChannelsLast> {
    if settings.batch == 0 {
        return Err(Error::new("a batch needs at least one window").place("inference.inferer.params.sw_batch_size"));
    }
    let windows = Windows::plan(image.size(), settings.patch_size, settings.overlap)?;
    let importance = importance_map(settings.patch_size, settings.blending);
    let [_, ny, nz] = image.size();
    let voxels = planes.len() * ny * nz;
    let mut sums = Sums {
        first_plane: planes.start,
        logits: ChannelsLast::new([planes.len(), ny, nz], classes, vec![0.0; voxels * classes])?,
        weights: vec![0.0; voxels],
    };
    let touches = |start: &[usize; 3]| {
        let covered = covered(&windows, *start, 0);
        covered.start < planes.end && planes.start < covered.end
    };
    let starts: Vec<[usize; 3]> = windows.iter().filter(touches).collect();
    for group in starts.chunks(settings.batch) {
        let logits = forward(cut(image, &windows, group))?;
        if logits.len() != group.len() * importance.len() * classes {
            return Err(Error::new("the network returned logits of another size than the windows").because(format!(
                "{} values for {} windows of {:?} voxels and {classes} classes",
                logits.len(),
                group.len(),
                settings.patch_size
            )));
        }
        sums.add(&windows, group, &importance, &logits);
    }
    let Sums { mut logits, weights, .. } = sums;
    logits.values_mut().par_chunks_mut(classes).zip(&weights).with_min_len(4096).for_each(|(sums, weight)| {
        for sum in sums {
            *sum /= weight;
        }
    });
    Ok(logits)
}

/// Voxels of the image along one axis that a window covers. Its voxel for image voxel `i` is `i + pad_before − start`.
fn covered(windows: &Windows, start: [usize; 3], axis: usize) -> Range<usize> {
    let pad = windows.pad_before()[axis];
    let end = (start[axis] + windows.patch()[axis]).saturating_sub(pad).min(windows.image()[axis]);
    start[axis].saturating_sub(pad).min(end)..end
}

fn cut(image: &ChannelsLast, windows: &Windows, group: &[[usize; 3]]) -> Patches {
    let (size, channels) = (windows.patch(), image.channels());
    let [px, py, pz] = size;
    let [_, ny, nz] = image.size();
    let pad = windows.pad_before();
    let mut data = vec![0.0; group.len() * px * py * pz * channels];
    data.par_chunks_mut(px * py * pz * channels).zip(group).for_each(|(patch, start)| {
        let [xs, ys, zs] = [0, 1, 2].map(|axis| covered(windows, *start, axis));
        let row = zs.len() * channels;
        for x in xs {
            for y in ys.clone() {
                let to = (((x + pad[0] - start[0]) * py + y + pad[1] - start[1]) * pz + zs.start + pad[2] - start[2])
                    * channels;
                let from = ((x * ny + y) * nz + zs.start) * channels;
                patch[to..to + row].copy_from_slice(&image.values()[from..from + row]);
            }
        }
    });
    Patches { count: group.len(), size, channels, data }
}

/// Weighted sums over windows, of some planes x = const of an image.
struct Sums {
    first_plane: usize,
    logits: ChannelsLast,
    weights: Vec<f32>,
}

impl Sums {
    /// Adds the weighted logits of a group of windows. Threads share the planes, not the windows.
    fn add(&mut self, windows: &Windows, group: &[[usize; 3]], importance: &[f32], logits: &[f32]) {
        let classes = self.logits.channels();
        let [_, ny, nz] = windows.image();
        let [px, py, pz] = windows.patch();
        let pad = windows.pad_before();
        let plane = self.logits.plane_len();
        let planes = self.logits.values_mut().par_chunks_mut(plane).zip(self.weights.par_chunks_mut(ny * nz));
        planes.enumerate().for_each(|(at, (sums, weights))| {
            let x = self.first_plane + at;
            for (start, logits) in group.iter().zip(logits.chunks_exact(px * py * pz * classes)) {
                let [xs, ys, zs] = [0, 1, 2].map(|axis| covered(windows, *start, axis));
                if !xs.contains(&x) {
                    continue;
                }
                for y in ys {
                    let to = y * nz + zs.start;
                    let from =
                        ((x + pad[0] - start[0]) * py + y + pad[1] - start[1]) * pz + zs.start + pad[2] - start[2];
                    let importance = &importance[from..from + zs.len()];
                    let logits = &logits[from * classes..(from + zs.len()) * classes];
                    let sums = &mut sums[to * classes..(to + zs.len()) * classes];
                    for (sum, weight) in weights[to..to + zs.len()].iter_mut().zip(importance) {
                        *sum += weight;
                    }
                    let voxels = sums.chunks_exact_mut(classes).zip(logits.chunks_exact(classes)).zip(importance);
                    for ((sums, logits), weight) in voxels {
                        for (sum, logit) in sums.iter_mut().zip(logits) {
                            *sum += weight * logit;
                        }
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::Outputs;
    use crate::predict::golden;

    fn settings(run: &serde_json::Value, batch: usize) -> Settings {
        Settings {
            patch_size: golden::from(&run["patch"]),
            overlap: run["overlap"].as_f64().unwrap(),
            blending: match run["mode"].as_str() {
                Some("gaussian") => Blending::Gaussian,
                _ => Blending::Constant,
            },
            batch,
        }
    }

    fn all(image: &ChannelsLast) -> Range<usize> {
        0..image.size()[0]
    }

    #[test]
    fn stitched_logits_and_probabilities_are_those_of_the_reference() {
        for run in golden::json("sliding_window/runs.json").as_array().unwrap() {
            let image = golden::channels_last(&format!("sliding_window/{}", run["input"].as_str().unwrap()));
            let mut network = golden::fake_network(run["model"].as_str().unwrap());
            let mut found = sliding_window(&image, &settings(run, 3), 3, all(&image), &mut network).unwrap();
            let expected = golden::channels_last(&format!("sliding_window/{}", run["logits"].as_str().unwrap()));
            golden::assert_close(found.values(), expected.values(), 2e-6, &run.to_string());
            if let Some(file) = run["probs"].as_str() {
                Outputs::classes(3).activate(&mut found);
                let expected = golden::channels_last(&format!("sliding_window/{file}"));
                golden::assert_close(found.values(), expected.values(), 2e-6, &run.to_string());
            }
        }
    }

    #[test]
    fn neither_batches_nor_threads_change_a_bit() {
        let image = golden::channels_last("sliding_window/image_24x28x20.npy");
        let run = golden::json("sliding_window/runs.json")[6].clone();
        let stitched = |batch, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let settings = settings(&run, batch);
            pool.install(|| sliding_window(&image, &settings, 3, all(&image), &mut golden::fake_network("A")).unwrap())
        };
        let expected = stitched(1, 1);
        for (batch, threads) in [(1, 3), (4, 1), (5, 3), (10_000, 2)] {
            assert!(stitched(batch, threads) == expected, "batch {batch}, {threads} threads");
        }
    }

    #[test]
    fn planes_are_those_of_the_whole_image_and_only_their_windows_are_computed() {
        let image = golden::channels_last("sliding_window/image_24x28x20.npy");
        let settings = settings(&golden::json("sliding_window/runs.json")[6], 2);
        let of = |planes| {
            let (mut windows, mut network) = (0, golden::fake_network("A"));
            let mut counting = |patches: Patches| {
                windows += patches.count;
                network(patches)
            };
            let logits = sliding_window(&image, &settings, 3, planes, &mut counting).unwrap();
            (logits, windows)
        };
        let (whole, windows) = of(all(&image));
        for planes in [0..1, 5..11, 23..24, 0..24] {
            let (part, fewer) = of(planes.clone());
            let plane = whole.plane_len();
            assert!(part.values() == &whole.values()[planes.start * plane..planes.end * plane], "{planes:?}");
            assert_eq!(fewer < windows, planes.len() < 24, "{planes:?}");
        }
    }

    #[test]
    fn windows_see_zeros_beyond_the_image() {
        let image = ChannelsLast::new([1, 2, 2], 1, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let settings = Settings { patch_size: [2, 2, 5], overlap: 0.5, blending: Blending::Gaussian, batch: 2 };
        let mut seen = vec![];
        let stitched = sliding_window(&image, &settings, 1, all(&image), &mut |patches: Patches| {
            seen.push(patches.data.clone());
            Ok(patches.data)
        });
        let padded = [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0];
        assert_eq!(seen, [[&padded[..], &[0.0; 10]].concat()]);
        golden::assert_close(stitched.unwrap().values(), image.values(), 1e-6, "identity");
    }

    #[test]
    fn wrong_logits_and_settings_are_errors() {
        let image = ChannelsLast::new([4; 3], 1, vec![0.0; 64]).unwrap();
        let settings = Settings { patch_size: [4; 3], overlap: 0.5, blending: Blending::Constant, batch: 1 };
        assert!(sliding_window(&image, &settings, 2, 0..4, &mut |_| Ok(vec![0.0; 64])).is_err());
        assert!(sliding_window(&image, &settings, 2, 0..4, &mut |_| Err(Error::new("out of memory"))).is_err());
        let no_batch = Settings { batch: 0, ..settings };
        assert!(sliding_window(&image, &no_batch, 1, 0..4, &mut |patches: Patches| Ok(patches.data)).is_err());
    }
}
