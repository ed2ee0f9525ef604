//! The learning-rate schedule in the words of PyTorch's schedulers, so that the reference can continue a run of ours.

use mist_nn::schedules::{Schedule, Shape};
use mist_nn::weights::Value;

/// `lr_scheduler_state_dict` after `epochs_done` steps.
pub fn value(schedule: &Schedule, epochs_done: u64) -> Value {
    let rate = schedule.rate(epochs_done);
    if schedule.warmup == 0 {
        return decay(schedule, epochs_done, rate);
    }
    let after = epochs_done.saturating_sub(schedule.warmup);
    let warmup_steps = epochs_done.min(schedule.warmup - 1);
    let mut warmup = common(schedule, warmup_steps, schedule.rate(warmup_steps));
    warmup.extend([
        ("start_factor", Value::Float(0.01)),
        ("end_factor", Value::Float(1.0)),
        ("total_iters", Value::Int(schedule.warmup as i64)),
    ]);
    let schedulers = vec![Value::dict(warmup), decay(schedule, after, schedule.rate(schedule.warmup + after))];
    Value::dict([
        ("_milestones", Value::List(vec![Value::Int(schedule.warmup as i64)])),
        ("last_epoch", Value::Int(epochs_done as i64)),
        ("_last_lr", Value::List(vec![Value::Float(rate)])),
        ("_schedulers", Value::List(schedulers)),
    ])
}

/// The part after the warm-up, `steps` steps into it.
fn decay(schedule: &Schedule, steps: u64, rate: f64) -> Value {
    let total = Value::Int(schedule.epochs.saturating_sub(schedule.warmup) as i64);
    let mut entries = common(schedule, steps, rate);
    match schedule.shape {
        Shape::Constant => entries.extend([("factor", Value::Float(1.0)), ("total_iters", Value::Int(1))]),
        Shape::Cosine => entries.extend([("T_max", total), ("eta_min", Value::Float(0.0))]),
        Shape::Polynomial => entries.extend([("total_iters", total), ("power", Value::Float(0.9))]),
    }
    Value::dict(entries)
}

fn common(schedule: &Schedule, steps: u64, rate: f64) -> Vec<(&'static str, Value)> {
    vec![
        ("base_lrs", Value::List(vec![Value::Float(schedule.base)])),
        ("last_epoch", Value::Int(steps as i64)),
        ("_step_count", Value::Int(steps as i64 + 1)),
        ("_is_initial", Value::Bool(false)),
        ("_get_lr_called_within_step", Value::Bool(false)),
        ("_last_lr", Value::List(vec![Value::Float(rate)])),
    ]
}
