//! Reading arrays: all of one, or a block.

use super::error::{NpyError, NpyProblem};
use super::header::Header;
use super::value::{Element, append};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Elements are converted in pieces of this many bytes.
const CHUNK_BYTES: usize = 1 << 18;
/// Gaps between the rows of a block up to this many bytes are read along: cheaper than a system call per row.
const LARGEST_GAP_BYTES: usize = 4096;

/// An open array file whose header agrees with its length. Reading is by position and needs no exclusive access, so that
/// threads can share one.
#[derive(Debug)]
pub struct NpyFile {
    file: File,
    path: PathBuf,
    header: Header,
}

/// Reads a whole array as `f32`, with its shape; last axis fastest.
///
/// # Errors
/// See [`NpyFile::open`].
pub fn read_f32(path: &Path) -> Result<(Vec<usize>, Vec<f32>), NpyError> {
    read(path)
}

/// Reads a whole array as `u8`, with its shape; last axis fastest.
///
/// # Errors
/// See [`NpyFile::open`]; further: a value is not a whole number from 0 to 255.
pub fn read_u8(path: &Path) -> Result<(Vec<usize>, Vec<u8>), NpyError> {
    read(path)
}

fn read<T: Element>(path: &Path) -> Result<(Vec<usize>, Vec<T>), NpyError> {
    let file = NpyFile::open(path)?;
    let values = file.read_all()?;
    Ok((file.header.shape, values))
}

impl NpyFile {
    /// Opens an array file and checks its header against its length.
    ///
    /// # Errors
    /// The file cannot be opened, is no array file, holds elements of another kind, or is too short.
    pub fn open(path: &Path) -> Result<Self, NpyError> {
        let open = || {
            let failed = |error| NpyProblem::System { action: "open", error };
            let mut file = File::open(path).map_err(failed)?;
            let header = Header::read(&mut file)?;
            let found = file.metadata().map_err(failed)?.len();
            let elements = header.elements().unwrap_or(usize::MAX);
            let bytes = (elements as u64).saturating_mul(header.dtype.bytes() as u64);
            let declared = bytes.saturating_add(header.data_offset);
            if found < declared {
                return Err(NpyProblem::Truncated { declared, found });
            }
            Ok(Self { file, path: path.to_owned(), header })
        };
        open().map_err(|problem| problem.at(path))
    }

    /// What the file holds.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Reads all elements, last axis fastest.
    ///
    /// # Errors
    /// What the system reports, and values that the type cannot hold.
    pub fn read_all<T: Element>(&self) -> Result<Vec<T>, NpyError> {
        self.read_block(&vec![0; self.header.shape.len()], &self.header.shape)
    }

    /// Reads the block of `size` elements from `start` on, last axis fastest. Only its own bytes are read, and small gaps
    /// between them.
    ///
    /// # Errors
    /// The block does not lie in the array; what the system reports; values that the type cannot hold.
    pub fn read_block<T: Element>(&self, start: &[usize], size: &[usize]) -> Result<Vec<T>, NpyError> {
        self.block(start, size).map_err(|problem| problem.at(&self.path))
    }

    fn block<T: Element>(&self, start: &[usize], size: &[usize]) -> Result<Vec<T>, NpyProblem> {
        let shape = &self.header.shape;
        let axes = shape.len();
        let fits = start.len() == axes
            && size.len() == axes
            && (0..axes).all(|axis| start[axis].checked_add(size[axis]).is_some_and(|end| end <= shape[axis]));
        if !fits {
            let (start, size) = (start.to_vec(), size.to_vec());
            return Err(NpyProblem::Block { start, size, shape: shape.clone() });
        }
        let elements: usize = size.iter().product();
        let mut values = Vec::with_capacity(elements);
        if elements == 0 {
            return Ok(values);
        }
        if self.header.fortran_order {
            let backwards = |list: &[usize]| list.iter().rev().copied().collect::<Vec<_>>();
            self.append_rows(&backwards(shape), &backwards(start), &backwards(size), &mut values)?;
            Ok(first_axis_slowest(&values, size))
        } else {
            self.append_rows(shape, start, size, &mut values)?;
            Ok(values)
        }
    }

    /// Appends the block in storage order; the axes are given from the slowest to the fastest.
    fn append_rows<T: Element>(
        &self,
        shape: &[usize],
        start: &[usize],
        size: &[usize],
        values: &mut Vec<T>,
    ) -> Result<(), NpyProblem> {
        // Axes that the block spans as a whole melt with the next slower one into longer rows.
        let mut row_axis = shape.len().saturating_sub(1);
        while row_axis > 0 && size[row_axis] == shape[row_axis] {
            row_axis -= 1;
        }
        let bytes = self.header.dtype.bytes();
        let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        let row: usize = size.iter().skip(row_axis).product();
        let first: usize = start.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        // Rows of the next slower axis are read together if the gaps are small.
        let outer_axes = row_axis.saturating_sub(1);
        let (rows, pitch) = if row_axis > 0 { (size[row_axis - 1], strides[row_axis - 1]) } else { (1, row) };
        let together = if (pitch - row) * bytes <= LARGEST_GAP_BYTES { rows } else { 1 };

        let mut buffer = Vec::new();
        let mut index = vec![0; outer_axes];
        loop {
            let outer: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
            for group in 0..rows / together {
                let position = first + outer + group * pitch;
                self.append_span(position, row, pitch, together, &mut buffer, values)?;
            }
            let Some(axis) = (0..outer_axes).rev().find(|&axis| index[axis] + 1 < size[axis]) else { return Ok(()) };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Appends `rows` rows of `row` elements that start every `pitch` elements, in pieces of about [`CHUNK_BYTES`].
    fn append_span<T: Element>(
        &self,
        position: usize,
        row: usize,
        pitch: usize,
        rows: usize,
        buffer: &mut Vec<u8>,
        values: &mut Vec<T>,
    ) -> Result<(), NpyProblem> {
        let bytes = self.header.dtype.bytes();
        let rows_per_piece = (CHUNK_BYTES / (pitch * bytes).max(1)).max(1);
        for piece in (0..rows).step_by(rows_per_piece) {
            let count = rows_per_piece.min(rows - piece);
            let span = (count - 1) * pitch + row;
            let mut done = 0;
            // A single row can be longer than a piece; elements are never split.
            while done < span {
                let elements = if count > 1 { span } else { (span - done).min(CHUNK_BYTES / bytes) };
                buffer.resize(elements * bytes, 0);
                let from = (position + piece * pitch + done) as u64 * bytes as u64 + self.header.data_offset;
                read_exact_at(&self.file, buffer, from)
                    .map_err(|error| NpyProblem::System { action: "read", error })?;
                for values_of_row in buffer.chunks(if count > 1 { pitch * bytes } else { buffer.len() }) {
                    let kept = if count > 1 { row * bytes } else { values_of_row.len() };
                    append(&values_of_row[..kept], &self.header, values)?;
                }
                done += elements;
            }
        }
        Ok(())
    }
}

/// Reorders a block from first axis fastest to last axis fastest.
fn first_axis_slowest<T: Copy>(values: &[T], size: &[usize]) -> Vec<T> {
    let mut reordered = Vec::with_capacity(values.len());
    let strides: Vec<usize> = (0..size.len()).map(|axis| size[..axis].iter().product()).collect();
    let mut index = vec![0; size.len()];
    let mut position = 0;
    loop {
        reordered.push(values[position]);
        let Some(axis) = (0..size.len()).rev().find(|&axis| index[axis] + 1 < size[axis]) else { return reordered };
        for faster in axis + 1..size.len() {
            position -= index[faster] * strides[faster];
            index[faster] = 0;
        }
        index[axis] += 1;
        position += strides[axis];
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], position: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, position)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut position: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, position) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => {
                buffer = &mut buffer[bytes..];
                position += bytes as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
