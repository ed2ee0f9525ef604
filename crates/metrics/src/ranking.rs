//! Which of several methods is better, judged by their scores on the same cases: ranks, and tests of their differences.
//!
//! The scheme is that of the BraTS challenges: methods are ranked per case and metric, and ranks, not scores, are averaged and
//! compared (Bakas et al., *Identifying the Best Machine Learning Algorithms for Brain Tumor Segmentation*, 2018).

mod holm;
mod ranks;
mod wilcoxon;

pub use holm::holm;
pub use ranks::mid_ranks;
pub use wilcoxon::signed_rank_less;
