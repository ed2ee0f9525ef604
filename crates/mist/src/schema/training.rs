//! The schema of `training` in `config.json`.

use super::as_map;
use super::node::Node;
use crate::config::{
    COMMUNICATION_BACKENDS, Choices, DATA_LOADERS, FORBIDDEN_IN_REGIONS, LARGEST_PORT, LARGEST_WEIGHT, LR_SCHEDULERS,
    LossWeighting, MOST_FOLDS, OPTIMIZERS,
};

/// `training`: how the network is trained.
pub fn training(choices: &Choices) -> Node {
    let fold = Node::count(0, "A fold, counted from 0");
    let object = Node::object("How the network is trained")
        .required("seed", Node::count(0, "Seed of every random draw of training"))
        .required("nfolds", Node::count(2, "Number of folds").at_most(MOST_FOLDS as f64))
        .required("folds", Node::list(fold, "Folds to train").distinct())
        .required(
            "val_percent",
            Node::number("Part of the training cases that validates; 0: the held-out fold does")
                .at_least(0.0)
                .below(1.0),
        )
        .required("epochs", Node::count(0, "Epochs"))
        .required("min_steps_per_epoch", Node::count(0, "Steps of an epoch, at least"))
        .required("batch_size_per_gpu", Node::count(1, "Patches of a step, per GPU"))
        .required(
            "dali_foreground_prob",
            Node::number("Probability that a patch is centred on foreground").at_least(0.0).at_most(1.0),
        )
        .required("loss", loss(choices))
        .required("optimizer", Node::choice_in_any_case(&OPTIMIZERS, "Name of the optimizer"))
        .required("learning_rate", Node::number("Learning rate after warm-up").above(0.0))
        .required("lr_scheduler", Node::choice_in_any_case(&LR_SCHEDULERS, "How the learning rate falls"))
        .optional("warmup_epochs", Node::count(0, "Epochs over which the learning rate rises; 0 if absent"))
        .required("l2_penalty", Node::number("Weight decay").at_least(0.0))
        .optional("grad_clip_norm", Node::number("Largest norm of the gradient; 1 if absent").above(0.0))
        .required("amp", Node::flag("Compute in bfloat16 where the device is fast at it"));
    own_keys(object).required("augmentation", augmentation()).required("hardware", hardware())
}

/// Keys that MIST does not have; absent means what MIST does.
fn own_keys(object: Node) -> Node {
    let forbidden: String = FORBIDDEN_IN_REGIONS.iter().collect();
    let region = Node::list(Node::count(1, "A label, not the background"), "Labels that belong to the region");
    let regions = Node::named(region, "Overlapping parts that the network finds instead of labels, larger ones first")
        .with_names(&format!("^(?=.*\\S)[^{forbidden}]*$"))
        .filled();
    let weight = Node::number("Weight").at_least(0.0).at_most(LARGEST_WEIGHT);
    object
        .optional(
            "checkpoint_minutes",
            Node::number("Most minutes between two checkpoints inside an epoch; 15 if absent").above(0.0).or_null(),
        )
        .optional(
            "accumulation_steps",
            Node::count(1, "Batches whose mean gradient makes one optimizer step; 1 if absent").or_null(),
        )
        .optional("ema_decay", Node::number("Decay of a moving average of the weights").above(0.0).below(1.0).or_null())
        .optional(
            "early_stopping_patience",
            Node::count(1, "Epochs without a new best validation loss after which a fold stops").or_null(),
        )
        .optional("regions", regions.or_null())
        .optional(
            "ignore_label",
            Node::count(1, "The last of `dataset_info.labels`, where it marks voxels without truth").or_null(),
        )
        .optional(
            "class_weights",
            Node::list(weight, "How much each class, background first, or each region counts in the loss").or_null(),
        )
}

fn loss(choices: &Choices) -> Node {
    let schedules = LossWeighting::NAMES.iter().filter_map(|name| LossWeighting::with_defaults(name));
    let weightings = schedules.map(weighting).chain([Node::null()]).collect();
    Node::object("What is minimized")
        .required("name", Node::choice_if_listed(choices.losses.as_deref(), "Name of the loss"))
        .required(
            "composite_loss_weighting",
            Node::any_of(weightings, "Weight of the first term of composite losses over the epochs; null: 0.5"),
        )
        .optional("params", Node::object("Parameters of the loss").or_null())
}

/// A schedule with the parameters that it has.
fn weighting(schedule: LossWeighting) -> Node {
    let written = as_map(&schedule);
    let name = written.get("name").cloned().unwrap_or_default();
    let mut params = Node::object("Parameters; those left out have their defaults").closed();
    for (key, default) in written.get("params").and_then(|params| params.as_object()).into_iter().flatten() {
        params = params.optional(
            key,
            match default.is_i64() {
                true => Node::count(-1, "Epoch, counted from 0, until which nothing changes"),
                false => Node::number("Weight"),
            }
            .by_default(default.clone()),
        );
    }
    let params = params.or_null();
    Node::object("A schedule").required("name", Node::choice([name], "Name")).optional("params", params)
}

fn augmentation() -> Node {
    let mut transforms = Node::object("One switch for each kind of change").closed();
    for (key, what) in [
        ("flips", "Mirroring along x, y, z"),
        ("zoom", "Enlarging a part of the patch"),
        ("noise", "Gaussian noise"),
        ("blur", "Gaussian blur"),
        ("brightness", "Intensity times a factor"),
        ("contrast", "Intensity range times a factor"),
    ] {
        transforms = transforms.required(key, Node::flag(what));
    }
    for (key, what) in [
        ("rotation", "Rotation; off if absent"),
        ("elastic", "Elastic deformation; off if absent"),
        ("low_resolution", "Simulation of low resolution; off if absent"),
        ("gamma", "Gamma correction; off if absent"),
    ] {
        transforms = transforms.optional(key, Node::flag(what));
    }
    Node::object("Random changes to training patches")
        .required("enabled", Node::flag("False switches all of them off"))
        .required("transforms", transforms)
}

fn hardware() -> Node {
    Node::object("Devices and loading; mostly kept for MIST")
        .required("num_gpus", Node::count(0, "GPUs to use; null: all that are visible").or_null())
        .required("num_cpu_workers", Node::count(0, "Threads that load patches"))
        .required("master_addr", Node::text("Meeting point of several processes; kept for MIST"))
        .required("master_port", Node::count(0, "Its port").at_most(LARGEST_PORT as f64))
        .required("communication_backend", Node::choice(COMMUNICATION_BACKENDS, "Kept for MIST"))
        .optional("data_loader", Node::choice(DATA_LOADERS, "Kept for MIST; all mean the one loader").or_null())
}
