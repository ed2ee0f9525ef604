//! The state of a fold between two steps, in the reference's layout.
//!
//! The reference reads everything but the key `mist`, which holds what an exact continuation needs besides: the
//! schedule that the run follows, the position inside an epoch and the names behind the optimizer's numbers.

use super::average::Average;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::{remove_file, write_atomically_with};
use mist_nn::optimizers::{Kind, Optimizer, TensorState};
use mist_nn::parameters::{ParameterSpec, Parameters};
use mist_nn::schedules::{Schedule, Shape};
use mist_nn::weights::{self, StateDict, Tensor, Value, parameters_from, state_dict};
use std::path::{Path, PathBuf};

/// A fold between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Cross-validation fold.
    pub fold: usize,
    /// Epoch under way, from 0; all before it are complete.
    pub epoch: usize,
    /// Steps of it that are done.
    pub step: usize,
    /// Sum of their losses.
    pub loss_sum: f64,
    /// Steps of all epochs.
    pub global_step: u64,
    /// Smallest mean validation loss so far; infinite before the first validation.
    pub best: f64,
    /// Latest weights, not the best.
    pub parameters: Parameters,
    /// Their moving average, where the configuration asks for one.
    pub average: Option<Average>,
    /// Update rule and its buffers.
    pub optimizer: Optimizer,
    /// Learning rates of the run.
    pub schedule: Schedule,
}

/// `<results>/checkpoints/fold_<k>_checkpoint.pt`.
pub fn file(results: &Path, fold: usize) -> PathBuf {
    results.join("checkpoints").join(format!("fold_{fold}_checkpoint.pt"))
}

/// The generation before it: `<results>/checkpoints/fold_<k>_checkpoint.previous.pt`.
pub fn previous_file(results: &Path, fold: usize) -> PathBuf {
    file(results, fold).with_extension("previous.pt")
}

/// Lets the present file also be the previous generation. A name more for the same bytes where the file system can do that.
fn keep(path: &Path) -> Result<()> {
    let previous = path.with_extension("previous.pt");
    if !path.is_file() {
        return Ok(());
    }
    remove_file(&previous)?;
    let failed = |error| Error::new("cannot keep the previous checkpoint").at(&previous).because(error);
    std::fs::hard_link(path, &previous).or_else(|_| std::fs::copy(path, &previous).map(drop)).map_err(failed)
}

impl Checkpoint {
    /// The weights that are validated and kept: the average if there is one.
    pub fn judged(&self) -> &Parameters {
        self.average.as_ref().map_or(&self.parameters, Average::weights)
    }

    /// Writes the file, completely or not at all, and keeps the one before.
    pub fn write(&self, path: &Path) -> Result<()> {
        keep(path)?;
        let value = self.to_value()?;
        let root = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("archive");
        write_atomically_with(path, |file| weights::write(file, root, &value).map_err(std::io::Error::other))
    }

    /// Reads the latest checkpoint of the fold; the one before, with a warning, if that is damaged.
    pub fn latest(results: &Path, fresh: &Self, console: &dyn Console) -> Result<Self> {
        let (path, previous) = (file(results, fresh.fold), previous_file(results, fresh.fold));
        Self::read(&path, fresh).or_else(|error| match Self::read(&previous, fresh) {
            Err(_) => Err(error),
            Ok(before) => {
                console.warn(&format!("{error}; going on from the one before, {}", previous.display()));
                Ok(before)
            }
        })
    }

    /// Reads a file of ours or of the reference. `fresh` is the state before the first step: its weight decay holds, and
    /// its schedule where the file, being the reference's, has none.
    fn read(path: &Path, fresh: &Self) -> Result<Self> {
        let cannot = || Error::new("cannot continue from the checkpoint").at(path);
        let value = weights::read(path)
            .map_err(|error| cannot().because(error).hint("start this fold again with --overwrite"))?;
        Self::from_value(value, fresh).map_err(|error| {
            cannot().because(error).hint("it belongs to another network or run; start again with --overwrite")
        })
    }

    fn to_value(&self) -> Result<Value> {
        let state = self.optimizer.states().iter().zip(self.parameters.layout().parameters.iter());
        let state = state.enumerate().filter(|(_, (state, _))| state.step > 0).map(|(index, (state, spec))| {
            Ok((Value::Int(index as i64), buffers(self.optimizer.kind(), state, &spec.shape)?))
        });
        let state = Value::Dict(state.collect::<Result<_>>()?);
        let schedule = Value::dict([
            ("name", Value::Text(self.schedule.shape.name().into())),
            ("base", Value::Float(self.schedule.base)),
            ("epochs", Value::Int(self.schedule.epochs as i64)),
            ("warmup", Value::Int(self.schedule.warmup as i64)),
        ]);
        let mut ours = vec![
            ("epoch", Value::Int(self.epoch as i64)),
            ("step", Value::Int(self.step as i64)),
            ("loss_sum", Value::Float(self.loss_sum)),
            ("optimizer", Value::Text(self.optimizer.kind().name().into())),
            (
                "parameters",
                Value::List(
                    self.parameters.layout().parameters.iter().map(|spec| Value::Text(spec.name.clone())).collect(),
                ),
            ),
            ("schedule", schedule),
        ];
        if let Some(average) = &self.average {
            ours.push(("average", tensors(average.weights())?));
        }
        Ok(Value::dict([
            ("fold", Value::Int(self.fold as i64)),
            ("epoch", Value::Int(self.epoch as i64 - 1)),
            ("global_step", Value::Int(self.global_step as i64)),
            ("best_val_loss", Value::Float(self.best)),
            ("model_state_dict", tensors(&self.parameters)?),
            ("optimizer_state_dict", Value::dict([("state", state), ("param_groups", self.group())])),
            ("lr_scheduler_state_dict", super::torch_schedule::value(&self.schedule, self.epoch as u64)),
            ("mist", Value::dict(ours)),
        ]))
    }

    /// PyTorch's one parameter group.
    fn group(&self) -> Value {
        let mut entries = vec![("lr", Value::Float(self.schedule.rate(self.epoch as u64)))];
        match self.optimizer.kind() {
            Kind::Sgd => entries.extend([
                ("momentum", Value::Float(0.9)),
                ("dampening", Value::Int(0)),
                ("weight_decay", Value::Float(self.optimizer.weight_decay())),
                ("nesterov", Value::Bool(true)),
                ("maximize", Value::Bool(false)),
                ("foreach", Value::None),
                ("differentiable", Value::Bool(false)),
                ("fused", Value::None),
            ]),
            kind => entries.extend([
                ("betas", Value::Tuple(vec![Value::Float(0.9), Value::Float(0.999)])),
                ("eps", Value::Float(1e-8)),
                ("weight_decay", Value::Float(self.optimizer.weight_decay())),
                ("amsgrad", Value::Bool(false)),
                ("maximize", Value::Bool(false)),
                ("foreach", Value::None),
                ("capturable", Value::Bool(false)),
                ("differentiable", Value::Bool(false)),
                ("fused", Value::None),
                ("decoupled_weight_decay", Value::Bool(kind == Kind::AdamW)),
            ]),
        }
        let params = (0..self.parameters.layout().parameters.len()).map(|index| Value::Int(index as i64)).collect();
        entries.extend([("initial_lr", Value::Float(self.schedule.base)), ("params", Value::List(params))]);
        Value::List(vec![Value::dict(entries)])
    }

    fn from_value(mut value: Value, fresh: &Self) -> Result<Self> {
        let (layout, kind) = (fresh.parameters.layout(), fresh.optimizer.kind());
        let specs = &layout.parameters;
        let missing = |key: &str| Error::new(format!("the key `{key}` is missing or of another type"));
        let integer = |value: &Value, key: &str| value.get(key).and_then(Value::as_int).ok_or_else(|| missing(key));
        let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_float).ok_or_else(|| missing(key));
        let (fold, completed) = (integer(&value, "fold")?, integer(&value, "epoch")?);
        let (global_step, best) = (integer(&value, "global_step")?, number(&value, "best_val_loss")?);
        let model = value.take("model_state_dict").ok_or_else(|| missing("model_state_dict"))?;
        let model = StateDict::from_value(model).map_err(|error| Error::new(error.to_string()))?;
        let parameters = parameters_from(&model, layout).map_err(|error| Error::new(error.to_string()))?;

        // Begun anew with the weights at hand where the checkpoint has none yet.
        let average = value.get("mist").and_then(|ours| ours.get("average")).cloned();
        let average = average.map(|average| {
            let state = StateDict::from_value(average).map_err(|error| Error::new(error.to_string()))?;
            parameters_from(&state, layout).map_err(|error| Error::new(error.to_string()))
        });
        let average = average.transpose()?.unwrap_or_else(|| parameters.clone());
        let average = fresh.average.as_ref().map(|wanted| wanted.continued(average));

        let optimizer = value.get("optimizer_state_dict").ok_or_else(|| missing("optimizer_state_dict"))?;
        let states = optimizer.get("state").ok_or_else(|| missing("optimizer_state_dict.state"))?;
        let mut restored = Vec::with_capacity(specs.len());
        let ours = value.get("mist");
        let names = ours.and_then(|ours| ours.get("parameters")).and_then(Value::as_list);
        for (index, spec) in specs.iter().enumerate() {
            // PyTorch numbers the buffers; ours says which number is which parameter, so that no order is relied on.
            let named = |names: &[Value]| names.iter().position(|name| name.as_text() == Some(spec.name.as_str()));
            let index = match names {
                None => index,
                Some(names) => named(names).ok_or_else(|| Error::new(format!("it knows no {}", spec.name)))?,
            };
            restored.push(match states.get_index(index as i64) {
                None => TensorState::default(),
                Some(state) => state_of(state, kind, spec, global_step)?,
            });
        }

        let stored = |key: &str| ours.map(|ours| integer(ours, key)).transpose();
        let epoch = stored("epoch")?.unwrap_or(completed + 1);
        let schedule = match ours.and_then(|ours| ours.get("schedule")) {
            None => fresh.schedule,
            Some(stored) => Schedule {
                shape: stored
                    .get("name")
                    .and_then(Value::as_text)
                    .and_then(Shape::named)
                    .ok_or_else(|| missing("name"))?,
                base: number(stored, "base")?,
                epochs: non_negative(integer(stored, "epochs")?, "epochs")?,
                warmup: non_negative(integer(stored, "warmup")?, "warmup")?,
            },
        };
        if let Some(name) = ours.and_then(|ours| ours.get("optimizer")).and_then(Value::as_text)
            && name != kind.name()
        {
            return Err(Error::new(format!("it was made by the optimizer {name}, not {}", kind.name())));
        }
        Ok(Self {
            fold: non_negative(fold, "fold")? as usize,
            epoch: non_negative(epoch, "epoch")? as usize,
            step: non_negative(stored("step")?.unwrap_or(0), "step")? as usize,
            loss_sum: ours.map_or(Ok(0.0), |ours| number(ours, "loss_sum"))?,
            global_step: non_negative(global_step, "global_step")?,
            best,
            parameters,
            average,
            optimizer: Optimizer::from_states(kind, fresh.optimizer.weight_decay(), restored),
            schedule,
        })
    }
}

fn non_negative(value: i64, key: &str) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::new(format!("`{key}` is {value}")))
}

/// The buffers of one tensor under PyTorch's names.
fn buffers(kind: Kind, state: &TensorState, shape: &[usize]) -> Result<Value> {
    let tensor = |values: &Vec<f32>| {
        let tensor = Tensor::f32(shape.to_vec(), values.clone());
        tensor.map(Value::Tensor).map_err(|error| Error::new(error.to_string()))
    };
    Ok(match kind {
        Kind::Sgd => Value::dict([("momentum_buffer", tensor(&state.first)?)]),
        Kind::Adam | Kind::AdamW => Value::dict([
            ("step", Value::Tensor(Tensor::scalar(state.step as f32))),
            ("exp_avg", tensor(&state.first)?),
            ("exp_avg_sq", tensor(&state.second)?),
        ]),
    })
}

fn state_of(state: &Value, kind: Kind, spec: &ParameterSpec, global_step: i64) -> Result<TensorState> {
    let buffer = |key: &str| {
        let tensor = state.get(key).and_then(Value::as_tensor);
        let fits = tensor.filter(|tensor| tensor.shape() == spec.shape.as_slice());
        let fits = fits.ok_or_else(|| Error::new(format!("the buffer `{key}` of {} does not fit", spec.name)))?;
        Ok::<_, Error>(fits.to_f32().into_owned())
    };
    Ok(match kind {
        Kind::Sgd => TensorState {
            step: non_negative(global_step, "global_step")?,
            first: buffer("momentum_buffer")?,
            second: vec![],
        },
        Kind::Adam | Kind::AdamW => {
            let step = state.get("step").and_then(Value::as_tensor).map(|tensor| tensor.to_f32().first().copied());
            let step = step.flatten().unwrap_or(global_step as f32) as u64;
            TensorState { step, first: buffer("exp_avg")?, second: buffer("exp_avg_sq")? }
        }
    })
}

/// Weights under the names of weight files.
fn tensors(parameters: &Parameters) -> Result<Value> {
    let state = state_dict(parameters).map_err(|error| Error::new(error.to_string()))?;
    Ok(state.into_value())
}
