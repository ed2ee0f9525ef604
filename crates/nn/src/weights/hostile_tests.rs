//! Damaged and malicious files give errors: no panic, no endless work, no memory beyond the file's size.

use super::{Tensor, Value, WeightsError, read_from, write};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights").join(name)).unwrap()
}

/// Reads an archive whose pickle consists of these instructions and whose storage `0` has 8 bytes.
fn read_pickle(instructions: &[u8]) -> Result<Value, WeightsError> {
    let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
    archive.start_file("r/data.pkl", SimpleFileOptions::default()).unwrap();
    archive.write_all(b"\x80\x02").unwrap();
    archive.write_all(instructions).unwrap();
    archive.start_file("r/data/0", SimpleFileOptions::default()).unwrap();
    archive.write_all(&[0; 8]).unwrap();
    read_from(archive.finish().unwrap())
}

/// Instructions for a tensor over storage `0`, taken to have two floats.
fn tensor(shape: &[u8], strides: &[u8], offset: u8) -> Vec<u8> {
    let mut code = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x02tQ".to_vec();
    code.extend([b'K', offset]);
    for sizes in [shape, strides] {
        code.push(b'(');
        code.extend(sizes);
        code.push(b't');
    }
    code.extend(b"\x89}tR");
    code
}

#[test]
fn code_is_not_run_but_named() {
    for attack in [
        &b"cposix\nsystem\nX\x02\0\0\0id\x85R."[..],
        b"cbuiltins\neval\n.",
        b"ctorch\nload\n.",
        b"ctorch\nFloatStorage\n)R.",
    ] {
        assert!(matches!(read_pickle(attack), Err(WeightsError::Pickle { .. })), "{attack:?}");
    }
    let error = read_pickle(b"cposix\nsystem\n.").unwrap_err();
    assert!(error.to_string().contains("posix.system"), "{error}");
}

#[test]
fn instructions_outside_weight_files_are_refused() {
    // INST, OBJ, NEWOBJ, STACK_GLOBAL, EXT1, DUP, POP, FRAME.
    for code in [b'i', b'o', 0x81, 0x93, 0x82, b'2', b'0', 0x95] {
        assert!(matches!(read_pickle(&[b'N', code, b'.']), Err(WeightsError::Pickle { .. })), "{code:#x}");
    }
}

#[test]
fn stack_and_memo_errors_are_errors() {
    for code in [
        &b"."[..],
        b"R.",
        b"t.",
        b"(.",
        b"s.",
        b"Q.",
        b"h\0.",
        b"]h\x07a.",
        b"}(Nu.",
        b"N(a.",
        b"NN.",
        b"",
        b"Nb.",
        b"]q",
    ] {
        assert!(matches!(read_pickle(code), Err(WeightsError::Pickle { .. })), "{code:?}");
    }
}

#[test]
fn shared_references_do_not_unfold_without_end() {
    // Each list holds the one before twice: 2^64 values.
    let mut code = b"]q\0".to_vec();
    for level in 0..20 {
        code.extend([b'(', b'h', level, b'h', level, b't', b'q', level + 1]);
    }
    code.push(b'.');
    let mut wrapped = b"(".to_vec();
    wrapped.extend(&code[..code.len() - 1]);
    wrapped.extend(b"t.");
    assert!(matches!(read_pickle(&wrapped), Err(WeightsError::TooLarge(_))));
    // A list that holds itself.
    assert!(matches!(read_pickle(b"]q\0h\0a."), Err(WeightsError::TooLarge(_))));
    // One long text, many times.
    let mut code = b"(X\0\0\x01\0".to_vec();
    code.extend(vec![b'a'; 65_536]);
    code.extend(b"q\0");
    code.extend(b"h\0".repeat(100_000));
    code.extend(b"t.");
    assert!(matches!(read_pickle(&code), Err(WeightsError::TooLarge(_))));
}

#[test]
fn few_packed_bytes_do_not_become_millions_of_objects() {
    // 16 MB of empty lists, of references and of groups, each 16 kB in the file: some hundred megabytes in memory.
    for instructions in ["]", "h\0", "("] {
        let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
        let deflated = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("r/data.pkl", deflated).unwrap();
        archive.write_all(b"\x80\x02]q\0").unwrap();
        archive.write_all(instructions.repeat((15 << 20) / instructions.len()).as_bytes()).unwrap();
        let error = read_from(archive.finish().unwrap()).unwrap_err();
        assert!(matches!(error, WeightsError::TooLarge(_)), "{instructions:?}: {error}");
    }
}

#[test]
fn a_list_of_lists_does_not_become_a_million_values() {
    // 300 times the same list of 300 numbers.
    let list = [&b"(K\x01q\0"[..], &b"h\0".repeat(299), b"tq\x01"].concat();
    let code = [&b"("[..], &list, &b"h\x01".repeat(299), b"t."].concat();
    assert!(matches!(read_pickle(&code), Err(WeightsError::TooLarge(_))));
}

#[test]
fn tensors_must_lie_in_their_storage_and_stay_small() {
    let read = |code: Vec<u8>| read_pickle(&[&code[..], b"."].concat());
    assert_eq!(
        read(tensor(b"K\x02", b"K\x01", 0)).unwrap(),
        Value::Tensor(Tensor::f32(vec![2], vec![0.0; 2]).unwrap())
    );
    assert!(matches!(read(tensor(b"K\x03", b"K\x01", 0)), Err(WeightsError::Tensor(_))));
    assert!(matches!(read(tensor(b"K\x02", b"K\x01", 1)), Err(WeightsError::Tensor(_))));
    assert!(matches!(read(tensor(b"K\x02", b"", 0)), Err(WeightsError::Tensor(_))));
    assert!(read(tensor(b"J\xff\xff\xff\xff", b"K\x01", 0)).is_err());
    // Stride 0: two billion elements out of one.
    let expanded = tensor(b"J\xff\xff\xff\x7f", b"K\0", 0);
    assert!(matches!(read(expanded), Err(WeightsError::TooLarge(_))));
    // More bytes than the storage has.
    let longer = String::from_utf8_lossy(&tensor(b"K\x02", b"K\x01", 0)).replace("FloatStorage", "DoubleStorage");
    assert!(read(longer.into_bytes()).is_err());
}

#[test]
fn keys_come_once_and_are_names_or_numbers() {
    assert!(matches!(read_pickle(b"}(K\x01NK\x01Nu."), Err(WeightsError::NotAStateDict(_))));
    assert!(matches!(read_pickle(b"}(NNu."), Err(WeightsError::NotAStateDict(_))));
}

#[test]
fn what_is_not_an_archive_is_said_to_be_none() {
    for bytes in [&b""[..], b"PK", b"not a zip file at all, but some text that is long enough to look into"] {
        let error = read_from(Cursor::new(bytes)).unwrap_err();
        assert!(error.to_string().contains("not a ZIP file"), "{error}");
    }
}

fn small_file() -> Vec<u8> {
    let mut out = Cursor::new(vec![]);
    let weights = Tensor::f32(vec![2, 3], vec![0.5; 6]).unwrap();
    write(&mut out, "small", &Value::dict([("weight", weights.into()), ("epoch", Value::Int(3))])).unwrap();
    out.into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn flipped_bytes_never_panic(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = match which {
            0 => golden("dtypes_and_views.pt"),
            1 => golden("fold_3_checkpoint.pt"),
            _ => small_file(),
        };
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read_from(Cursor::new(bytes));
    }

    #[test]
    fn changed_pickles_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        // Past the checksum: the pickle is changed before the archive is made.
        let mut code = tensor(b"K\x02K\x01", b"K\x01K\x01", 0);
        code.splice(0..0, *b"}q\0X\x01\0\0\0w");
        code.extend(b"sh\0\x85.");
        for (place, byte) in changes {
            let place = place.index(code.len());
            code[place] = byte;
        }
        let _ = read_pickle(&code);
    }

    #[test]
    fn cut_files_are_errors(keep in any::<prop::sample::Index>()) {
        let bytes = golden("fold_3_checkpoint.pt");
        let keep = keep.index(bytes.len());
        prop_assert!(read_from(Cursor::new(&bytes[..keep])).is_err());
    }
}
