//! Checks of a mask's values: for a warning always, and more strictly with `--validate`.

use mist_metrics::Value;
use std::collections::BTreeSet;

/// Values named in a message.
const NAMED: usize = 10;

/// Why a mask is not one of whole numbers out of 0 and `labels`, or `None` when it is.
pub(super) fn problem_with<T: Value>(voxels: &[T], labels: &BTreeSet<i64>) -> Option<String> {
    let mut unexpected = BTreeSet::new();
    let mut last = T::default();
    for &value in voxels {
        if value == last {
            continue;
        }
        last = value;
        let value: f64 = value.into();
        let whole = value.fract() == 0.0;
        if !whole {
            return Some(format!("has values that are not whole numbers, such as {}", value as f32));
        }
        let label = value as i64;
        if label != 0 && !labels.contains(&label) {
            unexpected.insert(label);
        }
    }
    if unexpected.is_empty() {
        return None;
    }
    let named: Vec<String> = unexpected.iter().take(NAMED).map(i64::to_string).collect();
    let rest = match unexpected.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("has labels that no class of the evaluation has: {}{rest}", named.join(", ")))
}

/// How many voxels of a mask hold none of the `known` values, and which values those are; `None` when all are known.
pub(super) fn strangers<T: Value>(voxels: &[T], known: &BTreeSet<i64>) -> Option<String> {
    let mut count = 0_usize;
    // As files hold them: that of 0.1 is not that of a double.
    let mut named: Vec<f32> = Vec::new();
    let (mut last, mut last_known) = (T::default(), true);
    for &voxel in voxels {
        if voxel != last {
            let value = voxel.into() as f32;
            (last, last_known) = (voxel, value.fract() == 0.0 && known.contains(&(value as i64)));
            if !last_known && named.len() <= NAMED && !named.contains(&value) {
                named.push(value);
            }
        }
        count += usize::from(!last_known);
    }
    if named.is_empty() {
        return None;
    }
    let rest = if named.len() > NAMED { ", …" } else { "" };
    let list: Vec<String> = named.iter().take(NAMED).map(f32::to_string).collect();
    let voxels = if count == 1 { "1 voxel".to_owned() } else { format!("{count} voxels") };
    Some(format!("has {voxels} with values that are no label: {}{rest}", list.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_known_labels_pass() {
        assert_eq!(problem_with(&[0.0, 1.0, 1.0, 4.0, -0.0], &BTreeSet::from([1, 4])), None);
    }

    #[test]
    fn the_problem_is_named() {
        let labels = BTreeSet::from([1]);
        let problem = |voxels: &[f32]| problem_with(voxels, &labels).unwrap_or_default();
        assert_eq!(problem(&[1.0, 0.5]), "has values that are not whole numbers, such as 0.5");
        assert_eq!(problem(&[f32::NAN]), "has values that are not whole numbers, such as NaN");
        assert_eq!(problem(&[3.0, 1.0, -2.0, 3.0]), "has labels that no class of the evaluation has: -2, 3");
        let many: Vec<f32> = (2..15).map(|label| label as f32).collect();
        assert!(problem(&many).ends_with("2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"));
    }

    #[test]
    fn strangers_are_counted_and_named_once() {
        let known = BTreeSet::from([0, 1]);
        assert_eq!(strangers(&[0.0, 1.0, -0.0], &known), None);
        assert_eq!(
            strangers(&[7.0, 7.0, 0.0, 0.5, 7.0], &known).unwrap_or_default(),
            "has 4 voxels with values that are no label: 7, 0.5"
        );
        let many: Vec<f32> = (2..15).map(|label| label as f32).collect();
        let text = strangers(&many, &known).unwrap_or_default();
        assert_eq!(text, "has 13 voxels with values that are no label: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …");
    }
}
