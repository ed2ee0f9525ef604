//! Many cases, three at a time: while the networks work on one, the next is read and prepared, and the one before goes back to
//! the grid of its scan and is written.

use super::infer::{Method, Prediction};
use super::inputs::Case;
use super::networks::{Members, Networks};
use super::report::{self, CaseReport, Outcome, Report, Seconds};
use super::restore::{Original, label_map};
use super::shard::Shard;
use super::targets::Targets;
use super::unpredicted::{Unpredicted, written};
use super::{ChannelsLast, probability_volume, warnings};
use crate::config::Config;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::interrupt;
use crate::memory::{Allowance, Budget, Share};
use crate::postprocess::Strategy;
use crate::preprocess::read::read_geometry;
use crate::preprocess::{self, preprocess_case};
use mist_volume::crop::BoundingBox;
use mist_volume::orientation::standard_geometry;
use mist_volume::resample::resampled_size;
use mist_volume::{Geometry, Volume, nifti};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// Bytes for each voxel of a scan while it is read and turned, or its label map restored and written.
const BYTES_PER_SCAN_VOXEL: f64 = 12.0;

/// Networks with everything that is needed to apply them to scans.
pub struct Predictor<'a> {
    config: &'a Config,
    preprocessing: preprocess::Settings,
    method: Method,
    networks: Networks<'a>,
    strategy: Option<&'a Strategy>,
    memory: Allowance,
}

/// Which cases, and where the results go.
pub struct Job<'a> {
    /// The cases, in order.
    pub cases: &'a [Case],
    /// Where the results go.
    pub targets: &'a Targets,
    /// The part of a larger job that this is.
    pub shard: Option<Shard>,
    /// Leave out cases that an earlier call has done alike.
    pub resume: bool,
}

/// Where the image of a case comes from, for the way back.
struct Origin {
    geometry: Geometry,
    bounding_box: Option<BoundingBox>,
}

/// A case on its way to the networks.
struct Prepared {
    image: ChannelsLast,
    spacing: [f64; 3],
    origin: Origin,
}

/// A case on its way to its file.
struct Predicted {
    prediction: Prediction,
    origin: Origin,
}

/// A case with what is known of it so far, and the memory that it holds.
struct Item<'a, T> {
    case: &'a Case,
    share: Share<'a>,
    report: CaseReport,
    seconds: Seconds,
    result: Result<T, Unpredicted>,
}

impl<'a> Predictor<'a> {
    /// Label maps are cleaned up by `strategy`; `memory` is what scans may take. Fails if the configuration cannot preprocess.
    pub fn new(
        config: &'a Config,
        networks: Networks<'a>,
        strategy: Option<&'a Strategy>,
        memory: Allowance,
    ) -> Result<Self> {
        let preprocessing = preprocess::Settings::of(config, memory)?;
        Ok(Self { config, preprocessing, method: Method::of(config)?, networks, strategy, memory })
    }

    /// Predicts the cases and writes the report; returns those that failed.
    pub fn run(&self, job: &Job, console: &dyn Console) -> Result<Vec<CaseFailure>> {
        let earlier = if job.resume { report::earlier(job.targets.output())? } else { BTreeMap::new() };
        let method = report::method(self.config, self.networks.files(), job.targets.maps(), self.strategy)?;
        let kept = job.cases.iter().filter_map(|case| earlier.get(&case.id)).cloned().collect();
        let mut report = Report::new(job.targets.report(job.shard), method.clone(), kept);
        let result = self.work(job, &method, &earlier, &mut report, console);
        // Also after a stop: what is done does not have to be done again.
        let reported = report.write();
        let failures = result?;
        reported?;
        if report.remarkable() > 0 {
            console.info(&format!("Remarks are in {}", job.targets.report(job.shard).display()));
        }
        Ok(failures)
    }

    fn work(
        &self,
        job: &Job,
        method: &Value,
        earlier: &BTreeMap<String, CaseReport>,
        report: &mut Report,
        console: &dyn Console,
    ) -> Result<Vec<CaseFailure>> {
        let bar = console.bar("Running inference", job.cases.len() as u64);
        let budget = Budget::new(self.memory.bytes().unwrap_or(f64::INFINITY));
        let (mut failures, mut skipped) = (Vec::new(), 0);
        std::thread::scope(|scope| {
            let (to_networks, prepared) = sync_channel(0);
            let (to_disk, predicted) = sync_channel(0);
            // A stage ends when the next one no longer listens.
            scope.spawn(|| {
                let to_networks = to_networks;
                for case in job.cases {
                    let item =
                        self.prepare(case, method, earlier, job.targets, budget.take(self.estimate(case, job.targets)));
                    if to_networks.send(item).is_err() {
                        break;
                    }
                }
            });
            scope.spawn(|| {
                let to_disk = to_disk;
                for item in prepared {
                    if to_disk.send(item.map(|item| self.predict(item, job.targets))).is_err() {
                        break;
                    }
                }
            });
            for item in predicted {
                match item {
                    Err(done) => {
                        skipped += 1;
                        report.add(*done)?;
                    }
                    Ok(item) => {
                        let (id, targets) = (&item.case.id, job.targets);
                        let (mut case, unpredicted) = self.finish(item, targets);
                        for warning in &case.warnings {
                            console.warn(&format!("{id}: {warning}"));
                        }
                        if let Some(unpredicted) = unpredicted {
                            let failure = unpredicted.failure_of(id, console)?;
                            targets.remove(id)?;
                            case.failure = Some(failure.reason.clone());
                            failures.push(failure);
                        }
                        report.add(case)?;
                    }
                }
                bar.advance(1);
            }
            Ok(())
        })?;
        if skipped > 0 {
            console.info(&format!("{skipped} of {} cases were done before and left as they are", job.cases.len()));
        }
        Ok(failures)
    }

    /// Memory that a case will need at most, in bytes, judged by its header: cropping can only make it less. Cases that cannot
    /// be read need none.
    fn estimate(&self, case: &Case, targets: &Targets) -> f64 {
        let Some(Ok(geometry)) = case.images.first().map(|file| read_geometry(file)) else { return 0.0 };
        let standard = standard_geometry(&geometry);
        let size = match self.preprocessing.skip {
            true => standard.size,
            false => resampled_size(standard.size, standard.spacing, self.preprocessing.target_spacing),
        };
        let scan = BYTES_PER_SCAN_VOXEL * geometry.size.iter().map(|n| *n as f64).product::<f64>();
        let work = self.method.work(size, case.images.len(), self.networks.count());
        scan + work.bytes() + targets.maps().map_or(0.0, |_| work.probabilities())
    }

    /// Reads and prepares a case, or says that nothing is to be done for it.
    fn prepare<'b>(
        &self,
        case: &'b Case,
        method: &Value,
        earlier: &BTreeMap<String, CaseReport>,
        targets: &Targets,
        share: Share<'b>,
    ) -> Result<Item<'b, Prepared>, Box<CaseReport>> {
        let started = Instant::now();
        let mut report = CaseReport { id: case.id.clone(), images: case.images.clone(), ..CaseReport::default() };
        if interrupt::requested() {
            let result = Err(Error::interrupted("stopped on request").into());
            return Ok(Item { case, share, report, seconds: Seconds::default(), result });
        }
        // Files that cannot be read have none; that they cannot be read is said when they are.
        report.fingerprint = report::fingerprint(case, method).ok();
        if let (Some(fingerprint), Some(done)) = (&report.fingerprint, earlier.get(&case.id))
            && report::is_done(done, fingerprint, targets)
        {
            return Err(Box::new(done.clone()));
        }
        let result = match self.prepared(case, &mut report) {
            Err(_) if interrupt::requested() => Err(Error::interrupted("stopped on request").into()),
            result => result,
        };
        let seconds = Seconds { preparing: started.elapsed().as_secs_f64(), ..Seconds::default() };
        Ok(Item { case, share, report, seconds, result })
    }

    fn prepared(&self, case: &Case, report: &mut CaseReport) -> Result<Prepared, Unpredicted> {
        let prepared = preprocess_case(&self.preprocessing, &case.images, None, None)
            .map_err(|problem| Error::new(problem.to_string()))?;
        let target = self.preprocessing.target_spacing;
        report.warnings = warnings::of_grid(&prepared.original_geometry, target, self.networks.scans());
        let window = self.preprocessing.normalization.ct.as_ref().filter(|_| !self.preprocessing.skip);
        report.warnings.extend(warnings::of_intensities(&prepared, window));
        Ok(Prepared {
            image: ChannelsLast::new(prepared.size, prepared.channels, prepared.image)?,
            spacing: prepared.spacing,
            origin: Origin { geometry: prepared.original_geometry, bounding_box: prepared.bounding_box },
        })
    }

    fn predict<'b>(&self, item: Item<'b, Prepared>, targets: &Targets) -> Item<'b, Predicted> {
        let Item { case, share, report, mut seconds, result } = item;
        let started = Instant::now();
        let result = result.and_then(|prepared| {
            let Prepared { image, spacing, origin } = prepared;
            let keep = targets.maps().map(|_| targets.output());
            let memory = self.memory.resized(share.bytes());
            let prediction = self.method.predict(&image, spacing, &self.networks, memory, keep)?;
            Ok(Predicted { prediction, origin })
        });
        seconds.predicting = started.elapsed().as_secs_f64();
        Item { case, share, report, seconds, result }
    }

    /// Restores and writes a case, or says why it has no segmentation.
    fn finish(&self, item: Item<'_, Predicted>, targets: &Targets) -> (CaseReport, Option<Unpredicted>) {
        let Item { case, share: _share, mut report, mut seconds, result } = item;
        let started = Instant::now();
        let outcome = result.and_then(|Predicted { prediction, origin }| {
            let original = Original {
                geometry: &origin.geometry,
                bounding_box: origin.bounding_box.as_ref(),
                untouched: self.preprocessing.skip,
            };
            let labels = &self.config.dataset_info.labels;
            let Prediction { classes, probabilities, windows } = prediction;
            let Geometry { size: network_size, spacing, .. } = *classes.geometry();
            let mut map: Volume<u8> = label_map(&classes, &original, labels)?;
            drop(classes);
            if let Some(strategy) = self.strategy {
                report.warnings.extend(strategy.apply(&mut map).iter().map(ToString::to_string));
            }
            let target = targets.labels(&case.id);
            written(nifti::write(&target, &map))?;
            if let (Some(probabilities), Some((file, maps))) = (probabilities, targets.probabilities(&case.id)) {
                probability_volume::write(&file, &probabilities, spacing, &original, maps)?;
            }
            report.warnings.extend(warnings::of_labels(&map));
            seconds.writing = started.elapsed().as_secs_f64();
            let found = Outcome::of(target, &map, labels);
            Ok(Outcome { network_size, windows, seconds, ..found })
        });
        match outcome {
            Ok(outcome) => (CaseReport { outcome: Some(outcome), ..report }, None),
            Err(unpredicted) => (report, Some(unpredicted)),
        }
    }
}
