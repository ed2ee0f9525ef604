//! The page around the sections.

use super::markup::base64;
use crate::text::escaped;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../assets/report/report.css");
/// Sorts tables; the page says everything without it.
const SCRIPT: &str = include_str!("../../assets/report/sort.js");

/// A page that grows section by section.
pub(super) struct Page {
    title: String,
    body: String,
}

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), body: String::new() }
    }

    /// Adds a section; nothing where there is nothing to say. `markup` is trusted, its texts are escaped.
    pub(super) fn add(&mut self, heading: &str, markup: &str) {
        if markup.is_empty() {
            return;
        }
        let heading = if heading.is_empty() { String::new() } else { format!("<h2>{}</h2>\n", escaped(heading)) };
        self.body += &format!("<section>\n{heading}{markup}</section>\n");
    }

    /// The page as a file.
    pub(super) fn finished(&self) -> String {
        let title = escaped(&self.title);
        let script = base64(&Sha256::digest(SCRIPT));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
             style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} – report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}\
             </main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            self.body
        )
    }
}
