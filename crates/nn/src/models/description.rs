//! What a network would do to a patch, without doing it.

use super::{Mode, Model};
use crate::parameters::Weights;
use mist_ops::for_inference;
use mist_ops::trace::{Step, hollow, trace};

/// A network on one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its operations in order, those of equal name that follow each other as one.
    pub layers: Vec<Layer>,
    /// Trainable values.
    pub parameters: usize,
    /// Multiplications and additions of a prediction.
    pub operations: f64,
    /// Most bytes of maps at one time in a prediction.
    pub prediction_bytes: usize,
    /// Bytes of maps that a training step keeps for its backward pass.
    pub training_bytes: usize,
}

/// Operations of one kind and size.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What is computed.
    pub name: String,
    /// How often, one directly after the other.
    pub calls: usize,
    /// Multiplications and additions of all calls; 0 where they are not what takes time.
    pub operations: f64,
    /// Extents of the result, `[batch, axis 0, axis 1, axis 2, channel]`.
    pub output: Vec<usize>,
}

impl Description {
    /// Describes `model` on `input`, `[batch, axis 0, axis 1, axis 2, channel]`. Takes milliseconds, whatever the size.
    pub fn new(model: &dyn Model, input: [usize; 5]) -> Self {
        let device = for_inference();
        let run = |mode| {
            let weights = Weights::hollow(model.layout(), &device);
            trace(|| drop(model.forward(&weights, &hollow(input, &device), mode))).1
        };
        let (prediction, training) = (run(Mode::Inference), run(Mode::Training));
        Self {
            operations: prediction.steps.iter().map(|step| step.operations).sum(),
            layers: joined(training.steps),
            parameters: model.layout().count(),
            prediction_bytes: prediction.most_bytes,
            training_bytes: training.kept_bytes,
        }
    }
}

fn joined(steps: Vec<Step>) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for Step { name, operations, output } in steps {
        match layers.last_mut().filter(|layer| layer.name == name && layer.output == output) {
            Some(layer) => {
                layer.calls += 1;
                layer.operations += operations;
            }
            None => layers.push(Layer { name, calls: 1, operations, output }),
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use crate::models::ModelConfig;

    #[test]
    fn every_network_can_be_described_at_any_size() {
        for name in Registry::builtin().model_names() {
            let (patch_size, target_spacing) = ([512, 512, 256], [1.0; 3]);
            let extra = serde_json::Map::new();
            let config = ModelConfig { in_channels: 2, out_channels: 5, patch_size, target_spacing, extra };
            let model = Registry::builtin().build(name, &config).unwrap();
            let description = Description::new(model.as_ref(), [1, 512, 512, 256, 2]);
            let last = description.layers.last().unwrap();
            assert_eq!(last.output, [1, 512, 512, 256, 5], "{name}");
            assert!(description.operations > 1e11 && description.prediction_bytes > 1 << 30, "{name}");
            assert!(description.training_bytes > description.prediction_bytes, "{name}");
        }
    }
}
