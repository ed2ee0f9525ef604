//! What the demo ends with: scores, pictures, where everything lies, and how to go on.

use super::Options;
use super::command_line::from_here;
use super::plan::Plan;
use super::scores::Scores;
use crate::console::Console;
use crate::error::Result;
use crate::evaluate::Input;
use crate::picture::{self, Scene};
use crate::tables::TrainPaths;
use std::path::{Path, PathBuf};

/// Prints everything and draws the picture.
pub(super) fn print(options: &Options, plan: &Plan, console: &dyn Console) -> Result<()> {
    let results = &plan.analyze.results;
    let training = Scores::read(&results.join("results.csv"))?;
    let test = Scores::read(&plan.evaluate.output_csv)?;
    console.section("How good the segmentations are");
    console.info(&format!(
        "Dice (1 is perfect) of the {} training cases, each segmented by the model that has not seen it:",
        training.cases.len()
    ));
    training.lines().iter().for_each(|line| console.info(line));
    console.info(&format!("Dice of the {} test cases, segmented by both models together:", test.cases.len()));
    test.lines().iter().for_each(|line| console.info(line));

    let picture = options.output.join("best_and_worst.png");
    if let Some([best, worst]) = training.best_and_worst() {
        let cases = TrainPaths::read(&results.join("train_paths.csv"))?;
        let scenes = [best.0, worst.0].map(|id| scene(results, &cases, id));
        picture::write(&picture, &scenes.into_iter().collect::<Result<Vec<_>>>()?)?;
        console.section("What they look like");
        console.info(&format!("{}", from_here(&picture).display()));
        console.info(&format!("  upper row: the best case, {} (mean Dice {:.3})", best.0, best.1));
        console.info(&format!("  lower row: the worst case, {} (mean Dice {:.3})", worst.0, worst.1));
        console.info("  from left to right: axial, coronal, sagittal plane");
        console.info("  outlines: truth in green, prediction in magenta, white where they coincide");
    }

    console.section("Where everything lies");
    for (what, path) in places(plan, &picture) {
        console.info(&format!("  {what:22}{}", from_here(&path).display()));
    }
    console.section("Now your own data");
    console.info(OWN_DATA);
    Ok(())
}

/// The scan, the truth and the out-of-fold prediction of a training case.
fn scene(results: &Path, cases: &TrainPaths, id: &str) -> Result<Scene> {
    let prediction = results.join("predictions/train/raw").join(format!("{id}.nii.gz"));
    let found = cases.cases.iter().find(|case| case.id == id);
    let missing = || crate::Error::new("the case is not in the table").place(id);
    let case = found.ok_or_else(missing)?;
    Scene::read(case.images.first().ok_or_else(missing)?, &case.mask, &prediction)
}

fn places(plan: &Plan, picture: &Path) -> Vec<(&'static str, PathBuf)> {
    let results = &plan.analyze.results;
    let truth = match &plan.evaluate.input {
        Input::Folders { masks, .. } => masks.clone(),
        Input::Csv(file) => file.clone(),
    };
    vec![
        ("scans", plan.scans.clone()),
        ("description", plan.analyze.data.clone()),
        ("plan of the run", results.join("config.json")),
        ("arrays", plan.preprocess.numpy.clone()),
        ("models", results.join("models")),
        ("training log", results.join("logs")),
        ("results", results.join("results.csv")),
        ("test predictions", plan.predict.output.clone()),
        ("test truth", truth),
        ("test results", plan.evaluate.output_csv.clone()),
        ("picture", picture.to_owned()),
    ]
}

const OWN_DATA: &str = "\
1. Put the scans of each patient into a folder of their own, with the true segmentation beside them:
     scans/train/patient_1/t1.nii.gz
     scans/train/patient_1/mask.nii.gz
     scans/test/patient_9/t1.nii.gz
2. Describe them in scans/dataset.json:
     {
       \"task\": \"tumour\", \"modality\": \"mr\",
       \"train-data\": \"train\", \"test-data\": \"test\",
       \"mask\": [\"mask.nii.gz\"], \"images\": {\"t1\": [\"t1.nii.gz\"]},
       \"labels\": [0, 1], \"final_classes\": {\"tumour\": [1]}
     }
3. Train (add --resume to continue after a stop), and segment further scans with the models:
     mist run-all --data scans/dataset.json --results results --numpy numpy
     mist predict --models-dir results/models --config results/config.json --images new --output predictions
`mist train --help` explains every setting.";
