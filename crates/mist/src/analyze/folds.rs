//! Which case is held out in which fold, and the order of the rows in `train_paths.csv`.

use crate::random::permutation;

/// The folds do not follow `training.seed`: a data set keeps its folds when a training is repeated with another seed.
const SEED: u32 = 42;

/// Partitions of up to this many rows are sorted by insertion.
const SMALL: usize = 16;

/// One row of `train_paths.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldRow {
    /// Position of the case among the usable cases, sorted by id.
    pub case: usize,
    /// The fold in which the case is held out.
    pub fold: usize,
}

/// Deals `cases` cases out to `folds` folds, whose sizes differ by at most one, and lists them in the row order of
/// `train_paths.csv`. Needs `2 <= folds <= cases`, which the caller has checked.
///
/// The order within a fold is that of an unstable sort. It matters because the training split, the loaders and all
/// lists per case follow it, and a run taken over from the Python toolkit must see the same order.
pub fn assign(cases: usize, folds: usize) -> Vec<FoldRow> {
    let mut fold_of = vec![0; cases];
    let mut dealt = permutation(SEED, cases).into_iter();
    for fold in 0..folds {
        let size = cases / folds + usize::from(fold < cases % folds);
        for case in dealt.by_ref().take(size) {
            fold_of[case] = fold;
        }
    }
    let mut rows: Vec<FoldRow> = fold_of.into_iter().enumerate().map(|(case, fold)| FoldRow { case, fold }).collect();
    sort_by_fold(&mut rows);
    rows
}

/// Median-of-three quicksort, the larger side postponed, small parts sorted by insertion.
fn sort_by_fold(rows: &mut [FoldRow]) {
    let mut postponed = vec![&mut rows[..]];
    while let Some(mut part) = postponed.pop() {
        while part.len() > SMALL {
            let middle = partition(part);
            let (left, rest) = part.split_at_mut(middle);
            let right = &mut rest[1..];
            // Which side goes first does not change the result; the smaller one keeps the list short.
            if left.len() < right.len() {
                postponed.push(right);
                part = left;
            } else {
                postponed.push(left);
                part = right;
            }
        }
        sort_by_insertion(part);
    }
}

/// Splits around the median of the first, middle and last row; returns where that row came to lie.
fn partition(part: &mut [FoldRow]) -> usize {
    let high = part.len() - 1;
    let middle = high / 2;
    for (upper, lower) in [(middle, 0), (high, middle), (middle, 0)] {
        if part[upper].fold < part[lower].fold {
            part.swap(upper, lower);
        }
    }
    let pivot = part[middle].fold;
    part.swap(middle, high - 1);
    let (mut up, mut down) = (0, high - 1);
    loop {
        // The rows put in place above stop both scans.
        up += 1;
        while part[up].fold < pivot {
            up += 1;
        }
        down -= 1;
        while pivot < part[down].fold {
            down -= 1;
        }
        if up >= down {
            break;
        }
        part.swap(up, down);
    }
    part.swap(up, high - 1);
    up
}

fn sort_by_insertion(part: &mut [FoldRow]) {
    for sorted in 1..part.len() {
        let mut hole = sorted;
        while hole > 0 && part[hole].fold < part[hole - 1].fold {
            part.swap(hole, hole - 1);
            hole -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(cases: usize, folds: usize) -> Vec<(usize, usize)> {
        assign(cases, folds).into_iter().map(|row| (row.fold, row.case)).collect()
    }

    #[test]
    fn ten_cases_in_three_folds() {
        // Blocks of the permutation 8 1 5 0 | 7 2 9 | 4 3 6.
        assert_eq!(pairs(10, 3), [(0, 0), (0, 1), (0, 5), (0, 8), (1, 2), (1, 7), (1, 9), (2, 3), (2, 4), (2, 6)]);
    }

    #[test]
    fn sizes_differ_by_one_and_every_case_is_held_out_once() {
        for (cases, folds) in [(2, 2), (17, 2), (18, 5), (180, 5), (1251, 7)] {
            let rows = assign(cases, folds);
            assert!(rows.is_sorted_by_key(|row| row.fold), "{cases} cases in {folds} folds");
            let mut sizes = vec![0; folds];
            rows.iter().for_each(|row| sizes[row.fold] += 1);
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let mut seen: Vec<usize> = rows.iter().map(|row| row.case).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..cases));
        }
    }

    #[test]
    fn up_to_sixteen_cases_keep_the_order_of_their_ids() {
        let rows = pairs(16, 4);
        assert!(rows.is_sorted());
    }
}
