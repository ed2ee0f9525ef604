//! Where tensors live. Only the CPU is compiled in by default.

use burn::tensor::Device;

/// The CPU, recording what is needed to compute gradients.
pub fn for_training() -> Device {
    Device::flex().autodiff()
}

/// The CPU without gradients: activations are freed as soon as the next layer has read them.
pub fn for_inference() -> Device {
    Device::flex()
}
