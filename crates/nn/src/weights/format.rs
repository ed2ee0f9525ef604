//! The formats of weight files, which their names tell.

use std::path::Path;

/// How a weight file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A ZIP archive of PyTorch.
    PyTorch,
    /// The safetensors format.
    Safetensors,
}

/// The ends of names. The first of a format is the usual one.
const EXTENSIONS: [(&str, Format); 3] =
    [("pt", Format::PyTorch), ("pth", Format::PyTorch), ("safetensors", Format::Safetensors)];

impl Format {
    /// The format that a file's name asks for, in whatever case; nothing if it asks for none.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, format)| *format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!([of("a.pt"), of("folder.safetensors/b.PTH")], [Some(Format::PyTorch); 2]);
        assert_eq!([of("fold_0.safetensors"), of("a.pt.SafeTensors")], [Some(Format::Safetensors); 2]);
        assert_eq!([of("pt"), of(".pt"), of("a.bin"), of("a.pt.zip")], [None; 4]);
    }
}
