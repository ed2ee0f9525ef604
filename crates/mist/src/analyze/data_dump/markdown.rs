//! `data_dump.md`: the same for a person, or for a language model that is to give advice.

use super::DataDump;
use super::images::PerAxis;
use super::labels::LabelSummary;
use std::fmt::Write;

/// Heading of the part that the user writes; it is kept when the file is written anew.
pub const DESCRIPTION: &str = "## Dataset Description and Goals";

/// Heading of the part after it.
const SUMMARY: &str = "## Summary";

/// What stands in that part at first.
const QUESTIONS: &str = "\
<!-- Please fill in. What helps to judge the numbers below:
- What do the images show, of whom, and with which scanners and protocols were they made?
- What are the labels, and who drew them?
- What are the results for, and which errors matter most?
- Which hardware is there, and how much time?
-->";

/// The whole text; `description` is what the user wrote in an earlier one.
pub fn markdown(dump: &DataDump, description: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, dump, description.unwrap_or(QUESTIONS));
    text
}

/// The description in the text of an earlier dump; `None` where there is none, or nobody has touched it.
pub fn description(text: &str) -> Option<&str> {
    let (_, after) = text.split_once(DESCRIPTION)?;
    // The user may have headings too.
    let end = format!("\n{SUMMARY}\n");
    let (own, _) = after.split_once(&end).or_else(|| after.split_once("\n## "))?;
    let own = own.trim();
    (!own.is_empty() && own != QUESTIONS).then_some(own)
}

fn write_all(text: &mut String, dump: &DataDump, description: &str) -> std::fmt::Result {
    let summary = &dump.dataset_summary;
    writeln!(text, "# Data set {}\n", summary.task)?;
    writeln!(
        text,
        "Statistics of the training cases, as `mist analyze --data-dump` found them; `data_dump.json` holds the same for \
         programs. Describe the data in the first part: it is kept when this file is written again.\n"
    )?;
    writeln!(text, "{DESCRIPTION}\n\n{description}\n")?;
    writeln!(text, "{SUMMARY}\n")?;
    writeln!(text, "- Modality: {}", summary.modality.to_uppercase())?;
    writeln!(text, "- Patients: {}", summary.num_patients)?;
    writeln!(text, "- Channels: {} ({})", summary.num_channels, summary.channel_names.join(", "))?;
    writeln!(text, "- Labels: {}", list(&summary.labels))?;
    let classes = dump.label_statistics.classes.iter();
    let classes: Vec<String> =
        classes.map(|(name, class)| format!("{name} ({})", list(&class.constituent_labels))).collect();
    writeln!(text, "- Classes: {}", classes.join("; "))?;
    writeln!(text, "- Size of the files: {:.3} GB\n", summary.dataset_size_gb)?;
    images(text, dump)?;
    labels(text, dump)?;
    writeln!(text, "## What the numbers mean\n\n{MEANINGS}\n")?;
    writeln!(text, "## Observations\n")?;
    for observation in &dump.observations {
        writeln!(text, "- {observation}")?;
    }
    writeln!(
        text,
        "\n<!-- Questions that these may answer together with the description above: which patch size, target"
    )?;
    writeln!(text, "spacing, loss and architecture suit the data, and which labels need special care? -->\n")?;
    writeln!(text, "---\nConfiguration: `{}`", dump.mist_config_path)
}

fn images(text: &mut String, dump: &DataDump) -> std::fmt::Result {
    let images = &dump.image_statistics;
    writeln!(text, "## Images\n\nSpacing in mm, along the axes of the files:\n")?;
    axes(text, &images.spacing.per_axis, 4)?;
    let kind = if images.spacing.is_anisotropic { "anisotropic" } else { "near isotropic" };
    writeln!(text, "\nLargest median spacing over smallest: {:.2} ({kind})\n", images.spacing.anisotropy_ratio)?;
    writeln!(text, "Size in voxels:\n")?;
    axes(text, &images.dimensions.original.per_axis, 1)?;
    let [x, y, z] = images.dimensions.resampled_median;
    writeln!(text, "\nMedian size after resampling: {x} x {y} x {z}\n")?;
    writeln!(text, "Intensities under the mask:\n")?;
    writeln!(text, "| channel | mean ± std | p1 | p5 | p25 | p50 | p75 | p95 | p99 |")?;
    writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
    for (name, spread) in &images.intensity.per_channel {
        write!(text, "| {} | {:.2} ± {:.2} |", cell(name), spread.mean, spread.std)?;
        for percentile in [spread.p01, spread.p05, spread.p25, spread.p50, spread.p75, spread.p95, spread.p99] {
            write!(text, " {percentile:.2} |")?;
        }
        writeln!(text)?;
    }
    let fraction = &images.intensity.foreground_fraction;
    writeln!(text, "\nForeground as a part of the image: {:.3} ± {:.3}\n", fraction.mean, fraction.std)
}

fn axes(text: &mut String, axes: &PerAxis, decimals: usize) -> std::fmt::Result {
    writeln!(text, "| axis | mean | std | min | median | max |\n|---|---|---|---|---|---|")?;
    for (axis, spread) in axes.axes() {
        write!(text, "| {axis} |")?;
        for value in [spread.mean, spread.std, spread.min, spread.median, spread.max] {
            write!(text, " {value:.decimals$} |")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn labels(text: &mut String, dump: &DataDump) -> std::fmt::Result {
    let statistics = &dump.label_statistics;
    writeln!(text, "## Labels\n")?;
    writeln!(
        text,
        "| label | voxels | present % | of foreground % | of image % | size | shape | linearity | planarity | sphericity | \
         compactness | skeleton |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    for (label, summary) in &statistics.labels {
        label_row(text, *label, summary)?;
    }
    writeln!(text, "\n| class | labels | present % | of foreground % | size |\n|---|---|---|---|---|")?;
    for (name, class) in &statistics.classes {
        writeln!(
            text,
            "| {} | {} | {:.2} | {:.4} | {} |",
            cell(name),
            list(&class.constituent_labels),
            class.presence_rate_pct,
            class.mean_volume_fraction_of_foreground_pct,
            class.size_category.as_str()
        )?;
    }
    let imbalance = &statistics.imbalance;
    match (imbalance.dominant_label, imbalance.minority_label) {
        (Some(dominant), Some(minority)) => writeln!(
            text,
            "\nThe largest label ({dominant}) takes up {:.2} times the volume of the smallest ({minority}).\n",
            imbalance.imbalance_ratio
        ),
        _ => writeln!(text),
    }
}

fn label_row(text: &mut String, label: i64, summary: &LabelSummary) -> std::fmt::Result {
    let shape = &summary.shape;
    write!(
        text,
        "| {label} | {:.0} ± {:.0} | {:.2} | {:.4} | {:.4} | {} | {} |",
        summary.voxel_count.mean,
        summary.voxel_count.std,
        summary.presence_rate_pct,
        summary.mean_volume_fraction_of_foreground_pct,
        summary.mean_volume_fraction_of_image_pct,
        summary.size_category.as_str(),
        shape.shape_class.as_str()
    )?;
    for value in [shape.linearity, shape.planarity, shape.sphericity, shape.compactness, shape.skeleton_ratio] {
        match value {
            Some(value) => write!(text, " {value:.4} |")?,
            None => write!(text, " — |")?,
        }
    }
    writeln!(text)
}

fn list(labels: &[i64]) -> String {
    labels.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Text in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

const MEANINGS: &str = "\
- Present: cases with at least one voxel of the label. Of foreground, of image: mean voxels over the mean foreground, and over the
  mean image (its foreground box, where images are cropped). Size: tiny below 0.1 % of the foreground, small below 1 %, medium below 5 %.
- Linearity, planarity, sphericity: (λ1 - λ2) / λ1, (λ2 - λ3) / λ1 and λ3 / λ1 of the variances λ1 ≥ λ2 ≥ λ3 of the voxels' positions in
  mm along their principal axes; they add up to 1. Shape: tubular, planar or blob, whichever of the three is largest.
- Compactness: 36 π V² / A³ with the volume and the area of the voxels' faces; π / 6 = 0.52 for a cube, less for anything thin or rough.
- Skeleton: voxels of the skeleton as a part of the label's; above 0.05 a structure is thin or branching.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_wrote_is_found_again() {
        let own = "Knees, 3 T.\n\n## Readers\n\nTwo of them.";
        let text = format!("# Data set a\n\n{DESCRIPTION}\n\n{own}\n\n{SUMMARY}\n\n- x\n\n## Labels\n");
        assert_eq!(description(&text), Some(own));
    }

    #[test]
    fn the_questions_alone_are_no_description() {
        assert_eq!(description(&format!("{DESCRIPTION}\n\n{QUESTIONS}\n\n## Summary\n")), None);
        assert_eq!(description(&format!("{DESCRIPTION}\n\n## Summary\n")), None);
        assert_eq!(description("anything"), None);
    }
}
