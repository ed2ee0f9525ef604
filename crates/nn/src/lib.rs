//! Models, losses and weights.
