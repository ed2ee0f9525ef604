//! The operations as their formulas say, one loop per index, sums in `f64`: the truth for tests, far too slow for work.

pub mod conv;
pub mod grouped;
pub mod instance_norm;
pub mod pool;
pub mod region_loss;
