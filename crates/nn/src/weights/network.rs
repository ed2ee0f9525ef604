//! Between the tensors of a file and the parameters of a network.

use super::{StateDict, Tensor, TensorData, WeightsError};
use crate::parameters::{Buffer, Layout, ParameterSpec, Parameters};

/// A tensor that a network has.
enum Part<'a> {
    Parameter(&'a ParameterSpec),
    Buffer(&'a Buffer),
}

/// The tensors of a network in the order of weight files.
fn parts(layout: &Layout) -> impl Iterator<Item = Part<'_>> {
    let mut buffers = layout.buffers.iter().peekable();
    let mut parameters = layout.parameters.iter().enumerate().peekable();
    std::iter::from_fn(move || {
        let next = parameters.peek().map_or(usize::MAX, |(index, _)| *index);
        match buffers.next_if(|buffer| buffer.place <= next) {
            Some(buffer) => Some(Part::Buffer(buffer)),
            None => parameters.next().map(|(_, parameter)| Part::Parameter(parameter)),
        }
    })
}

/// Names and shapes of a network's tensors in the order of weight files.
pub fn names_and_shapes(layout: &Layout) -> Vec<(&str, &[usize])> {
    let of = |part| match part {
        Part::Parameter(ParameterSpec { name, shape, .. }) | Part::Buffer(Buffer { name, shape, .. }) => {
            (name.as_str(), shape.as_slice())
        }
    };
    parts(layout).map(of).collect()
}

/// The parameters of a network, from the tensors of a file in any order.
///
/// # Errors
/// If a tensor is missing, of another shape or not the network's, or a buffer holds other numbers.
pub fn parameters_from(state: &StateDict, layout: &Layout) -> Result<Parameters, WeightsError> {
    state.check_against(&names_and_shapes(layout))?;
    for buffer in &layout.buffers {
        let same = |tensor: &Tensor| tensor.to_i64().is_ok_and(|values| values[..] == buffer.values[..]);
        if !state.get(&buffer.name).is_some_and(same) {
            return Err(WeightsError::OtherBuffer(buffer.name.clone()));
        }
    }
    let tensors = layout.parameters.iter().filter_map(|spec| state.get(&spec.name));
    let values = tensors.map(|tensor| tensor.to_f32().into_owned()).collect();
    Parameters::from_values(layout, values).ok_or_else(|| WeightsError::Tensor("values do not fill their shape".into()))
}

/// The tensors of a file, from the parameters of a network.
///
/// # Errors
/// If the values of a tensor do not fill its shape.
pub fn state_dict(parameters: &Parameters) -> Result<StateDict, WeightsError> {
    let mut state = StateDict::new();
    let mut values = parameters.values().iter();
    for part in parts(parameters.layout()) {
        let (name, tensor) = match part {
            Part::Parameter(ParameterSpec { name, shape, .. }) => {
                (name, Tensor::f32(shape.clone(), values.next().cloned().unwrap_or_default())?)
            }
            Part::Buffer(Buffer { name, shape, values, .. }) => {
                (name, Tensor::new(shape.clone(), TensorData::I64(values.to_vec()))?)
            }
        };
        state.insert(name, tensor);
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{Builder, Init};

    fn layout() -> Layout {
        let mut builder = Builder::default();
        builder.add("a", [2], Init::Constant(1.0));
        builder.add_buffer("index", [3], [0, 1, 2].into());
        builder.add("b", [1, 2], Init::Constant(2.0));
        builder.add_buffer("last", [1], [7].into());
        builder.finish()
    }

    #[test]
    fn buffers_stand_in_their_places_and_come_back_as_floats_too() {
        let layout = layout();
        let parameters = Parameters::initial(&layout, 0);
        let mut state = state_dict(&parameters).unwrap();
        assert_eq!(state.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "index", "b", "last"]);
        assert!(matches!(state.get("index").unwrap().data(), TensorData::I64(_)));
        assert_eq!(parameters_from(&state, &layout).unwrap(), parameters);
        state.insert("index", Tensor::f32(vec![3], vec![0.0, 1.0, 2.0]).unwrap());
        assert_eq!(parameters_from(&state, &layout).unwrap(), parameters);
        state.insert("index", Tensor::f32(vec![3], vec![0.0, 2.0, 2.0]).unwrap());
        assert!(parameters_from(&state, &layout).unwrap_err().to_string().contains("the buffer index"));
    }
}
