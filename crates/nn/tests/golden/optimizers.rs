//! Learning rates and optimizer trajectories against PyTorch.

use crate::support::{count, float, floats, json};
use mist_nn::optimizers::{Kind, Optimizer, clip_to_norm};
use mist_nn::schedules::{Schedule, Shape};

/// 1e-12 relative: the same closed form in f64; the reference multiplies its way there.
#[test]
fn learning_rates_follow_the_reference() {
    let mut compared = 0;
    for table in json("losses/schedules/lr.json")["tables"].as_array().expect("tables") {
        if table.get("error").is_some() {
            continue;
        }
        let schedule = Schedule {
            shape: Shape::named(table["name"].as_str().expect("name")).expect("a known shape"),
            base: float(&table["base_lr"]),
            epochs: count(&table["epochs"]) as u64,
            warmup: count(&table["warmup_epochs"]) as u64,
        };
        for (epoch, expected) in floats(&table["epoch"]).iter().zip(floats(&table["lr_used_in_epoch"])) {
            if *epoch as u64 > schedule.epochs {
                continue; // past the end the reference depends on how it got there
            }
            let rate = schedule.rate(*epoch as u64);
            assert!((rate - expected).abs() <= 1e-12 * schedule.base, "{schedule:?} epoch {epoch}: {rate} {expected}");
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

/// 1e-6 absolute: f32 arithmetic, rounding in another order.
#[test]
fn optimizers_follow_the_reference() {
    let table = json("losses/schedules/optimizers.json");
    let singles = |value| floats(value).into_iter().map(|v| v as f32).collect::<Vec<f32>>();
    for run in table["runs"].as_array().expect("runs") {
        let kind = Kind::named(run["optimizer"].as_str().expect("name")).expect("a known optimizer");
        let mut optimizer = Optimizer::new(kind, float(&run["weight_decay"]), 1);
        let mut values = vec![singles(&table["init"])];
        let gradients = table["grads"].as_array().expect("gradients");
        for (step, rate) in floats(&run["lr_per_step"]).into_iter().enumerate() {
            let mut gradient = vec![singles(&gradients[step])];
            if let Some(limit) = run["clip_norm"].as_f64() {
                let norm = clip_to_norm(&mut gradient, limit);
                assert!((norm - float(&run["grad_norm_before_clip"][step])).abs() < 1e-5);
            }
            optimizer.step(rate, &mut values, &gradient);
            let off = crate::support::distance(&values[0], &singles(&run["params_after_step"][step]));
            assert!(off < 1e-6, "{kind:?} step {step}: {off}");
        }
    }
}
