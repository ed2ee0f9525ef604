//! What can be wrong with a weight file.

use super::Format;
use std::fmt;

/// Why a weight file could not be read, written or used. The path is added by whoever knows it.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file system failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The ZIP writer failed.
    #[error("cannot write the archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// Not a PyTorch archive, or a damaged one.
    #[error("not a readable PyTorch archive: {0}")]
    Archive(String),
    /// Not a file of the safetensors format, or a damaged one.
    #[error("not a readable safetensors file: {0}")]
    Safetensors(String),
    /// A sound beginning of a file of another format than its name tells.
    #[error("by its contents it is {0}")]
    OtherFormat(Format),
    /// The pickle asks for something that no weight file needs, or is damaged.
    #[error("the list of tensors is damaged or not that of a weight file: {problem} (byte {position})")]
    Pickle {
        /// Offset in `data.pkl`.
        position: usize,
        /// What was met there.
        problem: String,
    },
    /// A tensor's shape, strides, storage and values do not go together.
    #[error("impossible tensor: {0}")]
    Tensor(String),
    /// Reading on would take more memory than the file's size can justify.
    #[error("refused, the file unpacks to far more than its size: {0}")]
    TooLarge(String),
    /// The file is sound but holds something other than a mapping of names to tensors.
    #[error("not a plain mapping of names to tensors: {0}")]
    NotAStateDict(String),
    /// The tensors are not those of the network.
    #[error("the weights do not fit the network: {0}")]
    Mismatch(Mismatch),
    /// A buffer holds other numbers than the network has.
    #[error("the weights do not fit the network: the buffer {0} holds other numbers than this network's")]
    OtherBuffer(String),
}

/// A tensor that is there under the right name with another shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongShape {
    /// Name of the tensor.
    pub name: String,
    /// Shape that the network needs.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

/// All differences between a file's tensors and a network's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Names that the network needs and the file lacks, in the network's order.
    pub missing: Vec<String>,
    /// Names that the file has and the network does not know, in the file's order.
    pub unexpected: Vec<String>,
    /// Tensors of another shape, in the network's order.
    pub misshapen: Vec<WrongShape>,
}

impl Mismatch {
    /// True if there is no difference.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

/// As many names per list as a person reads; the lists themselves are complete.
const SHOWN: usize = 8;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let misshapen: Vec<String> = self
            .misshapen
            .iter()
            .map(|wrong| format!("{} (is {:?}, must be {:?})", wrong.name, wrong.found, wrong.expected))
            .collect();
        let mut separator = "";
        for (title, names) in
            [("missing", &self.missing), ("unexpected", &self.unexpected), ("of another shape", &misshapen)]
        {
            if names.is_empty() {
                continue;
            }
            let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(f, "{separator}{} {title}: {shown}", names.len())?;
            if names.len() > SHOWN {
                write!(f, " and {} more", names.len() - SHOWN)?;
            }
            separator = "; ";
        }
        Ok(())
    }
}
