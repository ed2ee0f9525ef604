//! What a network consists of, found by running it on maps that have a shape and no values.

use crate::feature_map::FeatureMap;
use crate::operation::{Keeps, Operation};
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Device, Shape, Tensor};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

const BYTES_PER_VALUE: usize = 4;

/// One operation of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is computed and of which size.
    pub name: String,
    /// Multiplications and additions of the formula; 0 where they are not what takes time.
    pub operations: f64,
    /// Extents of the result, channels last.
    pub output: Vec<usize>,
}

/// A network's operations, and the memory that its maps take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// In the order in which they run.
    pub steps: Vec<Step>,
    /// Most bytes of maps at one time where nothing is kept for gradients.
    pub most_bytes: usize,
    /// Bytes of maps that the backward pass would find again.
    pub kept_bytes: usize,
}

/// A trace under way. Maps are told apart by where their storage is; holding on to all of them, none of which has values,
/// keeps these places from being used twice.
#[derive(Default)]
struct Recorder {
    trace: Trace,
    /// Every map: its storage, its bytes, and whether the backward pass reads it.
    maps: HashMap<usize, (Arc<Bytes>, usize, bool)>,
}

thread_local! {
    /// Present while someone traces.
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// The recorder that was there before, which comes back when this is dropped, be it by a panic.
struct Outer(Option<Recorder>);

impl Drop for Outer {
    fn drop(&mut self) {
        RECORDER.set(self.0.take());
    }
}

/// Runs `work` without computing anything on this thread: operations only note what they would do. Maps must be
/// [`hollow`], and weights may be.
pub fn trace<R>(work: impl FnOnce() -> R) -> (R, Trace) {
    let outer = Outer(RECORDER.replace(Some(Recorder::default())));
    let result = work();
    let recorder = RECORDER.take().unwrap_or_default();
    drop(outer);
    let kept = recorder.maps.values().filter(|(.., kept)| *kept).map(|(_, bytes, _)| bytes).sum();
    (result, Trace { kept_bytes: kept, ..recorder.trace })
}

/// A map of this shape, `[batch, axis 0, axis 1, axis 2, channel]`, without values of its own.
pub fn hollow(shape: [usize; 5], device: &Device) -> FeatureMap {
    FeatureMap::new(Tensor::<5>::zeros([1; 5], device).expand(shape))
}

/// A parameter of so many values, none of which are its own.
pub fn hollow_parameter(count: usize, device: &Device) -> Tensor<1> {
    Tensor::<1>::zeros([1], device).expand([count])
}

/// Notes the operation and returns its result if someone traces.
pub(crate) fn instead_of(operation: &dyn Operation, inputs: &[FlexTensor]) -> Option<FlexTensor> {
    RECORDER.with_borrow_mut(|recorder| {
        let recorder = recorder.as_mut()?;
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| extents(input.layout().shape())).collect();
        let borrowed: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = operation.shape(&borrowed);
        let layout = Layout::new(shape.clone().into(), vec![0; shape.len()], 0);
        let output = FlexTensor::new(Bytes::from_elems(vec![0.0f32]), layout, DType::F32);
        let Keeps { inputs: kept_inputs, output: keeps_output } = operation.keeps();
        for (index, (input, shape)) in inputs.iter().zip(&shapes).enumerate() {
            recorder.note(input, shape, index < kept_inputs);
        }
        recorder.note(&output, &shape, keeps_output);
        // This thread's recorder holds each map once; whoever else holds it keeps it alive.
        let live = recorder.maps.values().filter(|(storage, ..)| Arc::strong_count(storage) > 1);
        let live = live.map(|(_, bytes, _)| bytes).sum();
        recorder.trace.most_bytes = recorder.trace.most_bytes.max(live);
        let (name, operations) = (operation.name(), operation.operations());
        recorder.trace.steps.push(Step { name, operations, output: shape });
        Some(output)
    })
}

impl Recorder {
    /// Knows a map from now on; parameters, which have one axis, are not maps.
    fn note(&mut self, tensor: &FlexTensor, shape: &[usize], kept: bool) {
        if shape.len() < 2 {
            return;
        }
        let storage = tensor.data_arc();
        let bytes = BYTES_PER_VALUE * shape.iter().product::<usize>();
        let known = self.maps.entry(Arc::as_ptr(&storage) as usize).or_insert((storage, bytes, false));
        known.2 |= kept;
    }
}

fn extents(shape: &Shape) -> Vec<usize> {
    (0..shape.num_dims()).map(|axis| shape[axis]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Conv, InstanceNorm, conv3d, for_inference, instance_norm};

    #[test]
    fn a_network_is_listed_with_its_memory_and_nothing_is_computed() {
        let device = for_inference();
        // Far more than this machine could hold.
        let x = hollow([1, 2048, 2048, 2048, 4], &device);
        let conv = Conv { out_channels: 8, kernel: [3; 3], stride: [2; 3], padding: [1; 3], groups: 1 };
        let network = || {
            let y = conv3d(&x, hollow_parameter(8 * 4 * 27, &device), None, conv);
            let [scale, shift] = [(); 2].map(|()| hollow_parameter(8, &device));
            let norm = InstanceNorm { eps: 1e-5, activation: Activation::Identity };
            instance_norm(&y, scale, shift, None, norm).size()
        };
        let (size, trace) = trace(network);
        assert_eq!(size, [1024; 3]);
        let [conv, norm] = trace.steps.as_slice() else { panic!("{trace:?}") };
        assert_eq!(conv.output, [1, 1024, 1024, 1024, 8]);
        assert_eq!(conv.operations, 2.0 * 1024f64.powi(3) * 8.0 * 4.0 * 27.0);
        assert!(norm.name.contains("instance norm"));
        let (input, output) = (4 * 2048usize.pow(3) * 4, 4 * 1024usize.pow(3) * 8);
        // The convolution keeps its input, the norm what it reads; its result is kept by no one yet.
        assert_eq!(trace.kept_bytes, input + output);
        assert_eq!(trace.most_bytes, input + 2 * output);
    }
}
