//! The central directory of a ZIP file (APPNOTE 6.3.10), with ZIP64, for stored and deflated members.
//!
//! Read here rather than by a library because a library trusts the declared number of members when it asks for memory.

use super::WeightsError;
use std::io::{Read, Seek, SeekFrom};

/// End record without its comment.
const END_SIZE: usize = 22;
/// Longest comment after the end record.
const LONGEST_COMMENT: u64 = 0xffff;
/// About a hundred bytes per member are usual.
const LONGEST_DIRECTORY: u64 = 64 << 20;

/// How a member's bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Stored,
    Deflated,
}

/// One member, as the central directory describes it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) packing: Packing,
    pub(super) crc: u32,
    /// Bytes in the file.
    pub(super) packed_size: u64,
    /// Bytes after unpacking.
    pub(super) size: u64,
    /// Where the local header starts.
    pub(super) header: u64,
}

fn damaged(what: &str) -> WeightsError {
    WeightsError::Archive(format!("the ZIP directory is damaged: {what}"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// `count` bytes from `start`. The caller has compared `count` with the length of the file.
pub(super) fn read_at(file: &mut (impl Read + Seek), start: u64, count: usize) -> Result<Vec<u8>, WeightsError> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// All members, in the order of the directory.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Vec<Member>, WeightsError> {
    let length = file.seek(SeekFrom::End(0))?;
    let (start, size) = locate(file, length)?;
    if size > LONGEST_DIRECTORY {
        return Err(WeightsError::TooLarge(format!("a ZIP directory of {size} bytes")));
    }
    let directory = read_at(file, start, size as usize)?;
    let mut members = vec![];
    let mut rest = directory.as_slice();
    while !rest.is_empty() {
        let (member, used) = member(rest).ok_or_else(|| damaged("an entry is cut short"))??;
        members.push(member);
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(members)
}

/// Start and size of the directory; it lies within the file.
fn locate(file: &mut (impl Read + Seek), length: u64) -> Result<(u64, u64), WeightsError> {
    let tail_start = length.saturating_sub(END_SIZE as u64 + LONGEST_COMMENT);
    let tail = read_at(file, tail_start, (length - tail_start) as usize)?;
    let end = (0..tail.len().saturating_sub(END_SIZE - 1))
        .rev()
        .find(|at| {
            let comment = tail.len() - at - END_SIZE;
            tail[*at..].starts_with(b"PK\x05\x06") && u16_at(&tail, at + 20).map(usize::from) == Some(comment)
        })
        .ok_or_else(|| WeightsError::Archive("it is not a ZIP file, or its end is missing".into()))?;
    let field = |at| u32_at(&tail, end + at).map(u64::from).ok_or_else(|| damaged("its end is cut short"));
    let (mut size, mut start) = (field(12)?, field(16)?);
    let end_position = tail_start + end as u64;
    let escape = u64::from(u32::MAX);
    if size == escape || start == escape || u16_at(&tail, end + 10) == Some(u16::MAX) {
        (size, start) = locate_zip64(file, end_position)?;
    }
    match start.checked_add(size) {
        Some(after) if after <= end_position => Ok((start, size)),
        _ => Err(damaged("it lies outside the file")),
    }
}

/// Size and start of the directory from the ZIP64 end record.
fn locate_zip64(file: &mut (impl Read + Seek), end_position: u64) -> Result<(u64, u64), WeightsError> {
    let read = |file: &mut _, start: Option<u64>, count: u64, signature: &[u8]| {
        let start = start.filter(|start| start.checked_add(count).is_some_and(|after| after <= end_position));
        let bytes = read_at(file, start.ok_or_else(|| damaged("no ZIP64 record"))?, count as usize)?;
        if bytes.starts_with(signature) { Ok(bytes) } else { Err(damaged("no ZIP64 record")) }
    };
    let locator = read(file, end_position.checked_sub(20), 20, b"PK\x06\x07")?;
    let record = read(file, u64_at(&locator, 8), 56, b"PK\x06\x06")?;
    match (u64_at(&record, 40), u64_at(&record, 48)) {
        (Some(size), Some(start)) => Ok((size, start)),
        _ => Err(damaged("no ZIP64 record")),
    }
}

/// One entry and its length. `None` if the bytes end too early.
fn member(entry: &[u8]) -> Option<Result<(Member, usize), WeightsError>> {
    if !entry.get(..46)?.starts_with(b"PK\x01\x02") {
        return Some(Err(damaged("an entry has no signature")));
    }
    let flags = u16_at(entry, 8)?;
    let packing = match u16_at(entry, 10)? {
        0 => Packing::Stored,
        8 => Packing::Deflated,
        other => return Some(Err(WeightsError::Archive(format!("packing method {other} is not supported")))),
    };
    if flags & 1 != 0 {
        return Some(Err(WeightsError::Archive("it is encrypted".into())));
    }
    let name_end = 46 + usize::from(u16_at(entry, 28)?);
    let extra_end = name_end + usize::from(u16_at(entry, 30)?);
    let used = extra_end + usize::from(u16_at(entry, 32)?);
    let Ok(name) = std::str::from_utf8(entry.get(46..name_end)?) else {
        return Some(Err(damaged("a name is not UTF-8")));
    };
    let extra = entry.get(name_end..extra_end)?;
    entry.get(..used)?;
    // ZIP64: fields that do not fit are all ones, and follow in this order in an extra field.
    let mut wide = zip64_extra(extra);
    let mut field = |at| {
        let value = u32_at(entry, at)?;
        if value == u32::MAX {
            let value = u64_at(wide, 0)?;
            wide = wide.get(8..)?;
            return Some(value);
        }
        Some(u64::from(value))
    };
    let size = field(24)?;
    let packed_size = field(20)?;
    let header = field(42)?;
    let member = Member { name: name.to_owned(), packing, crc: u32_at(entry, 16)?, packed_size, size, header };
    Some(Ok((member, used)))
}

/// Body of the extra field with id 1; empty if there is none.
fn zip64_extra(mut extra: &[u8]) -> &[u8] {
    while let (Some(id), Some(size)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = 4 + usize::from(size);
        let body = extra.get(4..end).unwrap_or_default();
        if id == 1 {
            return body;
        }
        extra = extra.get(end..).unwrap_or_default();
    }
    &[]
}
