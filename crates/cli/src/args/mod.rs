//! What the user typed: one file per command. Turning it into what the stage wants is a method beside the flags.

mod aliases;
mod analyze;
mod bench;
mod convert_msd;
mod demo;
mod describe_transforms;
mod ensemble;
mod evaluate;
mod finalize;
mod later;
mod memory;
mod overwrite;
mod postprocess;
mod predict;
mod preprocess;
mod rank;
mod run_all;
mod train;
mod values;
mod view;

pub(crate) use aliases::Aliases;
pub(crate) use analyze::Analyze;
pub(crate) use bench::Bench;
pub(crate) use convert_msd::ConvertMsd;
pub(crate) use demo::Demo;
pub(crate) use describe_transforms::DescribeTransforms;
pub(crate) use ensemble::Ensemble;
pub(crate) use evaluate::Evaluate;
pub(crate) use finalize::Finalize;
pub(crate) use postprocess::Postprocess;
pub(crate) use predict::Predict;
pub(crate) use preprocess::Preprocess;
pub(crate) use rank::Rank;
pub(crate) use run_all::RunAll;
pub(crate) use train::Train;
pub(crate) use view::View;
