//! `analyze`: decides from the data how it is prepared and trained on, and writes `config.json` and the tables of the run.
//!
//! All inputs are checked first, and all problems of all cases are listed at once. Then one pass over the files of each
//! case collects facts (`scan`), from which everything is decided without reading a file again. Results are written
//! together at the end, `config.json` last: while it is missing, a run has no analysis.

mod ct;
mod data_dump;
pub(crate) mod discovery;
mod folds;
mod inputs;
mod outputs;
mod patch_size;
mod plan;
mod resampled;
mod sampling;
mod scan;
mod spacing;
mod statistics;
mod test_cases;
mod verification;
mod verify;
mod voxel_budget;

pub use voxel_budget::GpuMemory;

use crate::config::{Config, DatasetInfo, Evaluation, EvaluationClass, Modality};
use crate::console::Console;
use crate::dataset::Dataset;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{create_folder, remove_file};
use crate::parallel;
use crate::preprocess::problem::Problem;
use crate::tables::{BoundingBoxes, CaseBox, TestCase, TestPaths, TrainCase, TrainPaths};
use crate::text::plural;
use ct::CtSamples;
use data_dump::DataDump;
use inputs::{Inputs, UsableCase};
use outputs::{OutputFiles, Outputs};
use plan::{Plan, plan};
use scan::{CaseFacts, ScanOptions, scan};
use std::collections::HashMap;
use std::path::PathBuf;
use verification::{Checks, Row, Verdict};
use voxel_budget::VoxelBudget;

/// Folds when the user does not say how many.
const DEFAULT_FOLDS: usize = 5;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Dataset description.
    pub data: PathBuf,
    /// Folder for the results; created.
    pub results: PathBuf,
    /// Number of folds, 5 when not given.
    pub nfolds: Option<usize>,
    /// Memory of the GPU that the patch size is chosen for.
    pub gpu_memory: GpuMemory,
    /// Patches of a training step, for which the patch size is chosen too; kept in `config.json`.
    pub batch_size_per_gpu: Option<usize>,
    /// Cases in work at once.
    pub workers: usize,
    /// Also check every voxel of every file, those of test cases too, leave out cases that fail, and write `verification.csv`.
    pub verify: bool,
    /// Also write statistics of the data set, `data_dump.json` and `data_dump.md`.
    pub data_dump: bool,
    /// Allow replacing an existing analysis.
    pub overwrite: bool,
}

/// Analyses a data set and writes `config.json`, `train_paths.csv`, `fg_bboxes.csv` and, where the data set has test
/// data, `test_paths.csv`. Returns the cases left out.
///
/// The outcome does not depend on the number of workers. Fails as a whole when an analysis exists already and may not
/// be replaced, when the description is wrong, or when fewer cases than folds are usable.
pub fn run(options: &Options, _registry: &mist_nn::Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    run_with(options, console, || Ok(()))
}

/// The same; `before_writing` is called when everything is decided, and nothing is written yet.
pub(crate) fn run_with(
    options: &Options,
    console: &dyn Console,
    before_writing: impl FnOnce() -> Result<()>,
) -> Result<Vec<CaseFailure>> {
    analyze(options, console, before_writing)
        .map_err(|error| error.if_interrupted("start the same command again; nothing was written"))
}

fn analyze(
    options: &Options,
    console: &dyn Console,
    before_writing: impl FnOnce() -> Result<()>,
) -> Result<Vec<CaseFailure>> {
    console.section("Analyzing the data set");
    let folds = options.nfolds.unwrap_or(DEFAULT_FOLDS);
    if folds < 2 {
        return Err(Error::usage(format!("{folds} folds are not enough")).hint("give --nfolds 2 or more"));
    }
    let budget = VoxelBudget::new(options.gpu_memory.clone(), options.batch_size_per_gpu)?;
    let files = OutputFiles::of(&options.results);
    files.check_replaceable(options.overwrite)?;
    let dataset = Dataset::load(&options.data)?;
    for remark in &dataset.remarks {
        console.warn(remark);
    }
    create_folder(&options.results)?;

    let inputs = Inputs::check(&dataset, options.workers, console)?;
    let (mut failures, mut checks, mut test) = (inputs.failures, inputs.checks, inputs.test);
    let scanned = scan_all(options, &dataset.info, inputs.training, &mut failures, &mut checks, console)?;
    if options.verify
        && let Some(cases) = test
    {
        test = Some(test_cases::verify(cases, options.workers, &mut failures, &mut checks, console)?);
    }
    let scanned = without_absurd(scanned, &mut failures, &mut checks, console);
    if options.verify {
        checks.extend(of_spacings(&scanned));
        // Stable: the checks of a case stay in their order.
        checks.sort_by(|a, b| (a.test, &a.case).cmp(&(b.test, &b.case)));
        verification::tell(&checks, console);
        verification::write(&files.verification, &checks)?;
    }
    if scanned.len() < folds {
        return Err(too_few(scanned.len(), folds));
    }
    if dataset.info.modality == Modality::Ct
        && scanned.iter().all(|(_, facts)| facts.ct.as_ref().is_none_or(CtSamples::is_empty))
    {
        return Err(Error::new("the intensities of CT cannot be normalized")
            .at(&options.data)
            .because("no mask of a training case has foreground, whose intensities decide on the window")
            .hint("check the masks, or give another `modality`"));
    }
    let cases = Cases::in_fold_order(scanned, folds);
    let plan = plan(&dataset.info, &cases.facts, budget.voxels());
    report(&cases, &plan, &budget, console);
    let data_dump = options
        .data_dump
        .then(|| DataDump::of(&dataset.info, &dataset.final_classes, &cases.facts, &plan.preprocessing, &files.config));
    let mut outputs = Outputs { left_out: failures, data_dump, ..outputs(&dataset, &cases, plan, folds, test) };
    outputs.config.training.batch_size_per_gpu = budget.batch();
    before_writing()?;
    files.write(&outputs)?;
    if !options.verify {
        // It would tell of files that nobody has looked at.
        remove_file(&files.verification)?;
    }
    if let Some(outdated) = files.outdated_dump(&outputs) {
        console.warn(&format!("{} is of an earlier analysis; --data-dump writes a new one", outdated.display()));
    }
    console.success(&format!("analyzed {}", plural(cases.files.len(), "case")));
    Ok(outputs.left_out)
}

/// The usable training cases; the three lists go together.
struct Cases {
    files: Vec<UsableCase>,
    facts: Vec<CaseFacts>,
    folds: Vec<usize>,
}

impl Cases {
    /// Deals cases, sorted by id, out to folds.
    fn in_fold_order(scanned: Vec<(UsableCase, CaseFacts)>, folds: usize) -> Self {
        let mut waiting: Vec<Option<_>> = scanned.into_iter().map(Some).collect();
        let mut cases = Self { files: Vec::new(), facts: Vec::new(), folds: Vec::new() };
        for row in folds::assign(waiting.len(), folds) {
            if let Some((files, facts)) = waiting[row.case].take() {
                cases.files.push(files);
                cases.facts.push(facts);
                cases.folds.push(row.fold);
            }
        }
        cases
    }
}

/// Goes over the files of all cases once; those that cannot be used are added to `failures`, and how the checks came out to
/// `checks`.
fn scan_all(
    options: &Options,
    info: &DatasetInfo,
    cases: Vec<UsableCase>,
    failures: &mut Vec<CaseFailure>,
    checks: &mut Vec<Row>,
    console: &dyn Console,
) -> Result<Vec<(UsableCase, CaseFacts)>> {
    let scan_options = ScanOptions {
        labels: &info.labels,
        ct: info.modality == Modality::Ct,
        verify: options.verify,
        dump: options.data_dump,
    };
    let bar = console.bar("Reading the scans", cases.len() as u64);
    let results = parallel::map(&cases, options.workers, |case| {
        let mut checks = Checks::default();
        let result = match &case.mask {
            Some(mask) => scan(&scan_options, &case.images, mask, &mut checks),
            None => Err(Problem::new("looking for its files", "the case has no mask")),
        };
        bar.advance(1);
        Ok((result, checks))
    })?;
    drop(bar);
    let mut usable = Vec::new();
    for (case, (result, of_case)) in cases.into_iter().zip(results) {
        checks.extend(of_case.rows(&case.id));
        match result {
            Ok(facts) => usable.push((case, facts)),
            Err(problem) => {
                let failure = problem.of_case(&case.id);
                console.error(&failure.to_string());
                failures.push(failure);
            }
        }
    }
    Ok(usable)
}

/// Leaves out cases that would not fit into any memory. Each changes what is planned for the others, so that is looked at
/// again without it.
fn without_absurd(
    scanned: Vec<(UsableCase, CaseFacts)>,
    failures: &mut Vec<CaseFailure>,
    checks: &mut Vec<Row>,
    console: &dyn Console,
) -> Vec<(UsableCase, CaseFacts)> {
    let (mut files, mut facts): (Vec<_>, Vec<_>) = scanned.into_iter().unzip();
    loop {
        let absurd = if facts.is_empty() { Vec::new() } else { plan::absurd(&facts) };
        if absurd.is_empty() {
            return files.into_iter().zip(facts).collect();
        }
        for (index, reason) in absurd.into_iter().rev() {
            let case: UsableCase = files.remove(index);
            facts.remove(index);
            checks.push(Row::of_spacing(&case.id, reason.clone(), Verdict::Failed));
            let failure =
                CaseFailure { id: case.id, stage: "planning".into(), file: case.images.into_iter().next(), reason };
            console.error(&failure.to_string());
            failures.push(failure);
        }
    }
}

/// Whether the voxels of the cases that are left look like one data set.
fn of_spacings(scanned: &[(UsableCase, CaseFacts)]) -> Vec<Row> {
    let facts = scanned.iter().map(|(_, facts)| facts);
    let mut odd: HashMap<usize, String> = plan::odd_spacings(facts).into_iter().collect();
    let row = |(index, (files, facts)): (usize, &(UsableCase, CaseFacts))| match odd.remove(&index) {
        Some(doubt) => Row::of_spacing(&files.id, doubt, Verdict::Warning),
        None => {
            let [x, y, z] = facts.geometry.spacing;
            Row::of_spacing(&files.id, format!("{x} x {y} x {z} mm"), Verdict::Passed)
        }
    };
    scanned.iter().enumerate().map(row).collect()
}

fn too_few(cases: usize, folds: usize) -> Error {
    let noun = if cases == 1 { "case" } else { "cases" };
    Error::new(format!("{cases} usable {noun} cannot be dealt out to {folds} folds"))
        .hint("repair the cases listed above, add cases, or ask for fewer folds with --nfolds")
}

fn report(cases: &Cases, plan: &Plan, budget: &VoxelBudget, console: &dyn Console) {
    let planned = |index: usize| plan.notes.iter().filter(move |(case, _)| *case == index).map(|(_, note)| note);
    for (index, (files, facts)) in cases.files.iter().zip(&cases.facts).enumerate() {
        for note in facts.notes.iter().chain(planned(index)) {
            console.warn(&format!("{}: {note}", files.id));
        }
    }
    if plan.outside_ct_range > 0 {
        let count = plan.outside_ct_range;
        console.warn(&format!("{count} foreground samples lie outside -1024 to 3072 HU; the CT window ignores them"));
    }
    let patch = plan.spatial_config.patch_size;
    let [x, y, z] = patch;
    console.info(&format!("A patch has {x} x {y} x {z} voxels: chosen for {budget}"));
    if let Some(excess) = budget.excess(patch) {
        console.warn(&excess);
    }
}

fn outputs(dataset: &Dataset, cases: &Cases, plan: Plan, folds: usize, test: Option<Vec<UsableCase>>) -> Outputs {
    let classes = dataset.final_classes.iter();
    let classes = classes.map(|(name, labels)| EvaluationClass::with_default_metrics(name, labels.clone())).collect();
    let mut config = Config::new(dataset.info.clone(), plan.spatial_config, plan.preprocessing, Evaluation { classes });
    config.training.nfolds = folds;
    config.training.folds = (0..folds).collect();
    let images = &dataset.info.images;
    let train_case = |(case, &fold): (&UsableCase, &usize)| TrainCase {
        id: case.id.clone(),
        fold,
        mask: case.mask.clone().unwrap_or_default(),
        images: case.images.clone(),
    };
    let case_box = |(case, facts): (&UsableCase, &CaseFacts)| CaseBox {
        id: case.id.clone(),
        start: facts.foreground.start,
        end: facts.foreground.end,
        original_size: facts.foreground.original_size,
    };
    Outputs {
        config,
        train_paths: TrainPaths {
            images: images.clone(),
            cases: cases.files.iter().zip(&cases.folds).map(train_case).collect(),
        },
        boxes: BoundingBoxes { boxes: cases.files.iter().zip(&cases.facts).map(case_box).collect() },
        test_paths: test.map(|cases| TestPaths {
            images: images.clone(),
            cases: cases.into_iter().map(|case| TestCase { id: case.id, images: case.images }).collect(),
        }),
        left_out: Vec::new(),
        data_dump: None,
    }
}
