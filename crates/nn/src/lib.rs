//! Models, losses, optimizers, schedules and weight files.
pub mod random;
