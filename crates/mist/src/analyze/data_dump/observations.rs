//! Sentences about what is remarkable in a data set.

use super::images::ImageStatistics;
use super::labels::{LabelStatistics, LabelSummary, ShapeClass, SizeCategory};
use super::summary::DatasetSummary;

const FEW_PATIENTS: usize = 50;
const MANY_PATIENTS: usize = 500;
/// Part of the image below which the foreground is called small.
const LOW_FOREGROUND: f64 = 0.2;
/// Ratios of the largest label to the smallest.
const SEVERE_IMBALANCE: f64 = 10.0;
const MODERATE_IMBALANCE: f64 = 3.0;
/// Percent of the cases below which a label is called rare.
const RARE_PERCENT: f64 = 50.0;
/// Percent of the image.
const VERY_SPARSE_PERCENT: f64 = 1.0;
const SPARSE_PERCENT: f64 = 5.0;
/// Skeleton voxels as a part of the label's, above which it is called thin.
const THIN: f64 = 0.05;

/// All that apply, in the order of the rules; a rule about labels goes over all labels before the next.
pub fn observations(summary: &DatasetSummary, images: &ImageStatistics, labels: &LabelStatistics) -> Vec<String> {
    let mut found = Vec::new();
    about_images(&mut found, summary, images);
    about_imbalance(&mut found, labels);
    let rules: [fn(i64, &LabelSummary) -> Option<String>; 4] = [rarity, sparsity, shape, resolution];
    for rule in rules {
        found.extend(labels.labels.iter().filter_map(|(label, summary)| rule(*label, summary)));
    }
    found
}

fn about_images(found: &mut Vec<String>, summary: &DatasetSummary, images: &ImageStatistics) {
    let patients = summary.num_patients;
    if patients < FEW_PATIENTS {
        found.push(format!("Small data set of {patients} patients."));
    } else if patients > MANY_PATIENTS {
        found.push(format!("Large data set of {patients} patients."));
    }
    if summary.num_channels > 1 {
        let names = summary.channel_names.join(", ");
        found.push(format!("Images have {} channels ({names}).", summary.num_channels));
    }
    if images.spacing.is_anisotropic {
        let ratio = images.spacing.anisotropy_ratio;
        found.push(format!("Voxels are anisotropic: the largest spacing is {ratio:.2} times the smallest."));
    }
    let fraction = images.intensity.foreground_fraction.mean;
    if fraction < LOW_FOREGROUND && summary.num_labels > 1 {
        let percent = 100.0 * fraction;
        found.push(format!(
            "Little foreground: the labels take up {percent:.2} % of the image on average, as small structures and \
             lesions do."
        ));
    }
    if summary.modality == "ct" {
        for (name, spread) in &images.intensity.per_channel {
            found.push(format!(
                "Foreground of CT channel '{name}' lies between {:.0} and {:.0} HU (percentiles 1 and 99), mean {:.1} ± \
                 {:.1} HU.",
                spread.p01, spread.p99, spread.mean, spread.std
            ));
        }
    }
}

fn about_imbalance(found: &mut Vec<String>, labels: &LabelStatistics) {
    let imbalance = &labels.imbalance;
    let (Some(dominant), Some(minority)) = (imbalance.dominant_label, imbalance.minority_label) else { return };
    let ratio = imbalance.imbalance_ratio;
    let degree = match ratio {
        ratio if ratio > SEVERE_IMBALANCE => "Severe",
        ratio if ratio > MODERATE_IMBALANCE => "Moderate",
        _ => return,
    };
    found.push(format!(
        "{degree} class imbalance: label {dominant} takes up {ratio:.1} times the volume of label {minority}."
    ));
}

fn rarity(label: i64, summary: &LabelSummary) -> Option<String> {
    let presence = summary.presence_rate_pct;
    if summary.size_category == SizeCategory::Tiny {
        let percent = summary.mean_volume_fraction_of_foreground_pct;
        return Some(format!(
            "Label {label} is very small: {percent:.4} % of the foreground, present in {presence:.1} % of the patients."
        ));
    }
    (presence < RARE_PERCENT).then(|| format!("Label {label} is absent in {:.1} % of the patients.", 100.0 - presence))
}

fn sparsity(label: i64, summary: &LabelSummary) -> Option<String> {
    let percent = summary.mean_volume_fraction_of_image_pct;
    let word = match percent {
        percent if percent < VERY_SPARSE_PERCENT => "very sparse",
        percent if percent < SPARSE_PERCENT => "sparse",
        _ => return None,
    };
    Some(format!("Label {label} is {word}: {percent:.4} % of the image on average."))
}

fn shape(label: i64, summary: &LabelSummary) -> Option<String> {
    let shape = &summary.shape;
    let thin = shape.skeleton_ratio.is_some_and(|ratio| ratio > THIN);
    let what = match shape.shape_class {
        ShapeClass::Unknown => return None,
        _ if thin => "is thin or branching",
        ShapeClass::Tubular => "is elongated",
        ShapeClass::Planar => "is like a sheet",
        ShapeClass::Blob => "is compact",
    };
    let number = |name: &str, value: Option<f64>, decimals: usize| Some(format!("{name} {:.decimals$}", value?));
    let numbers = [
        number("linearity", shape.linearity, 2),
        number("planarity", shape.planarity, 2),
        number("sphericity", shape.sphericity, 2),
        number("compactness", shape.compactness, 3),
        number("skeleton ratio", shape.skeleton_ratio, 3),
    ];
    Some(format!("Label {label} {what}: {}.", numbers.into_iter().flatten().collect::<Vec<_>>().join(", ")))
}

fn resolution(label: i64, summary: &LabelSummary) -> Option<String> {
    let small = matches!(summary.size_category, SizeCategory::Tiny | SizeCategory::Small);
    let thin = match summary.shape.skeleton_ratio {
        Some(ratio) => ratio > THIN,
        None => matches!(summary.shape.shape_class, ShapeClass::Tubular | ShapeClass::Planar),
    };
    (small && thin).then(|| {
        format!(
            "Label {label} is small and thin: the target spacing may be too coarse for it; a smaller one in config.json \
             keeps more of it."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::labels::{ShapeSummary, VoxelCount};
    use super::*;

    fn summary(of_foreground: f64, of_image: f64, presence: f64, skeleton_ratio: Option<f64>) -> LabelSummary {
        LabelSummary {
            voxel_count: VoxelCount { mean: 1.0, std: 0.0, min: 1, median: 1.0, max: 1 },
            mean_volume_fraction_of_foreground_pct: of_foreground,
            mean_volume_fraction_of_image_pct: of_image,
            presence_rate_pct: presence,
            size_category: SizeCategory::of(of_foreground),
            shape: ShapeSummary {
                linearity: Some(0.2),
                planarity: Some(0.7),
                sphericity: Some(0.1),
                shape_class: ShapeClass::Planar,
                compactness: Some(0.25),
                skeleton_ratio,
            },
        }
    }

    #[test]
    fn a_rare_label_is_absent_and_a_tiny_one_is_small() {
        assert_eq!(rarity(3, &summary(2.0, 1.0, 25.0, None)).unwrap(), "Label 3 is absent in 75.0 % of the patients.");
        assert_eq!(
            rarity(3, &summary(0.05, 1.0, 25.0, None)).unwrap(),
            "Label 3 is very small: 0.0500 % of the foreground, present in 25.0 % of the patients."
        );
        assert_eq!(rarity(3, &summary(2.0, 1.0, 50.0, None)), None);
    }

    #[test]
    fn sparse_is_below_five_percent_of_the_image() {
        assert!(sparsity(1, &summary(9.0, 0.99, 100.0, None)).unwrap().contains("very sparse: 0.9900 %"));
        assert!(sparsity(1, &summary(9.0, 1.0, 100.0, None)).unwrap().contains("is sparse"));
        assert_eq!(sparsity(1, &summary(9.0, 5.0, 100.0, None)), None);
    }

    #[test]
    fn thinness_goes_before_the_class_of_shape() {
        assert!(shape(1, &summary(9.0, 9.0, 100.0, Some(0.06))).unwrap().starts_with("Label 1 is thin or branching"));
        let sheet = shape(1, &summary(9.0, 9.0, 100.0, None)).unwrap();
        assert_eq!(
            sheet,
            "Label 1 is like a sheet: linearity 0.20, planarity 0.70, sphericity 0.10, compactness 0.250."
        );
    }

    #[test]
    fn only_small_thin_labels_ask_for_a_finer_spacing() {
        assert!(resolution(1, &summary(0.5, 9.0, 100.0, Some(0.06))).is_some());
        assert!(resolution(1, &summary(0.5, 9.0, 100.0, None)).is_some());
        assert!(resolution(1, &summary(0.5, 9.0, 100.0, Some(0.04))).is_none());
        assert!(resolution(1, &summary(1.5, 9.0, 100.0, Some(0.06))).is_none());
    }
}
