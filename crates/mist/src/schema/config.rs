//! The schema of `config.json`.

use super::node::Node;
use super::{add_defaults, training};
use crate::config::{
    BlendMode, Choices, Config, DatasetInfo, ENSEMBLE_STRATEGIES, INFERERS, LARGEST_LABEL, METRICS, MOST_LABELS,
    Modality, RESERVED_COLUMNS, TtaStrategy,
};
use serde_json::{Value, json};

/// The schema of `config.json`; names of models and losses are those of `choices`.
pub fn config(choices: &Choices) -> Value {
    let is_ct = json!({
        "properties": {"dataset_info": {"properties": {"modality": {"type": "string", "pattern": "^[cC][tT]$"}}, "required": ["modality"]}},
        "required": ["dataset_info"]
    });
    let number = json!({ "type": "number" });
    let window = json!({"properties": {"preprocessing": {"properties": {"ct_normalization": {"properties": {
        "window_min": number, "window_max": number, "z_score_mean": number, "z_score_std": number
    }}}}}});
    let mut schema = Node::object("What is decided about a run. Unknown keys are kept")
        .optional("mist_version", Node::text("Release that wrote the file; informational").or_null())
        .required("dataset_info", dataset_info())
        .required("spatial_config", spatial_config())
        .required("preprocessing", preprocessing())
        .required("model", model(choices))
        .required("training", training::training(choices))
        .required("inference", inference())
        .required("evaluation", evaluation())
        .when(is_ct, window)
        .into_schema("config.json of mist");
    add_defaults(&mut schema, &defaults());
    schema
}

/// What analysis writes whatever the data are.
fn defaults() -> Value {
    let config = super::as_map(Config::placeholder(DatasetInfo::placeholder()));
    let architecture = config.get("model").and_then(|model| model.get("architecture"));
    json!({
        "preprocessing": {"skip": false, "compute_dtms": false, "normalize_dtms": true},
        "model": {"architecture": architecture},
        "training": config.get("training"),
        "inference": config.get("inference"),
    })
}

/// Which names of channels can be columns of the tables of a run.
pub(super) fn channel_names() -> String {
    format!("^(?!(?:{})$)(?=.*\\S)", RESERVED_COLUMNS.join("|"))
}

/// A list of at least so many labels, 0 first.
pub(super) fn labels(what: &str, least: u64) -> Node {
    let label = Node::count(0, "A label").at_most(LARGEST_LABEL as f64);
    Node::list(label, what).distinct().starting_with(0).with_least(least).with_most(MOST_LABELS)
}

fn dataset_info() -> Node {
    let channel = Node::text("Name of a channel").like(&channel_names());
    Node::object("What the data is")
        .required("task", Node::text("Name of the task"))
        .required("modality", Node::choice_in_any_case(&Modality::NAMES, "Kind of images; decides on normalization"))
        .required("images", Node::list(channel, "Channels, in channel order").distinct())
        .required("labels", labels("Label values of the masks, 0 first; positions are class indices", 1))
}

fn spatial_config() -> Node {
    let millimetres = Node::number("Millimetres").above(0.0);
    Node::object("The grid on which the network works")
        .required("patch_size", Node::triple(Node::count(1, "Voxels"), "Voxels of a patch along x, y, z"))
        .required("target_spacing", Node::triple(millimetres, "Voxel spacing in mm along x, y, z"))
}

fn preprocessing() -> Node {
    let number = |what: &str| Node::number(what).or_null();
    let window = Node::object("Intensity window of CT, in HU; null for other modalities")
        .required("window_min", number("Lower end of the window"))
        .required("window_max", number("Upper end of the window"))
        .required("z_score_mean", number("Mean of the foreground"))
        .required("z_score_std", Node::number("Standard deviation of the foreground").at_least(0.0).or_null());
    let median = "Median size over the cases after resampling, in voxels; informational";
    Node::object("How images become arrays")
        .required("skip", Node::flag("Arrays are the raw voxel grids"))
        .required("crop_to_foreground", Node::flag("Cut images to their foreground first"))
        .required("median_resampled_image_size", Node::triple(Node::count(0, "Voxels"), median))
        .required("normalize_with_nonzero_mask", Node::flag("Statistics over non-zero voxels; the others stay 0"))
        .required("ct_normalization", window)
        .required("compute_dtms", Node::flag("Write distance maps, which some losses need"))
        .required("normalize_dtms", Node::flag("Scale distance maps to [-1, 1]"))
}

fn model(choices: &Choices) -> Node {
    let kernel = Node::any("For MedNeXt: size of its kernels, 3, 5 or 7; absent means 3");
    let params = Node::object("Parameters of the network; a network of your own may have more")
        .required("in_channels", Node::count(1, "Number of `dataset_info.images`"))
        .required("out_channels", Node::count(1, "Number of `dataset_info.labels`, or of `training.regions`"))
        .optional("kernel_size", kernel);
    Node::object("The network")
        .required("architecture", Node::choice_if_listed(choices.architectures.as_deref(), "Name of the architecture"))
        .required("params", params)
}

fn inference() -> Node {
    let params = Node::object("Parameters of the inferer")
        .optional("patch_blend_mode", Node::choice(BlendMode::NAMES, "Weight of a voxel by its place in the window"))
        .optional(
            "patch_overlap",
            Node::number("Overlap of neighbouring windows, as a part of their size").at_least(0.0).below(1.0),
        )
        .optional(
            "sw_batch_size",
            Node::count(1, "Windows per batch; absent means twice `training.batch_size_per_gpu`").or_null(),
        )
        .closed();
    let inferer = Node::object("How an image larger than a patch is covered")
        .required("name", Node::choice(INFERERS, "Name of the inferer"))
        .required("params", params);
    let ensemble = Node::object("How several networks are combined")
        .required("strategy", Node::choice(ENSEMBLE_STRATEGIES, "Name of the strategy"));
    let tta = Node::object("Test-time augmentation")
        .required("enabled", Node::flag("False is the same as the strategy `none`"))
        .required("strategy", Node::choice(TtaStrategy::NAMES, "Which mirror images are predicted and averaged"));
    Node::object("How a trained network is applied")
        .required("inferer", inferer)
        .required("ensemble", ensemble)
        .required("tta", tta)
}

fn evaluation() -> Node {
    let mut metrics = Node::object("What is measured, each metric with its parameters").closed();
    for (metric, parameters) in METRICS {
        let mut object = Node::object("Parameters of the metric").closed();
        for parameter in parameters {
            object = object.optional(parameter, Node::number("0 or more").at_least(0.0));
        }
        metrics = metrics.optional(metric, object);
    }
    let label = Node::count(1, "One of `dataset_info.labels`, not the background");
    let class = Node::object("A class")
        .required("labels", Node::list(label, "Labels that make up the class"))
        .required("metrics", metrics);
    Node::named(class, "What is evaluated, by name of the class")
}
