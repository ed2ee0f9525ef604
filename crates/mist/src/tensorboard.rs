//! TensorBoard event files: scalars over steps, nothing else.
//!
//! A file is a sequence of TFRecords: length (u64), masked CRC-32C of the length, protocol buffer `Event`, masked
//! CRC-32C of the event; all little-endian. The few fields of `Event` that scalars need are encoded by hand
//! (tensorflow/core/util/event.proto and framework/summary.proto).

use crate::error::{Error, Result};
use crate::files::create_folder;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Appends scalars to one event file.
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Starts a new file in `folder`, which is created. `unix_time` is in seconds; `host` goes into the file's name, as
    /// TensorBoard expects it. A file of the same second and process is left alone: the number at the end counts up.
    ///
    /// # Errors
    /// If the folder or file cannot be written.
    pub fn create(folder: &Path, unix_time: f64, host: &str) -> Result<Self> {
        create_folder(folder)?;
        let host: String = host.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let process = std::process::id();
        for number in 0..u32::MAX {
            let path = folder.join(format!("events.out.tfevents.{:010}.{host}.{process}.{number}", unix_time as u64));
            match File::create_new(&path) {
                Ok(file) => {
                    let mut writer = Self { path, file: BufWriter::new(file) };
                    writer.record(&version_event(unix_time))?;
                    writer.flush()?;
                    return Ok(writer);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot_write(&path, error)),
            }
        }
        Err(Error::new("there are too many event files").at(folder))
    }

    /// Appends the value of `tag` at `step`; `wall_time` in seconds since 1970.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: i64, value: f32, wall_time: f64) -> Result<()> {
        self.record(&scalar_event(tag, step, value, wall_time))
    }

    /// Hands everything to the system, so that a running TensorBoard sees it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| cannot_write(&self.path, error))
    }

    fn record(&mut self, event: &[u8]) -> Result<()> {
        let length = (event.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(event.len() + 16);
        record.extend(length);
        record.extend(masked_crc(&length).to_le_bytes());
        record.extend(event);
        record.extend(masked_crc(event).to_le_bytes());
        self.file.write_all(&record).map_err(|error| cannot_write(&self.path, error))
    }
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    Error::new("cannot write the TensorBoard log").at(path).because(error).hint("check the free space and permissions")
}

/// Field numbers of the messages, with their wire types.
mod field {
    const FIXED_64: u8 = 1;
    const LENGTH: u8 = 2;
    const FIXED_32: u8 = 5;
    pub(super) const EVENT_WALL_TIME: u8 = 1 << 3 | FIXED_64;
    pub(super) const EVENT_STEP: u8 = 2 << 3;
    pub(super) const EVENT_FILE_VERSION: u8 = 3 << 3 | LENGTH;
    pub(super) const EVENT_SUMMARY: u8 = 5 << 3 | LENGTH;
    pub(super) const SUMMARY_VALUE: u8 = 1 << 3 | LENGTH;
    pub(super) const VALUE_TAG: u8 = 1 << 3 | LENGTH;
    pub(super) const VALUE_SIMPLE: u8 = 2 << 3 | FIXED_32;
}

/// The first event of every file.
fn version_event(wall_time: f64) -> Vec<u8> {
    let mut event = vec![field::EVENT_WALL_TIME];
    event.extend(wall_time.to_le_bytes());
    bytes(&mut event, field::EVENT_FILE_VERSION, b"brain.Event:2");
    event
}

fn scalar_event(tag: &str, step: i64, value: f32, wall_time: f64) -> Vec<u8> {
    let mut scalar = vec![];
    bytes(&mut scalar, field::VALUE_TAG, tag.as_bytes());
    scalar.push(field::VALUE_SIMPLE);
    scalar.extend(value.to_le_bytes());
    let mut summary = vec![];
    bytes(&mut summary, field::SUMMARY_VALUE, &scalar);
    let mut event = vec![field::EVENT_WALL_TIME];
    event.extend(wall_time.to_le_bytes());
    event.push(field::EVENT_STEP);
    // Protocol buffers write int64 as the 64-bit pattern.
    varint(&mut event, step as u64);
    bytes(&mut event, field::EVENT_SUMMARY, &summary);
    event
}

fn bytes(message: &mut Vec<u8>, field: u8, contents: &[u8]) {
    message.push(field);
    varint(message, contents.len() as u64);
    message.extend(contents);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// CRC-32C, rotated and shifted so that a CRC stored in data does not look like the CRC of that data (TFRecord format).
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits a file into its events, checking both checksums of every record.
    fn events(mut file: &[u8]) -> Vec<&[u8]> {
        let mut events = vec![];
        while let Some((length, rest)) = file.split_first_chunk::<8>() {
            let (crc, rest) = rest.split_first_chunk::<4>().unwrap();
            assert_eq!(u32::from_le_bytes(*crc), masked_crc(length));
            let (event, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
            let (crc, rest) = rest.split_first_chunk::<4>().unwrap();
            assert_eq!(u32::from_le_bytes(*crc), masked_crc(event));
            events.push(event);
            file = rest;
        }
        assert!(file.is_empty());
        events
    }

    /// RFC 3720, appendix B.4, and the bytes that every event file of TensorBoard begins with: the length of the
    /// version event, 24, and its masked checksum.
    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c::crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(masked_crc(&24_u64.to_le_bytes()).to_le_bytes(), *b"\xa3\x7fK\x22");
    }

    #[test]
    fn files_start_with_the_version_and_scalars_follow() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs/fold_0");
        let mut writer = EventWriter::create(&logs, 1_700_000_000.5, "my host.example").unwrap();
        writer.scalar("losses", 1, 0.5, 1_700_000_001.0).unwrap();
        writer.scalar("losses", 300, -2.0, 1_700_000_002.0).unwrap();
        writer.flush().unwrap();
        let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let name = files[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("events.out.tfevents.1700000000.my_host_example."), "{name}");
        let bytes = std::fs::read(&files[0]).unwrap();
        let events = events(&bytes);
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].len(), 24);
        assert_eq!(events[0], [&[9][..], &1_700_000_000.5_f64.to_le_bytes(), &[26, 13], b"brain.Event:2"].concat());
        let value = [&[10, 6][..], b"losses", &[21], &0.5_f32.to_le_bytes()].concat();
        let summary = [&[10, value.len() as u8][..], &value].concat();
        let time = 1_700_000_001.0_f64.to_le_bytes();
        assert_eq!(events[1], [&[9][..], &time, &[16, 1, 42, summary.len() as u8], &summary].concat());
        // 300 takes two bytes: 0xac 0x02.
        assert_eq!(events[2][9..12], [16, 0xac, 0x02]);
    }

    #[test]
    fn an_earlier_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            EventWriter::create(folder.path(), 1.0, "host").unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
