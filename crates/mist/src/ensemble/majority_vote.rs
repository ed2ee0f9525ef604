//! The label that most raters give.

use super::patterns::Patterns;

/// The label of every answer with strictly the most votes; nothing where several have the most.
pub fn majority_vote(patterns: &Patterns) -> Vec<Option<u8>> {
    patterns.answers.iter().map(|answer| winner(answer)).collect()
}

fn winner(answer: &[u8]) -> Option<u8> {
    let mut votes = [0_usize; 256];
    answer.iter().for_each(|label| votes[usize::from(*label)] += 1);
    let most = *votes.iter().max()?;
    let mut winners = (0..=u8::MAX).filter(|label| votes[usize::from(*label)] == most);
    winners.next().filter(|_| winners.next().is_none())
}
