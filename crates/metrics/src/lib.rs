//! How good a segmentation is: overlap and surface distances between two masks of one class.
//!
//! [`Segmentation`] reduces an image of labels to the labels that matter, [`Comparison`] is one class of one case
//! cropped to what the two masks cover, and [`metric`] holds the metrics by name, one file each. A metric asks the
//! comparison for what it needs; surfaces and their distances are computed once and shared. [`ranking`] compares methods by
//! their scores.

pub mod comparison;
mod lesions;
pub mod metric;
pub mod ranking;
mod region;
pub mod segmentation;
pub mod summation;
pub mod surface;

pub use comparison::{Comparison, ComparisonError};
pub use segmentation::{Segmentation, SegmentationError, Value};
