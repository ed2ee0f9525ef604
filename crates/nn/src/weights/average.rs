//! The mean of several weight files, tensor by tensor.

use super::{StateDict, Tensor, TensorData, WeightsError};

/// A mean under way; files are added one after the other, so that only one needs to be in memory beside the sum.
#[derive(Debug, Default)]
pub struct Average {
    sum: StateDict,
    count: usize,
}

impl Average {
    /// Adds the tensors of a file. Its names must be those of the first, in any order.
    ///
    /// # Errors
    /// If names or shapes differ from those of the first file.
    pub fn add(&mut self, state: StateDict) -> Result<(), WeightsError> {
        if self.count == 0 {
            (self.sum, self.count) = (state, 1);
            return Ok(());
        }
        let expected: Vec<(String, Vec<usize>)> =
            self.sum.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
        state.check_against(&expected)?;
        let mut sum = StateDict::new();
        for (name, tensor) in std::mem::take(&mut self.sum) {
            let sum_of = state.get(&name).map_or(Ok(tensor.clone()), |other| add(tensor, other, self.count))?;
            sum.insert(name, sum_of);
        }
        (self.sum, self.count) = (sum, self.count + 1);
        Ok(())
    }

    /// The mean: 32-bit floats, in the order of the first file. Whole numbers that are the same in all files stay what they
    /// are.
    ///
    /// # Errors
    /// If nothing was added.
    pub fn finish(self) -> Result<StateDict, WeightsError> {
        if self.count == 0 {
            return Err(WeightsError::NotAStateDict("there is no file to average".into()));
        }
        let count = self.count as f32;
        let mut mean = StateDict::new();
        for (name, tensor) in self.sum {
            mean.insert(name, divide(tensor, count)?);
        }
        Ok(mean)
    }
}

/// Adds `other` to the sum of so many tensors.
fn add(sum: Tensor, other: &Tensor, count: usize) -> Result<Tensor, WeightsError> {
    if is_whole(&sum) && sum == *other {
        return Ok(sum);
    }
    // Whole numbers were kept as they are, not summed up, as long as they were the same.
    let factor = if is_whole(&sum) { count as f32 } else { 1.0 };
    let values = sum.to_f32().iter().zip(other.to_f32().iter()).map(|(sum, value)| factor * sum + value).collect();
    Tensor::f32(sum.shape().to_vec(), values)
}

fn divide(sum: Tensor, count: f32) -> Result<Tensor, WeightsError> {
    if is_whole(&sum) {
        return Ok(sum);
    }
    let (shape, data) = sum.into_parts();
    let divided = match data {
        TensorData::F32(mut values) => {
            values.iter_mut().for_each(|value| *value /= count);
            values
        }
        other => Tensor::new(shape.clone(), other)?.to_f32().iter().map(|value| value / count).collect(),
    };
    Tensor::f32(shape, divided)
}

fn is_whole(tensor: &Tensor) -> bool {
    !tensor.data().is_floating()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(values: [f32; 2], index: [i64; 2]) -> StateDict {
        let mut state = StateDict::new();
        state.insert("w", Tensor::f32(vec![2], values.to_vec()).unwrap());
        state.insert("index", Tensor::new(vec![2], TensorData::I64(index.to_vec())).unwrap());
        state
    }

    fn mean(files: impl IntoIterator<Item = StateDict>) -> StateDict {
        let mut average = Average::default();
        files.into_iter().for_each(|file| average.add(file).unwrap());
        average.finish().unwrap()
    }

    #[test]
    fn floats_are_averaged_and_equal_whole_numbers_kept() {
        let mean = mean([state([1.0, 2.0], [0, 5]), state([2.0, 2.0], [0, 5]), state([6.0, 2.0], [0, 5])]);
        assert_eq!(mean, state([3.0, 2.0], [0, 5]));
    }

    #[test]
    fn whole_numbers_that_differ_become_floats() {
        let mean = mean([state([0.0; 2], [0, 5]), state([0.0; 2], [0, 5]), state([0.0; 2], [3, 5])]);
        assert_eq!(mean.get("index").unwrap().data(), &TensorData::F32(vec![1.0, 5.0]));
    }

    #[test]
    fn files_of_different_networks_are_refused() {
        let mut average = Average::default();
        average.add(state([0.0; 2], [0; 2])).unwrap();
        let mut other = state([0.0; 2], [0; 2]);
        other.insert("b", Tensor::scalar(1.0));
        assert!(average.add(other).unwrap_err().to_string().contains("1 unexpected: b"));
        assert!(Average::default().finish().is_err());
    }
}
