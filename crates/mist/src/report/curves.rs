//! The curves of each fold's training, as training has drawn them.

use super::markup::data_address;
use std::path::Path;

/// The pictures of the folds that have one; says which have none.
pub(super) fn section(results: &Path, folds: usize) -> String {
    let mut markup = String::new();
    let mut missing = Vec::new();
    for fold in 0..folds {
        // As an image nothing in it runs, whoever has written it.
        match std::fs::read(results.join(format!("logs/fold_{fold}/training.svg"))) {
            Ok(picture) => {
                let address = data_address("image/svg+xml", &picture);
                markup += &format!(
                    "<figure><img src=\"{address}\" alt=\"losses, Dice and learning rate by epoch\">\
                     <figcaption>fold {fold}</figcaption></figure>\n"
                );
            }
            Err(_) => missing.push(fold.to_string()),
        }
    }
    if !markup.is_empty() {
        markup = format!("<div class=\"curves\">\n{markup}</div>\n");
    }
    if !missing.is_empty() {
        let folds = missing.join(", ");
        let command = missing.join(" ");
        markup += &format!(
            "<p>No curves of the folds {folds}: they were not trained here. <code>mist train --folds {command}</code> does that.</p>\n"
        );
    }
    markup
}
