//! Weights on their way between the master copies of a model and the engine.

use burn::tensor::{Device, Tensor, TensorData};

/// A weight tensor for one forward pass; its gradient is recorded on a device made by [`crate::for_training`].
pub fn parameter(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = values.len();
    let tensor = Tensor::from_data(TensorData::new(values, [count]), device);
    if device.is_autodiff() { tensor.require_grad() } else { tensor }
}

/// A tensor that is not learnt.
pub fn constant(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// Weights `[out, in, …]`, flat, for an input whose last `repeated` channels are the same as those before them: the
/// weights of both are added, `[out, in - repeated, …]`, flat, so that the input need hold them only once.
pub fn fold_repeated(weight: Tensor<1>, channels: [usize; 2], repeated: usize) -> Tensor<1> {
    let [output, input] = channels;
    let entries = weight.dims()[0] / (output * input);
    let weight = weight.reshape([output, input, entries]);
    let once = input - 2 * repeated;
    let (first, second) =
        (weight.clone().narrow(1, once, repeated), weight.clone().narrow(1, once + repeated, repeated));
    let folded = Tensor::cat(vec![weight.narrow(1, 0, once), first + second], 1);
    folded.reshape([output * (input - repeated) * entries])
}

/// The gradients of one backward pass.
pub struct Gradients(burn::tensor::Gradients);

impl Gradients {
    /// Differentiates `loss`, a single value, by everything that it was computed from.
    pub fn of(loss: &Tensor<1>) -> Self {
        Self(loss.backward())
    }

    /// Takes out the gradient by `tensor`, or nothing if the loss does not depend on it.
    pub fn take<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<Vec<f32>> {
        tensor.grad_remove(&mut self.0).map(values_of)
    }

    /// As [`Self::take`], for a feature map made with `require_gradient`; channels last.
    pub fn take_map(&mut self, map: &crate::FeatureMap) -> Option<Vec<f32>> {
        self.take(&map.tensor())
    }
}

/// The values of a tensor, last axis fastest.
pub(crate) fn values_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data();
    match data.try_into_vec::<f32>() {
        Ok(values) => values,
        Err(error) => unreachable!("every tensor here is f32: {error:?}"),
    }
}
