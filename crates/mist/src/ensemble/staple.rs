//! Simultaneous truth and performance level estimation, for several labels.
//!
//! Warfield, Zou and Wells, *Simultaneous truth and performance level estimation (STAPLE)*, IEEE Trans. Med. Imaging 23, 2004;
//! several labels and the start as in Rohlfing, Russakoff and Maurer, *Expectation maximization strategies for multi-atlas
//! multi-label segmentation*, 2003, and in ITK, whose results the field quotes.

use super::majority_vote::majority_vote;
use super::patterns::Patterns;

/// No entry of a matrix changes by more once the estimate stands.
const TOLERANCE: f64 = 1e-5;
/// Rounds after which an estimate that does not come to rest is taken as it is; usual are 1 to some hundred.
const MOST_ROUNDS: usize = 10_000;

/// The outcome of an estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Staple {
    /// The most probable label of every answer; nothing where several are, or none is possible.
    pub decisions: Vec<Option<u8>>,
    /// Of every rater, the probability `[given label][true label]` that it gives a label; one row more than there are labels.
    pub matrices: Vec<Vec<Vec<f64>>>,
    /// Whether the estimate has come to rest.
    pub is_settled: bool,
}

/// Estimates truth and raters together.
pub fn staple(patterns: &Patterns) -> Staple {
    let labels = patterns.labels();
    let priors = priors(patterns, labels);
    let mut matrices = start(patterns, labels);
    let mut is_settled = false;
    for _ in 0..MOST_ROUNDS {
        let next = improved(patterns, &matrices, &priors);
        let cells = |matrices: &[Vec<Vec<f64>>]| matrices.iter().flatten().flatten().copied().collect::<Vec<f64>>();
        let change = cells(&next).iter().zip(cells(&matrices)).map(|(new, old)| (new - old).abs()).fold(0.0, f64::max);
        matrices = next;
        is_settled = change < TOLERANCE;
        if is_settled {
            break;
        }
    }
    let decisions = patterns.answers.iter().map(|answer| decide(&weights(answer, &matrices, &priors))).collect();
    Staple { decisions, matrices, is_settled }
}

/// Share of each label in all that the raters say.
fn priors(patterns: &Patterns, labels: usize) -> Vec<f64> {
    let mut counts = vec![0_u64; labels];
    for (answer, count) in patterns.answers.iter().zip(&patterns.counts) {
        answer.iter().for_each(|label| counts[usize::from(*label)] += count);
    }
    let total = counts.iter().sum::<u64>() as f64;
    counts.into_iter().map(|count| count as f64 / total).collect()
}

/// Each rater against the majority. Where there is none, ITK counts for the background and the label above the one given;
/// kept, since with two raters every disagreement is such a place.
fn start(patterns: &Patterns, labels: usize) -> Vec<Vec<Vec<f64>>> {
    let raters = patterns.answers.first().map_or(0, Vec::len);
    let mut counts = vec![vec![vec![0_u64; labels]; labels + 1]; raters];
    for ((answer, count), vote) in patterns.answers.iter().zip(&patterns.counts).zip(majority_vote(patterns)) {
        for (matrix, given) in counts.iter_mut().zip(answer) {
            let given = usize::from(*given);
            match vote {
                Some(vote) => matrix[given][usize::from(vote)] += count,
                None => matrix[given + 1][0] += count,
            }
        }
    }
    let row = |row: Vec<u64>| {
        let sum = row.iter().sum::<u64>().max(1) as f64;
        row.into_iter().map(|count| count as f64 / sum).collect()
    };
    counts.into_iter().map(|matrix| matrix.into_iter().map(row).collect()).collect()
}

/// Probability of every true label behind an answer, up to a factor.
fn weights(answer: &[u8], matrices: &[Vec<Vec<f64>>], priors: &[f64]) -> Vec<f64> {
    let mut weights = priors.to_vec();
    for (matrix, given) in matrices.iter().zip(answer) {
        weights.iter_mut().zip(&matrix[usize::from(*given)]).for_each(|(weight, share)| *weight *= share);
    }
    weights
}

/// One round: the truth that the matrices imply, then the matrices that this truth implies.
fn improved(patterns: &Patterns, matrices: &[Vec<Vec<f64>>], priors: &[f64]) -> Vec<Vec<Vec<f64>>> {
    let labels = priors.len();
    let mut next = vec![vec![vec![0.0; labels]; labels + 1]; matrices.len()];
    for (answer, count) in patterns.answers.iter().zip(&patterns.counts) {
        let weights = weights(answer, matrices, priors);
        let sum: f64 = weights.iter().sum();
        let scale = *count as f64 / if sum != 0.0 { sum } else { 1.0 };
        for (matrix, given) in next.iter_mut().zip(answer) {
            let row = &mut matrix[usize::from(*given)];
            row.iter_mut().zip(&weights).for_each(|(cell, weight)| *cell += weight * scale);
        }
    }
    for matrix in &mut next {
        for label in 0..labels {
            let sum: f64 = matrix.iter().map(|row| row[label]).sum();
            if sum != 0.0 {
                matrix.iter_mut().for_each(|row| row[label] /= sum);
            }
        }
    }
    next
}

/// The label with the largest weight; nothing where two share it, or all are 0.
fn decide(weights: &[f64]) -> Option<u8> {
    let (mut best, mut winner) = (0.0, None);
    for (label, weight) in weights.iter().enumerate() {
        if *weight > best {
            (best, winner) = (*weight, u8::try_from(label).ok());
        } else if *weight == best {
            winner = None;
        }
    }
    winner
}
