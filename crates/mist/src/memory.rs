//! How much memory there is, how much of it a command may take, and sizes as people read and type them.

mod allowance;
mod budget;
mod control_groups;
mod size;

pub use allowance::Allowance;
pub use budget::{Budget, Share};
pub use size::parse;

/// Memory that this process can still take, in bytes, where the system tells: what the machine has left, or the control
/// groups that a job scheduler or container put the process into, if that is less.
pub fn available() -> Option<f64> {
    let machine = entry("/proc/meminfo", "MemAvailable:");
    machine.into_iter().chain(control_groups::free()).min_by(f64::total_cmp)
}

/// The most memory that this process has held at once, in bytes, where the system tells.
pub fn peak() -> Option<f64> {
    entry("/proc/self/status", "VmHWM:")
}

/// Forgets the peak so far: from here on [`peak`] is that of what follows. Does nothing where the system cannot do that.
pub fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
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

/// A number of bytes for people.
pub fn readable(bytes: f64) -> String {
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.0} MB", (bytes / 1e6).ceil()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(readable(12_345.0), "1 MB");
        assert_eq!(readable(48_200_000.0), "49 MB");
        assert_eq!(readable(2_340_000_000.0), "2.3 GB");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peak_is_forgotten_on_request() {
        const BYTES: usize = 256 << 20;
        std::hint::black_box(vec![1u8; BYTES]);
        let before = peak().unwrap();
        assert!(before > BYTES as f64);
        forget_peak();
        // Tests beside this one take memory too, but never so much.
        assert!(peak().unwrap() < before - BYTES as f64 / 2.0);
    }
}
