//! How much memory a command may take.

use super::{available, readable, resident};
use crate::console::Console;

/// The memory that a command may count on, in bytes: that of the whole process, not only what it takes from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// What the user says, `--max-memory`.
    Given(f64),
    /// What was free when the command began. Measured once, so that what it takes itself does not count against it.
    Free(f64),
    /// The system does not tell, and nobody said.
    Unknown,
}

impl Allowance {
    /// What is given, or else what is free now. A promise that the machine cannot keep is remarked on.
    pub fn new(given: Option<u64>, console: &dyn Console) -> Self {
        let free = available().map(|bytes| bytes + resident().unwrap_or(0.0));
        match (given.map(|bytes| bytes as f64), free) {
            (Some(given), free) => {
                if free.is_some_and(|free| free < given) {
                    console.warn(&format!(
                        "--max-memory allows {}, which is more than is free; the system may stop the program once it takes \
                         that much",
                        readable(given)
                    ));
                }
                Self::Given(given)
            }
            (None, Some(free)) => Self::Free(free),
            (None, None) => Self::Unknown,
        }
    }

    /// The number, if there is one.
    pub fn bytes(&self) -> Option<f64> {
        match self {
            Self::Given(bytes) | Self::Free(bytes) => Some(*bytes),
            Self::Unknown => None,
        }
    }

    /// What is left of it after so many bytes.
    pub fn without(self, bytes: f64) -> Self {
        self.bytes().map_or(self, |all| self.resized((all - bytes).max(0.0)))
    }

    /// Of the same kind, with so many bytes.
    pub fn resized(self, bytes: f64) -> Self {
        match self {
            Self::Given(_) => Self::Given(bytes),
            Self::Free(_) => Self::Free(bytes),
            Self::Unknown => Self::Unknown,
        }
    }

    /// Says that so many bytes are too much; nothing where they fit, or where nothing is known.
    pub fn shortage(&self, bytes: f64) -> Option<String> {
        (self.bytes()? < bytes).then(|| format!("it takes at least {}, {self}", readable(bytes)))
    }

    /// What more than this is more than: `there is`.
    pub fn bound(&self) -> &'static str {
        match self {
            Self::Given(_) => "--max-memory allows",
            Self::Free(_) | Self::Unknown => "there is",
        }
    }

    /// A last piece of advice for those who know better.
    pub fn or_more(&self) -> &'static str {
        match self {
            Self::Given(_) => "a larger --max-memory",
            Self::Free(_) | Self::Unknown => "say with --max-memory if the program may take more than that",
        }
    }
}

/// `12.0 GB are free`.
impl std::fmt::Display for Allowance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(bytes) => write!(f, "--max-memory allows {}", readable(*bytes)),
            Self::Free(bytes) => write!(f, "{} are free", readable(*bytes)),
            Self::Unknown => f.write_str("the system does not tell how much is free"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Silent;

    #[test]
    fn a_shortage_is_told_with_both_sizes() {
        assert_eq!(Allowance::Unknown.shortage(2e9), None);
        assert_eq!(Allowance::Free(2e9).shortage(2e9), None);
        let told = |allowance: Allowance| allowance.shortage(2e9).unwrap();
        assert_eq!(told(Allowance::Free(1.5e9)), "it takes at least 2.0 GB, 1.5 GB are free");
        assert_eq!(told(Allowance::Given(1.5e9)), "it takes at least 2.0 GB, --max-memory allows 1.5 GB");
        assert_eq!(told(Allowance::Given(3e9).without(2e9)), "it takes at least 2.0 GB, --max-memory allows 1.0 GB");
    }

    #[test]
    fn what_is_given_counts_and_else_what_is_free() {
        assert_eq!(Allowance::new(Some(1 << 60), &Silent), Allowance::Given((1u64 << 60) as f64));
        let measured = Allowance::new(None, &Silent);
        match cfg!(target_os = "linux") {
            true => assert!(matches!(measured, Allowance::Free(bytes) if bytes > 1e6), "{measured}"),
            false => assert_eq!(measured, Allowance::Unknown),
        }
    }
}
