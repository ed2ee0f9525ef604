//! The bytes of a file, decompressed if need be.

use super::error::NiftiProblem;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Deflate cannot expand its input by more than this (258 bytes out of 2 bits, see zlib's technical notes).
const LARGEST_DEFLATE_EXPANSION: u64 = 1032;
const BUFFER_BYTES: usize = 1 << 18;

/// An open file. Whether it is compressed is seen from its first bytes, not from its name.
pub(super) struct Source {
    reader: Reader,
    position: u64,
    file_bytes: u64,
    /// Length of the content modulo 2^32, as the end of a compressed file tells it.
    declared_end: Option<u32>,
}

enum Reader {
    Plain(BufReader<File>),
    Compressed(Box<Members>),
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, NiftiProblem> {
        let failed = |action| move |error| NiftiProblem::System { action, error };
        let mut file = File::open(path).map_err(failed("open"))?;
        let file_bytes = file.metadata().map_err(failed("open"))?.len();
        let declared_end = last_word(&mut file).map_err(failed("read"))?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        let compressed = begins_member(reader.fill_buf().map_err(failed("read"))?);
        let reader = if compressed {
            Reader::Compressed(Box::new(Members { current: Some(GzDecoder::new(reader)) }))
        } else {
            Reader::Plain(reader)
        };
        Ok(Self { reader, position: 0, file_bytes, declared_end })
    }

    /// Decompressed bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// More decompressed bytes than this cannot come after the ones read so far. The second value tells whether this is an
    /// upper bound (compressed) or exact.
    pub(super) fn most_remaining(&self) -> (u64, bool) {
        match self.reader {
            Reader::Plain(_) => (self.file_bytes.saturating_sub(self.position), false),
            Reader::Compressed(_) => {
                let most = self.file_bytes.saturating_mul(LARGEST_DEFLATE_EXPANSION);
                (most.saturating_sub(self.position), true)
            }
        }
    }

    /// Whether the file itself says that its decompressed content is `bytes` long: by its length, or by the last field of its
    /// only gzip member. That may be a lie; what really comes is still counted.
    pub(super) fn ends_after(&self, bytes: u64) -> bool {
        match self.reader {
            Reader::Plain(_) => self.file_bytes >= bytes,
            Reader::Compressed(_) => self.declared_end == Some(bytes as u32),
        }
    }

    /// Fills the buffer as far as there are bytes; returns how many there were.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, NiftiProblem> {
        let mut filled = 0;
        while filled < buffer.len() {
            let result = match &mut self.reader {
                Reader::Plain(reader) => reader.read(&mut buffer[filled..]),
                Reader::Compressed(members) => members.read(&mut buffer[filled..]),
            };
            match result {
                Ok(0) => break,
                Ok(bytes) => {
                    filled += bytes;
                    self.position += bytes as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_problem(error)),
            }
        }
        Ok(filled)
    }

    /// Passes over bytes; stops early, without an error, where the file ends.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), NiftiProblem> {
        let mut scratch = [0; 4096];
        let mut left = bytes;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(scratch.len());
            let skipped = self.fill(&mut scratch[..step])?;
            if skipped == 0 {
                break;
            }
            left -= skipped as u64;
        }
        Ok(())
    }

    /// To be called after the last voxel: a checksum that follows directly is verified, so that a damaged file is not
    /// taken for a good one. Further content is ignored.
    pub(super) fn verify_end(&mut self) -> Result<(), NiftiProblem> {
        self.fill(&mut [0]).map(|_| ())
    }

    fn read_problem(&self, error: std::io::Error) -> NiftiProblem {
        match self.reader {
            Reader::Plain(_) => NiftiProblem::System { action: "read", error },
            Reader::Compressed(_) => NiftiProblem::Compression { position: self.position, error },
        }
    }
}

/// The last four bytes of a file, where it has as many and can be read from any place (a pipe cannot).
fn last_word(file: &mut File) -> std::io::Result<Option<u32>> {
    if file.seek(SeekFrom::End(-4)).is_err() {
        return Ok(None);
    }
    let mut bytes = [0; 4];
    let read = file.read_exact(&mut bytes);
    file.rewind()?;
    Ok(read.ok().map(|()| u32::from_le_bytes(bytes)))
}

/// The members of a gzip file, one after the other. Whatever follows the last one and is no member is ignored, as gzip
/// does (tapes and some transfer programs pad files).
struct Members {
    current: Option<GzDecoder<BufReader<File>>>,
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(decoder) = &mut self.current {
            let bytes = decoder.read(buffer)?;
            if bytes > 0 || buffer.is_empty() {
                return Ok(bytes);
            }
            if let Some(finished) = self.current.take() {
                let mut reader = finished.into_inner();
                if begins_member(reader.fill_buf()?) {
                    self.current = Some(GzDecoder::new(reader));
                }
            }
        }
        Ok(0)
    }
}

/// Whether the bytes begin with the gzip magic. A single byte at the end of a buffer is given the benefit of the doubt.
fn begins_member(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f] | [0x1f, 0x8b, ..])
}
