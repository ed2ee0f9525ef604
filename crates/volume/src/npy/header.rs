//! The header of an array file: a Python dictionary literal, of which only what NumPy writes is understood.

use super::error::NpyProblem;
use std::io::Read;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers of plain arrays have about a hundred bytes. NumPy itself refuses more than 10000.
const MOST_HEADER_BYTES: usize = 10_000;
/// NumPy's limit is 64 axes; images need few.
const MOST_AXES: usize = 32;

/// Type of the stored elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Dtype {
    F32,
    F64,
    U8,
    I8,
    I16,
    I32,
    I64,
}

impl Dtype {
    /// Bytes per element.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

/// What an array file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Elements along each axis.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub dtype: Dtype,
    /// Whether the first axis is stored fastest, not the last.
    pub fortran_order: bool,
    /// Whether numbers are stored with the highest byte first.
    pub big_endian: bool,
    /// Where the elements start in the file, bytes.
    pub data_offset: u64,
}

impl Header {
    /// Number of elements, or `None` beyond what can be addressed.
    pub fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n))
    }

    /// Reads a header.
    pub(super) fn read(source: &mut impl Read) -> Result<Self, NpyProblem> {
        let mut start = [0; 8];
        source.read_exact(&mut start).map_err(|_| NpyProblem::NotNpy)?;
        let &[.., major, minor] = &start;
        if !start.starts_with(MAGIC) {
            return Err(NpyProblem::NotNpy);
        }
        let cut_off = |_| NpyProblem::Header { what: "the file ends in it" };
        let (length, prefix) = match (major, minor) {
            (1, 0) => {
                let mut bytes = [0; 2];
                source.read_exact(&mut bytes).map_err(cut_off)?;
                (usize::from(u16::from_le_bytes(bytes)), 10)
            }
            (2 | 3, 0) => {
                let mut bytes = [0; 4];
                source.read_exact(&mut bytes).map_err(cut_off)?;
                (usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX), 12)
            }
            _ => return Err(NpyProblem::Version { major, minor }),
        };
        if length > MOST_HEADER_BYTES {
            return Err(NpyProblem::Header { what: "it is longer than 10000 bytes" });
        }
        let mut bytes = vec![0; length];
        source.read_exact(&mut bytes).map_err(cut_off)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| NpyProblem::Header { what: "it is not text" })?;
        Self::parse(text, (prefix + length) as u64)
    }

    fn parse(text: &str, data_offset: u64) -> Result<Self, NpyProblem> {
        let mut literal = Literal { rest: text };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        literal.expect('{')?;
        while !literal.accept('}') {
            let key = literal.string()?;
            literal.expect(':')?;
            match key {
                "descr" if literal.rest.trim_start().starts_with('[') => {
                    return Err(NpyProblem::Dtype { found: "structured".to_owned() });
                }
                "descr" => descr = Some(literal.string()?),
                "fortran_order" => fortran_order = Some(literal.boolean()?),
                "shape" => shape = Some(literal.tuple()?),
                _ => return Err(NpyProblem::Header { what: "it has an unknown key" }),
            }
            if !literal.accept(',') {
                literal.expect('}')?;
                break;
            }
        }
        if !literal.rest.trim().is_empty() {
            return Err(NpyProblem::Header { what: "something follows the dictionary" });
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
            return Err(NpyProblem::Header { what: "a key is missing" });
        };
        let (dtype, big_endian) = element_type(descr)?;
        let header = Self { shape, dtype, fortran_order, big_endian, data_offset };
        // In f64 as well: values of any type must be addressable after conversion.
        match header.elements().and_then(|elements| elements.checked_mul(size_of::<f64>())) {
            Some(_) => Ok(header),
            None => Err(NpyProblem::TooLarge { shape: header.shape }),
        }
    }
}

/// Element type and byte order of a description such as `<f4`.
fn element_type(descr: &str) -> Result<(Dtype, bool), NpyProblem> {
    let unsupported = || NpyProblem::Dtype { found: descr.chars().take(20).collect() };
    let mut letters = descr.chars();
    let big_endian = match letters.next() {
        Some('<' | '|') => false,
        Some('>') => true,
        Some('=') => cfg!(target_endian = "big"),
        _ => return Err(unsupported()),
    };
    let dtype = match letters.as_str() {
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "u1" | "b1" => Dtype::U8,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        _ => return Err(unsupported()),
    };
    Ok((dtype, big_endian))
}

/// Reads the few kinds of Python literals that occur, from the left.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn accept(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), NpyProblem> {
        if self.accept(sign) {
            Ok(())
        } else {
            Err(NpyProblem::Header { what: "a bracket, colon or comma is missing" })
        }
    }

    fn string(&mut self) -> Result<&'a str, NpyProblem> {
        let problem = NpyProblem::Header { what: "a quoted text is missing" };
        for quote in ['\'', '"'] {
            if self.accept(quote) {
                let (text, rest) = self.rest.split_once(quote).ok_or(problem)?;
                self.rest = rest;
                return Ok(text);
            }
        }
        Err(problem)
    }

    fn boolean(&mut self) -> Result<bool, NpyProblem> {
        let text = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = text.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(NpyProblem::Header { what: "True or False is missing" })
    }

    fn tuple(&mut self) -> Result<Vec<usize>, NpyProblem> {
        let mut numbers = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            let text = self.rest.trim_start();
            let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            // Python 2 wrote long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            numbers.push(digits.parse().map_err(|_| NpyProblem::Header { what: "the shape is not made of sizes" })?);
            if numbers.len() > MOST_AXES {
                return Err(NpyProblem::Header { what: "it has more than 32 axes" });
            }
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, NpyProblem> {
        Header::parse(text, 128)
    }

    #[test]
    fn what_numpy_writes_is_understood() {
        let header = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4, 5, 1), }          \n").unwrap();
        assert_eq!((header.shape.as_slice(), header.dtype), ([3, 4, 5, 1].as_slice(), Dtype::F32));
        assert!(!header.fortran_order && !header.big_endian);
        let header = parse("{'descr': '>i2', 'fortran_order': True, 'shape': (7,)}").unwrap();
        assert_eq!((header.shape.as_slice(), header.dtype), ([7].as_slice(), Dtype::I16));
        assert!(header.fortran_order && header.big_endian);
        assert_eq!(parse("{\"shape\": (), 'descr': '|u1', 'fortran_order': False}").unwrap().elements(), Some(1));
    }

    #[test]
    fn anything_else_is_an_error() {
        let broken = [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} extra",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 4)}",
            "{'descr': '<f4', 'evil': False, 'shape': (3, 4)}",
            "{'descr': '<f4",
        ];
        for text in broken {
            assert!(matches!(parse(text), Err(NpyProblem::Header { .. })), "{text}");
        }
        for descr in ["'<c8'", "'|O'", "'<U3'", "[('a', '<f4')]", "''", "'é'"] {
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3, 4)}}");
            assert!(matches!(parse(&text), Err(NpyProblem::Dtype { .. })), "{text}");
        }
        let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}";
        assert!(matches!(parse(huge), Err(NpyProblem::TooLarge { .. })));
    }
}
