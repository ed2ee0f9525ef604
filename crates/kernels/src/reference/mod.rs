//! The operations as their formulas say, one loop per index, sums in `f64`: the truth for tests, far too slow for work.

pub mod attention;
pub mod conv;
pub mod gelu;
pub mod grouped;
pub mod instance_norm;
pub mod layer_norm;
pub mod pool;
pub mod region_loss;
