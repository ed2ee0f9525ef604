//! "Did you mean": the known word nearest to what was typed.

/// The candidate nearest to `typed`, where one is near enough to be a slip of the finger: at most a third of the letters
/// (two at least) differ, or the candidate goes on where `typed` stops. Upper and lower case count as equal; of equally
/// near ones the one of like length wins, then the first.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SHORTEST_BEGINNING: usize = 3;
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    let allowed = (length / 3).max(2);
    let rated = candidates.into_iter().filter_map(|candidate| {
        let lower = candidate.to_lowercase();
        let candidate_length = lower.chars().count();
        let distance = edit_distance(&typed, &lower);
        let near = distance <= allowed && distance < candidate_length;
        let begun = length >= SHORTEST_BEGINNING && lower.starts_with(&typed);
        (near || begun).then_some(((distance, length.abs_diff(candidate_length)), candidate))
    });
    rated.min_by_key(|(rank, _)| *rank).map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let width = right.len() + 1;
    let mut before_previous = vec![0; width];
    let mut previous: Vec<usize> = (0..width).collect();
    for i in 1..=left.len() {
        let mut current = vec![i; width];
        for j in 1..width {
            let replaced = previous[j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(previous[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(before_previous[j - 2] + 1);
            }
            current[j] = best;
        }
        before_previous = std::mem::replace(&mut previous, current);
    }
    previous[width - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let schedulers = ["constant", "cosine", "polynomial"];
        assert_eq!(nearest("cosin", schedulers), Some("cosine"));
        assert_eq!(nearest("Cosine", schedulers), Some("cosine"));
        assert_eq!(nearest("oplynomial", schedulers), Some("polynomial"));
        assert_eq!(nearest("linear", schedulers), None);
        assert_eq!(nearest("poly", schedulers), Some("polynomial"));
        assert_eq!(nearest("adamv", ["adam", "adamw", "sgd"]), Some("adamw"));
        assert_eq!(nearest("", schedulers), None);
        assert_eq!(nearest("zz", ["ab"]), None);
    }

    #[test]
    fn counts_edits() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("ab", "ba"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
