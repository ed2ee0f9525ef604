//! The schema of `dataset.json`.

use super::config::{channel_names, labels};
use super::node::Node;
use crate::config::{LARGEST_LABEL, Modality};
use serde_json::Value;

/// The schema of `dataset.json`, the description of a data set.
pub fn dataset() -> Value {
    let parts = |what: &str| Node::list(Node::text("Part of a file name").like("."), what);
    let label = Node::count(1, "One of `labels`, not the background").at_most(LARGEST_LABEL as f64);
    let class = Node::list(label, "Labels that make up the class").distinct();
    Node::object("Where the scans of a data set lie and what their labels mean. Relative paths start at this file")
        .required("task", Node::text("Name of the task"))
        .required("modality", Node::choice_in_any_case(&Modality::NAMES, "Kind of images; decides on normalization"))
        .required("train-data", Node::text("Folder with one folder per training case"))
        .optional("test-data", Node::text("Folder with one folder per test case").or_null())
        .required("mask", parts("The mask of a case is the file whose name contains one of these"))
        .required(
            "images",
            Node::named(parts("The file of this channel has one of these in its name"), "Channels, in channel order")
                .with_names(&channel_names())
                .filled(),
        )
        .required("labels", labels("Label values of the masks, the background 0 first", 2))
        .optional(
            "final_classes",
            Node::named(class, "Classes to evaluate, by name; if absent, one per label").filled().or_null(),
        )
        .into_schema("dataset.json of mist")
}
