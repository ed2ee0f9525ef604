//! Bytes as a file of the safetensors format: no panic, no more memory than twice its size, and what is read is written and
//! read again.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist_nn::weights::{StateDict, read_state_dict, write_safetensors};
use support::{bits, with_file, within_twice};

/// Names and shapes are a header of JSON, whose parsed form takes some times the memory of its text; halves of two bytes
/// are widened to four.
const PER_BYTE: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let read = |bytes: &[u8]| {
        let limit = PER_BYTE * bytes.len();
        with_file("input.safetensors", bytes, |path| within_twice(limit, || read_state_dict(path))).ok()
    };
    let Some(state) = read(bytes) else { return };
    let again = read(&written(&state)).expect("what was written is sound");
    assert_eq!(state.len(), again.len());
    for ((name, tensor), (other_name, other)) in state.iter().zip(again.iter()) {
        assert_eq!((name, tensor.shape()), (other_name, other.shape()));
        assert!(bits(tensor.data()) == bits(other.data()), "{tensor:?} became {other:?}");
    }
    assert_eq!(written(&state), written(&again));
});

fn written(state: &StateDict) -> Vec<u8> {
    let mut file = Vec::new();
    write_safetensors(&mut file, state).expect("memory takes all");
    file
}
