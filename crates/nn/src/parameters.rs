//! The weights of a model: what they are called, how they start, and their values.
//!
//! Values are kept as plain `f32` in PyTorch's layout and order, in memory as in files; a forward pass puts them on
//! a device as [`Weights`].

use crate::random::{Place, Purpose, Stream};
use mist_ops::{Device, Gradients, Kernel, KernelCache, Tensor};
use std::sync::Arc;

/// How a tensor is filled before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with mean 0 and this standard deviation.
    Normal(f32),
    /// Uniform in ± this bound.
    Uniform(f32),
    /// The same value everywhere.
    Constant(f32),
}

/// Name, shape and start of one tensor of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Name in weight files.
    pub name: String,
    /// Extents in PyTorch's order, such as `[out, in, k0, k1, k2]`.
    pub shape: Vec<usize>,
    /// How it is filled before training.
    pub init: Init,
}

impl ParameterSpec {
    /// Number of values.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Whole numbers that weight files hold beside the parameters; they are not learnt, and the same in every file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Name in weight files.
    pub name: String,
    /// Extents.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Arc<[i64]>,
    /// How many parameters come before it in weight files.
    pub place: usize,
}

/// The tensors of a model, in the order of weight files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// What is learnt.
    pub parameters: Vec<ParameterSpec>,
    /// What is not, and where it comes in between.
    pub buffers: Vec<Buffer>,
}

impl Layout {
    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.parameters.iter().map(ParameterSpec::count).sum()
    }
}

/// Position of a tensor in its model's list of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterId(usize);

/// Collects the parameters of a model in the order of the weight file.
#[derive(Debug, Default)]
pub struct Builder {
    layout: Layout,
}

impl Builder {
    /// Adds a tensor; layers keep the returned id.
    pub fn add(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>, init: Init) -> ParameterId {
        self.layout.parameters.push(ParameterSpec { name: name.into(), shape: shape.into(), init });
        ParameterId(self.layout.parameters.len() - 1)
    }

    /// Adds a buffer.
    pub fn add_buffer(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>, values: Arc<[i64]>) {
        let (name, shape, place) = (name.into(), shape.into(), self.layout.parameters.len());
        self.layout.buffers.push(Buffer { name, shape, values, place });
    }

    /// The finished lists.
    pub fn finish(self) -> Layout {
        self.layout
    }
}

/// The master copies of a model's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    layout: Arc<Layout>,
    values: Vec<Vec<f32>>,
}

impl Parameters {
    /// Draws initial weights. They depend on the seed and on each tensor's position, so every fold starts alike.
    pub fn initial(layout: &Layout, seed: u64) -> Self {
        let fill = |(index, spec): (usize, &ParameterSpec)| {
            let place = Place { sample: index as u32, ..Place::default() };
            let mut stream = Stream::new(seed, Purpose::Weights, place);
            let mut draw = || match spec.init {
                Init::Normal(deviation) => (stream.normal() * f64::from(deviation)) as f32,
                Init::Uniform(bound) => stream.uniform_in(f64::from(-bound), f64::from(bound)) as f32,
                Init::Constant(value) => value,
            };
            (0..spec.count()).map(|_| draw()).collect()
        };
        let values = layout.parameters.iter().enumerate().map(fill).collect();
        Self { layout: Arc::new(layout.clone()), values }
    }

    /// Takes values that were read from a file; one list per parameter, of its length.
    pub fn from_values(layout: &Layout, values: Vec<Vec<f32>>) -> Option<Self> {
        let specs = &layout.parameters;
        let fits = specs.len() == values.len() && specs.iter().zip(&values).all(|(s, v)| s.count() == v.len());
        fits.then(|| Self { layout: Arc::new(layout.clone()), values })
    }

    /// Names and shapes.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Values of every tensor, in file order.
    pub fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// Values for an optimizer to change in place.
    pub fn values_mut(&mut self) -> &mut [Vec<f32>] {
        &mut self.values
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.values.iter().map(Vec::len).sum()
    }

    /// Puts a copy on a device for forward passes.
    pub fn on(&self, device: &Device) -> Weights {
        Weights {
            tensors: self.values.iter().map(|values| mist_ops::parameter(values.clone(), device)).collect(),
            kernels: KernelCache::new(self.values.len()),
            device: device.clone(),
        }
    }
}

/// Weights on a device.
#[derive(Clone)]
pub struct Weights {
    tensors: Vec<Tensor<1>>,
    /// The tensors never change, so that what is made of them once is true as long as they live.
    kernels: Arc<KernelCache>,
    device: Device,
}

impl Weights {
    /// Weights without values, to find out what a network would do.
    pub fn hollow(layout: &Layout, device: &Device) -> Self {
        let tensor = |spec: &ParameterSpec| mist_ops::trace::hollow_parameter(spec.count(), device);
        Self {
            tensors: layout.parameters.iter().map(tensor).collect(),
            kernels: KernelCache::new(layout.parameters.len()),
            device: device.clone(),
        }
    }

    /// The tensor of a layer, flat.
    pub fn get(&self, id: ParameterId) -> Tensor<1> {
        self.tensors[id.0].clone()
    }

    /// The tensor of a convolution; in prediction, what its kernels make of it is kept where that pays.
    pub fn kernel(&self, id: ParameterId) -> Kernel {
        self.kernels.kernel(id.0, self.get(id))
    }

    /// [`Self::kernel`] of an input whose last `repeated` channels would be there twice, folded so that they are there
    /// once; `channels` is `[out, in]` of the tensor.
    pub fn folded_kernel(&self, id: ParameterId, channels: [usize; 2], repeated: usize) -> Kernel {
        self.kernels.kernel(id.0, mist_ops::fold_repeated(self.get(id), channels, repeated))
    }

    /// Where they are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The gradient of each tensor in file order; zeros for one that the loss does not depend on.
    pub fn gradients(&self, gradients: &mut Gradients) -> Vec<Vec<f32>> {
        let take = |tensor: &Tensor<1>| gradients.take(tensor).unwrap_or_else(|| vec![0.0; tensor.dims()[0]]);
        self.tensors.iter().map(take).collect()
    }
}
