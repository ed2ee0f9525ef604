//! Pieces of a page.

use crate::text::escaped;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A file inside the page, as the address of an image.
pub(super) fn data_address(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

/// A checksum as content security policies want it.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A table; cells are texts, and those that are numbers are set as such.
pub(super) fn table(header: &[String], rows: &[Vec<String>], class: &str) -> String {
    let head: String = header.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell))).collect();
    let cell = |cell: &String| {
        let class = if cell.parse::<f64>().is_ok() || cell == "–" { " class=\"number\"" } else { "" };
        format!("<td{class}>{}</td>", escaped(cell))
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().map(cell).collect::<String>());
    let body: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"wide\"><table class=\"{class}\"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
}

/// A number for people: four decimals for shares, two for millimetres; a dash where there is none.
pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() < 2.0 => format!("{value:.4}"),
        Some(value) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_texts() {
        let made = table(&["<b>".into()], &[vec!["a & b".into()], vec!["0.5".into()]], "plain");
        assert!(made.contains("<th scope=\"col\">&lt;b&gt;</th>"), "{made}");
        assert!(made.contains("<td>a &amp; b</td>") && made.contains("<td class=\"number\">0.5</td>"), "{made}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([None, Some(0.98765), Some(12.3456)].map(number), ["–", "0.9877", "12.35"]);
    }
}
