//! Puts an [`Operation`] on the engine: runs it on the CPU backend and records it on the gradient tape.
//!
//! Burn's extension mechanism wants one function per number of inputs; everything else is written once.

use crate::operation::{Context, Keeps, Operation, View};
use crate::timing::{Direction, measured};
use crate::trace;
use burn::backend::{
    Autodiff, Backend, Dispatch, Flex, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    backend_extension,
    flex::{FlexTensor, Layout},
    tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use std::sync::Arc;

type Shared = Arc<dyn Operation>;

/// What the forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    inputs: Vec<T>,
    shapes: Vec<Shape>,
    output: Option<T>,
    saved: Vec<T>,
}

/// A backend that can run an [`Operation`].
pub trait Execute: Backend {
    /// Runs the forward pass; the second part is what the operation saved.
    fn execute(operation: &dyn Operation, inputs: &[FloatTensor<Self>]) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);

    /// Runs the backward pass.
    fn differentiate(
        operation: &dyn Operation,
        kept: Kept<FloatTensor<Self>>,
        gradient: FloatTensor<Self>,
        wanted: &[bool],
    ) -> Vec<Option<FloatTensor<Self>>>;
}

fn new_tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

fn extents(shape: &Shape) -> Vec<usize> {
    (0..shape.num_dims()).map(|axis| shape[axis]).collect()
}

impl Execute for Flex {
    fn execute(operation: &dyn Operation, inputs: &[FlexTensor]) -> (FlexTensor, Vec<FlexTensor>) {
        if let Some(output) = trace::instead_of(operation, inputs) {
            return (output, Vec::new());
        }
        let inputs: Vec<FlexTensor> = inputs.iter().map(FlexTensor::to_contiguous).collect();
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| extents(&input.shape())).collect();
        let views: Vec<View<'_>> =
            inputs.iter().zip(&shapes).map(|(input, shape)| View { values: input.storage(), shape }).collect();
        let extents: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = operation.shape(&extents);
        let describe = || (operation.name(), operation.operations());
        let output = measured(Direction::Forward, describe, || operation.forward(&views));
        let saved = output.saved.into_iter().map(|values| {
            let count = values.len();
            new_tensor(values, [count].into())
        });
        let saved = saved.collect();
        (new_tensor(output.values, shape.into()), saved)
    }

    fn differentiate(
        operation: &dyn Operation,
        kept: Kept<FlexTensor>,
        gradient: FlexTensor,
        wanted: &[bool],
    ) -> Vec<Option<FlexTensor>> {
        let gradient = gradient.to_contiguous();
        let inputs: Vec<FlexTensor> = kept.inputs.iter().map(FlexTensor::to_contiguous).collect();
        let shapes: Vec<Vec<usize>> = kept.shapes.iter().map(extents).collect();
        let views: Vec<View<'_>> = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| View { values: inputs.get(index).map_or(&[], |input| input.storage()), shape })
            .collect();
        let saved: Vec<&[f32]> = kept.saved.iter().map(|tensor| tensor.storage::<f32>()).collect();
        let context = Context {
            inputs: &views,
            output: kept.output.as_ref().map_or(&[], |output| output.storage()),
            saved: &saved,
            gradient: gradient.storage(),
            wanted,
        };
        let costly = wanted.iter().take(2).filter(|wanted| **wanted).count();
        let describe = || (operation.name(), costly as f64 * operation.operations());
        let gradients = measured(Direction::Backward, describe, || operation.backward(&context));
        let shaped = gradients.into_iter().zip(kept.shapes);
        shaped.map(|(gradient, shape)| gradient.map(|values| new_tensor(values, shape))).collect()
    }
}

/// The tape entry of an operation with `N` inputs.
#[derive(Debug)]
struct Entry<const N: usize>;

impl<B: Execute, const N: usize> Backward<B, N> for Entry<N> {
    type State = (Shared, Kept<FloatTensor<B>>);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let (operation, kept) = ops.state;
        let gradients = B::differentiate(operation.as_ref(), kept, gradient, &wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

fn record<B: Execute, C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<B, C>>; N],
    operation: Shared,
) -> FloatTensor<Autodiff<B, C>> {
    let mut tensors = Vec::with_capacity(N);
    let guards = inputs.map(|input| {
        let (tensor, guard) = input.into_parts();
        tensors.push(tensor);
        guard
    });
    match Entry::<N>.prepare::<C>(guards).compute_bound().stateful() {
        OpsKind::Tracked(entry) => {
            let (output, saved) = B::execute(operation.as_ref(), &tensors);
            let Keeps { inputs: kept_inputs, output: keep_output } = operation.keeps();
            let shapes = tensors.iter().map(TensorMetadata::shape).collect();
            tensors.truncate(kept_inputs);
            let kept = Kept { shapes, inputs: tensors, output: keep_output.then(|| output.clone()), saved };
            entry.finish((operation, kept), output)
        }
        OpsKind::UnTracked(entry) => entry.finish(B::execute(operation.as_ref(), &tensors).0),
    }
}

/// Routes an operation to the backend of its inputs.
#[backend_extension(Flex, Autodiff)]
pub trait Apply: Backend {
    /// One input.
    fn unary(a: FloatTensor<Self>, operation: Shared) -> FloatTensor<Self>;
    /// Two inputs.
    fn binary(a: FloatTensor<Self>, b: FloatTensor<Self>, operation: Shared) -> FloatTensor<Self>;
    /// Three inputs.
    fn ternary(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        operation: Shared,
    ) -> FloatTensor<Self>;
    /// Four inputs.
    fn quaternary(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        operation: Shared,
    ) -> FloatTensor<Self>;
    /// Five inputs.
    fn quinary(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        operation: Shared,
    ) -> FloatTensor<Self>;
    /// Six inputs.
    fn senary(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        operation: Shared,
    ) -> FloatTensor<Self>;
}

/// What each number of inputs needs: `name("its inputs in words", input: dimensions of its tensor, …)`.
macro_rules! arities {
    ($($name:ident($words:literal, $($input:ident: $rank:ident),+);)+) => {
        impl Apply for Flex {
            $(fn $name($($input: FloatTensor<Self>),+, operation: Shared) -> FloatTensor<Self> {
                Self::execute(operation.as_ref(), &[$($input),+]).0
            })+
        }

        impl<B: Execute, C: CheckpointStrategy> Apply for Autodiff<B, C> {
            $(fn $name($($input: FloatTensor<Self>),+, operation: Shared) -> FloatTensor<Self> {
                record::<B, C, _>([$($input),+], operation)
            })+
        }

        $(
            #[doc = concat!("Applies `operation` to ", $words, ".")]
            pub fn $name<const D: usize, $(const $rank: usize),+>(
                operation: impl Operation,
                $($input: Tensor<$rank>),+
            ) -> Tensor<D> {
                let output = <Dispatch as Apply>::$name($($input.into_dispatch()),+, Arc::new(operation));
                Tensor::from_dispatch(output)
            }
        )+
    };
}

arities! {
    unary("one tensor", a: A);
    binary("two tensors", a: A, b: B);
    ternary("three tensors", a: A, b: B, c: C);
    quaternary("four tensors", a: A, b: B, c: C, d: E);
    quinary("five tensors", a: A, b: B, c: C, d: E, e: F);
    senary("six tensors", a: A, b: B, c: C, d: E, e: F, f: G);
}
