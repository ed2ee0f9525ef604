//! Overlap and surface metrics.
