//! The cases of a run, for whoever shows them: which there are, how good each is, and where it is wrong.

mod catalogue;
mod comparison;
mod labels;
pub(crate) mod layer;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use catalogue::{Case, Catalogue, Group};
pub(crate) use comparison::Comparison;
