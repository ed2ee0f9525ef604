//! Bytes as a weight file of PyTorch: no panic, no more memory than its size justifies, and what is read is written and
//! read again.
//!
//! Bytes that do not begin as an archive are a pickle; they are put into one, as changes to an archive hardly get past its
//! checksums.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist_nn::weights::{StateDict, Value, read, read_from, write, write_state_dict};
use std::io::{Cursor, Write};
use support::{bits, with_file, within_twice};
use zip::write::SimpleFileOptions;

/// What the reader allows itself, whatever a file declares: 16 times its size, and 16 MiB for small ones.
fn allowed(file: &[u8]) -> usize {
    (16 * file.len()).max(16 << 20)
}

fuzz_target!(|bytes: &[u8]| {
    let packed = if bytes.starts_with(b"PK") { bytes.to_vec() } else { archive(bytes) };
    let value = with_file("input.pt", &packed, |path| within_twice(allowed(&packed), || read(path)));
    let Ok(value) = value else { return };
    let mut written = Cursor::new(Vec::new());
    write(&mut written, "root", &value).expect("memory takes all");
    let again = read_from(Cursor::new(written.into_inner())).expect("what was written is sound");
    assert!(same(&value, &again), "{value:?} became {again:?}");
    if let Ok(state) = StateDict::from_value(value) {
        let mut written = Cursor::new(Vec::new());
        write_state_dict(&mut written, "root", &state).expect("memory takes all");
        let again = read_from(Cursor::new(written.into_inner())).expect("what was written is sound");
        assert!(same(&state.into_value(), &again));
    }
});

/// An archive with this pickle, and with a few numbers for the tensors that it may name.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let storage: Vec<u8> = (0..64).collect();
    let members = [("root/data.pkl", pickle), ("root/data/0", &storage), ("root/data/1", &storage[..8])];
    for (name, contents) in members {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, options).expect("memory takes all");
        archive.write_all(contents).expect("memory takes all");
    }
    archive.finish().expect("memory takes all").into_inner()
}

/// Whether two values are the same bit by bit, as NaN is not equal to itself.
fn same(one: &Value, other: &Value) -> bool {
    let all = |one: &[Value], other: &[Value]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
    };
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => all(one, other),
        (Value::Dict(one), Value::Dict(other)) | (Value::OrderedDict(one), Value::OrderedDict(other)) => {
            let pair = |((one, first), (other, second)): (&(Value, Value), &(Value, Value))| {
                same(one, other) && same(first, second)
            };
            one.len() == other.len() && one.iter().zip(other).all(pair)
        }
        (Value::Tensor(one), Value::Tensor(other)) => {
            one.shape() == other.shape() && bits(one.data()) == bits(other.data())
        }
        (one, other) => one == other,
    }
}
