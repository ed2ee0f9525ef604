//! The formats of weight files, which their names tell, and their first bytes.

use std::fmt;
use std::path::Path;

/// How a weight file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A ZIP archive of PyTorch.
    PyTorch,
    /// The safetensors format.
    Safetensors,
}

/// The ends of names.
const EXTENSIONS: [(&str, Format); 3] =
    [("pt", Format::PyTorch), ("pth", Format::PyTorch), ("safetensors", Format::Safetensors)];

impl Format {
    /// The format that a file's name asks for, in whatever case; nothing if it asks for none.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, format)| *format)
    }

    /// The format that a file looks like whose first bytes these are; nothing if it looks like none.
    pub(super) fn of_contents(start: &[u8]) -> Option<Self> {
        match start {
            [b'P', b'K', 3, 4, ..] => Some(Self::PyTorch),
            // The length of the header, far below the 2^32 that would need the upper bytes, then the header.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Some(Self::Safetensors),
            _ => None,
        }
    }

    /// How the names of its files end, as a rule.
    pub fn extension(self) -> &'static str {
        match self {
            Self::PyTorch => "pt",
            Self::Safetensors => "safetensors",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PyTorch => "a PyTorch archive",
            Self::Safetensors => "a safetensors file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{StateDict, Tensor, write_safetensors, write_state_dict};
    use std::io::Cursor;

    #[test]
    fn names_tell_the_format() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!([of("a.pt"), of("folder.safetensors/b.PTH")], [Some(Format::PyTorch); 2]);
        assert_eq!([of("fold_0.safetensors"), of("a.pt.SafeTensors")], [Some(Format::Safetensors); 2]);
        assert_eq!([of("pt"), of(".pt"), of("a.bin"), of("a.pt.zip")], [None; 4]);
    }

    #[test]
    fn first_bytes_tell_the_format() {
        let (mut archive, mut other) = (Cursor::new(Vec::new()), Vec::new());
        let state = StateDict::from_iter([("a".to_owned(), Tensor::scalar(1.0))]);
        write_state_dict(&mut archive, "root", &state).unwrap();
        write_safetensors(&mut other, &state).unwrap();
        assert_eq!(Format::of_contents(archive.get_ref()), Some(Format::PyTorch));
        assert_eq!(Format::of_contents(&other), Some(Format::Safetensors));
        for bytes in [&b""[..], b"PK", &other[..8], b"{\"a\": 1, \"b\": 2}", &[0xff; 9]] {
            assert_eq!(Format::of_contents(bytes), None, "{bytes:?}");
        }
    }
}
