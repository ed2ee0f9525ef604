//! The worst and the best cases, with pictures.

use super::markup::{data_address, number, table};
use crate::cases::{Case, Catalogue, Group};
use crate::console::Console;
use crate::error::{Error, Result};
use crate::memory::Allowance;
use crate::picture::{Cut, Scene};
use crate::text::escaped;
use mist_volume::nifti;

/// Volumes that are in memory for a picture, with those that are being turned, in 4 bytes per voxel.
const VOLUMES: f64 = 5.0;

/// Names of the planes, and the letters at their left, right, upper and lower edge.
const PLANES: [(&str, [&str; 4]); 3] =
    [("axial", ["R", "L", "A", "P"]), ("coronal", ["R", "L", "S", "I"]), ("sagittal", ["A", "P", "S", "I"])];

/// So many of the worst cases, and of the best of those that are left.
pub(super) fn section(catalogue: &Catalogue, count: usize, console: &dyn Console) -> String {
    // Worst first.
    let scored: Vec<&Case> = catalogue.cases.iter().filter(|case| case.group == Group::Scored).collect();
    let (worst, others) = scored.split_at(count.min(scored.len()));
    let best = &others[others.len().saturating_sub(count)..];
    if worst.is_empty() {
        return String::new();
    }
    let bar = console.bar("Drawing cases", (worst.len() + best.len()) as u64);
    let mut markup = String::from(
        "<p class=\"legend\"><span class=\"truth\">truth</span> <span class=\"prediction\">prediction</span> \
         <span class=\"both\">both</span></p>\n",
    );
    markup += "<h3>Worst, where truth and prediction differ most</h3>\n";
    for case in worst {
        markup += &of_case(catalogue, case, Cut::Error, console);
        bar.advance(1);
    }
    if !best.is_empty() {
        markup += "<h3>Best, where the truth is largest</h3>\n";
    }
    for case in best.iter().rev() {
        markup += &of_case(catalogue, case, Cut::Truth, console);
        bar.advance(1);
    }
    markup
}

/// A case: three planes, or why there are none, and its scores.
fn of_case(catalogue: &Catalogue, case: &Case, cut: Cut, console: &dyn Console) -> String {
    let planes = match pictures(catalogue, case, cut, console) {
        Ok(pictures) => pictures.iter().zip(PLANES).map(|(picture, plane)| figure(picture, plane)).collect(),
        Err(error) => format!("<p class=\"missing\">No picture: {}</p>\n", escaped(&error.to_string())),
    };
    let scores = catalogue.columns.iter().zip(&case.scores);
    let rows: Vec<Vec<String>> = scores.map(|(name, value)| vec![name.clone(), number(*value)]).collect();
    let dice = number(case.dice);
    let fold = case.fold.map(|fold| format!(", fold {fold}")).unwrap_or_default();
    format!(
        "<article><h4>{}</h4><p>mean Dice {dice}{fold}</p>\n<div class=\"planes\">\n{planes}{}</div></article>\n",
        escaped(&case.id),
        table(&["score".to_owned(), "value".to_owned()], &rows, "scores")
    )
}

fn figure(picture: &[u8], (name, [left, right, top, bottom]): (&str, [&str; 4])) -> String {
    format!(
        "<figure class=\"plane\"><span class=\"left\">{left}</span><span class=\"right\">{right}</span>\
         <span class=\"top\">{top}</span><span class=\"bottom\">{bottom}</span>\
         <img src=\"{}\" alt=\"{name} plane\"><figcaption>{name}</figcaption></figure>\n",
        data_address("image/png", picture)
    )
}

/// PNG files of the three planes of the first channel.
fn pictures(catalogue: &Catalogue, case: &Case, cut: Cut, console: &dyn Console) -> Result<Vec<Vec<u8>>> {
    let scan = case.scans.first().filter(|scan| scan.is_file());
    let (Some(scan), Some(truth), Some(prediction)) = (scan, &case.truth, &case.prediction) else {
        return Err(Error::new(case.problems.join("; ")));
    };
    let header = nifti::read_header(scan).map_err(|error| Error::new(error.problem.to_string()).at(scan))?;
    let voxels: f64 = header.geometry().size.iter().map(|count| *count as f64).product();
    if let Some(shortage) = Allowance::new(None, console).shortage(4.0 * VOLUMES * voxels) {
        return Err(Error::new("there is too little memory to draw it").because(shortage));
    }
    let window = catalogue.window.map(|window| window.map(|value| value as f32));
    Scene::read(scan, truth, prediction)?.with_window(window).pictures(cut)
}
