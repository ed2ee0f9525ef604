//! How much memory there is, and sizes as people read them.

/// Memory that programs can still take, in bytes, where the system tells.
pub fn available() -> Option<f64> {
    entry("/proc/meminfo", "MemAvailable:")
}

/// The most memory that this process has held at once, in bytes, where the system tells.
pub fn peak() -> Option<f64> {
    entry("/proc/self/status", "VmHWM:")
}

/// Memory that this process holds now, in bytes, where the system tells.
pub fn resident() -> Option<f64> {
    entry("/proc/self/status", "VmRSS:")
}

/// An entry of one of Linux's tables, in bytes.
fn entry(table: &str, name: &str) -> Option<f64> {
    let text = std::fs::read_to_string(table).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Says that so many bytes are more than there are; nothing where they fit, or where the system does not tell.
pub fn shortage(bytes: f64) -> Option<String> {
    shortage_of(bytes, available())
}

/// The same where so much is free.
pub fn shortage_of(bytes: f64, available: Option<f64>) -> Option<String> {
    let available = available?;
    (bytes > available).then(|| format!("it takes at least {}, {} are free", readable(bytes), readable(available)))
}

/// A number of bytes for people.
pub fn readable(bytes: f64) -> String {
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.0} MB", (bytes / 1e6).ceil()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_with_both_sizes() {
        assert_eq!(shortage_of(2e9, None), None);
        assert_eq!(shortage_of(2e9, Some(2e9)), None);
        assert_eq!(shortage_of(2e9, Some(1.5e9)).as_deref(), Some("it takes at least 2.0 GB, 1.5 GB are free"));
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(readable(12_345.0), "1 MB");
        assert_eq!(readable(48_200_000.0), "49 MB");
        assert_eq!(readable(2_340_000_000.0), "2.3 GB");
    }
}
