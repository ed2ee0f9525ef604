//! Sizes as people type them.

/// Units, with the bytes of one.
const UNITS: [(&str, f64); 9] = [
    ("M", 1e6),
    ("MB", 1e6),
    ("MiB", 1024.0 * 1024.0),
    ("G", 1e9),
    ("GB", 1e9),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
    ("T", 1e12),
    ("TB", 1e12),
    ("TiB", 1024.0 * 1024.0 * 1024.0 * 1024.0),
];

/// Bytes of a size such as `800M`, `12G` or `1.5GiB`, in upper or lower case; a sentence that says what was expected if it
/// is none. A number alone is refused: nobody means bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim_start());
    let unit = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    match (number.parse::<f64>(), unit) {
        (Ok(number), Some((_, bytes))) if number > 0.0 && number * bytes < u64::MAX as f64 => {
            Ok((number * bytes) as u64)
        }
        _ => {
            Err("expected a number above 0 and a unit, such as 800M, 12G (12 · 10^9 bytes) or 12GiB (12 · 2^30 bytes)"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_unless_they_say_that_they_are_binary() {
        let pairs = [
            ("800M", 800_000_000),
            ("800 mb", 800_000_000),
            ("12G", 12_000_000_000),
            ("1.5GiB", 1_610_612_736),
            ("0.5g", 500_000_000),
            ("64MiB", 67_108_864),
            ("2T", 2_000_000_000_000),
            ("1tib", 1_099_511_627_776),
        ];
        for (text, bytes) in pairs {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "12", "G", "0G", "-1G", "1e3G", "12 GB free", "1.2.3G", "nanG", "infG", "12K", "9999999999T"] {
            assert!(parse(text).is_err_and(|why| why.contains("12GiB")), "{text}");
        }
    }
}
