//! Checksums of files.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// CRC-32C of a file, in hexadecimal digits: quick, tells a changed file.
pub fn crc32c(path: &Path) -> Result<String> {
    let mut sum = 0;
    read(path, |block| sum = crc32c::crc32c_append(sum, block))?;
    Ok(format!("{sum:08x}"))
}

/// SHA-256 of a file, in hexadecimal digits, as `sha256sum` prints it.
pub fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    read(path, |block| hash.update(block))?;
    Ok(hexadecimal(&hash.finalize()))
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn sha256_of_text(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path, mut visit: impl FnMut(&[u8])) -> Result<()> {
    let failed = |error| Error::new("cannot read the file").at(path).because(error);
    let mut file = File::open(path).map_err(failed)?;
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block).map_err(failed)? {
            0 => return Ok(()),
            count => visit(&block[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the Rocksoft model of CRC-32C, and the example of FIPS 180-2.
    #[test]
    fn checksums_are_those_of_the_standards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "123456789").unwrap();
        assert_eq!(crc32c(&path).unwrap(), "e3069283");
        std::fs::write(&path, "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), expected);
        assert_eq!(sha256_of_text("abc"), expected);
        assert!(sha256(folder.path()).is_err());
    }
}
