//! Arrays in files: whole and by block, in both orders, and files that lie.

use mist_volume::npy::{self, Dtype, Header, NpyFile, NpyProblem};
use proptest::prelude::*;
use std::path::Path;

/// An array file by hand: format 1.0, `elements` already encoded.
fn by_hand(path: &Path, descr: &str, fortran_order: bool, shape: &[usize], elements: &[u8]) {
    let order = if fortran_order { "True" } else { "False" };
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({sizes}), }}\n");
    let length = (text.len() as u16).to_le_bytes();
    std::fs::write(path, [b"\x93NUMPY\x01\x00", length.as_slice(), text.as_bytes(), elements].concat()).unwrap();
}

fn counted(count: usize) -> Vec<f32> {
    (0..count).map(|i| i as f32).collect()
}

#[test]
fn numpys_own_header_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::write(&path, &[2, 3, 4, 1], &counted(24)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4, 1), }";
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00v\x00");
    assert_eq!(&bytes[10..10 + text.len()], text.as_bytes());
    assert_eq!((bytes[127], bytes.len()), (b'\n', 128 + 24 * 4));
    assert_eq!(npy::read_f32(&path).unwrap(), (vec![2, 3, 4, 1], counted(24)));
    npy::write(&path, &[3], &[1_u8, 2, 3]).unwrap();
    assert_eq!(npy::read_u8(&path).unwrap(), (vec![3], vec![1, 2, 3]));
    assert!(matches!(npy::write(&path, &[4], &[1_u8]).unwrap_err().problem, NpyProblem::Shape { .. }));
}

#[test]
fn every_type_and_byte_order_is_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let check = |descr: &str, elements: &[u8]| {
        by_hand(&path, descr, false, &[3], elements);
        assert_eq!(npy::read_f32(&path).unwrap().1, [0.0, 1.0, 200.0], "{descr}");
        assert_eq!(npy::read_u8(&path).unwrap().1, [0, 1, 200], "{descr}");
    };
    check("|u1", &[0, 1, 200]);
    check("<f4", &[0.0_f32, 1.0, 200.0].map(f32::to_le_bytes).concat());
    check(">f4", &[0.0_f32, 1.0, 200.0].map(f32::to_be_bytes).concat());
    check("<f8", &[0.0_f64, 1.0, 200.0].map(f64::to_le_bytes).concat());
    check(">f8", &[0.0_f64, 1.0, 200.0].map(f64::to_be_bytes).concat());
    check("<i2", &[0_i16, 1, 200].map(i16::to_le_bytes).concat());
    check(">i2", &[0_i16, 1, 200].map(i16::to_be_bytes).concat());
    check("<i4", &[0_i32, 1, 200].map(i32::to_le_bytes).concat());
    check("<i8", &[0_i64, 1, 200].map(i64::to_le_bytes).concat());
    by_hand(&path, "<f4", false, &[1], &0.5_f32.to_le_bytes());
    assert!(matches!(npy::read_u8(&path).unwrap_err().problem, NpyProblem::Value { found: 0.5 }));
}

#[test]
fn fortran_order_is_turned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    by_hand(&path, "|u1", true, &[2, 3], &[0, 10, 1, 11, 2, 12]);
    assert_eq!(npy::read_u8(&path).unwrap(), (vec![2, 3], vec![0, 1, 2, 10, 11, 12]));
    let file = NpyFile::open(&path).unwrap();
    assert_eq!(
        file.header(),
        &Header {
            shape: vec![2, 3],
            dtype: Dtype::U8,
            fortran_order: true,
            big_endian: false,
            data_offset: std::fs::metadata(&path).unwrap().len() - 6,
        }
    );
}

#[test]
fn files_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let problem = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        NpyFile::open(&path).unwrap_err().problem
    };
    assert!(matches!(problem(b""), NpyProblem::NotNpy));
    assert!(matches!(problem(b"PK\x03\x04....."), NpyProblem::NotNpy));
    assert!(matches!(problem(b"\x93NUMPY\x09\x00\x00\x00"), NpyProblem::Version { major: 9, minor: 0 }));
    assert!(matches!(problem(b"\x93NUMPY\x01\x00\xff\x00{'descr'"), NpyProblem::Header { .. }));
    assert!(matches!(problem(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'"), NpyProblem::Header { .. }));
    by_hand(&path, "<f4", false, &[1000, 1000, 1000, 500], &[0; 64]);
    let error = NpyFile::open(&path).unwrap_err();
    assert!(matches!(error.problem, NpyProblem::Truncated { declared, .. } if declared > 2_000_000_000_000));
    assert!(error.to_string().contains("array.npy: the header declares 2000000000"));
}

#[test]
fn a_file_cut_short_under_us_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::write(&path, &[10, 10], &counted(100)).unwrap();
    let file = NpyFile::open(&path).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200).unwrap();
    assert!(matches!(file.read_all::<f32>().unwrap_err().problem, NpyProblem::System { .. }));
}

#[test]
fn blocks_outside_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::write(&path, &[4, 5], &counted(20)).unwrap();
    let file = NpyFile::open(&path).unwrap();
    for (start, size) in [([0, 0], [5, 5]), ([2, 1], [2, 5]), ([usize::MAX, 0], [2, 1])] {
        assert!(matches!(file.read_block::<f32>(&start, &size).unwrap_err().problem, NpyProblem::Block { .. }));
    }
    assert!(file.read_block::<f32>(&[0], &[1]).is_err());
    assert_eq!(file.read_block::<f32>(&[1, 1], &[0, 3]).unwrap(), []);
}

/// Rows longer than one read, and gaps too large to read along.
#[test]
fn large_blocks_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let shape = [3, 4, 40_000];
    npy::write(&path, &shape, &counted(480_000)).unwrap();
    let file = NpyFile::open(&path).unwrap();
    assert_eq!(file.read_all::<f32>().unwrap(), counted(480_000));
    let block = file.read_block::<f32>(&[1, 2, 30_000], &[2, 2, 9_999]).unwrap();
    let expected: Vec<f32> = [(1, 2), (1, 3), (2, 2), (2, 3)]
        .iter()
        .flat_map(|(i, j)| (30_000..39_999).map(move |k| ((i * 4 + j) * 40_000 + k) as f32))
        .collect();
    assert_eq!(block, expected);
}

proptest! {
    #[test]
    fn a_block_holds_what_the_whole_array_holds(
        axes in prop::collection::vec((1_usize..8, 0_usize..8, 0_usize..8), 1..5),
        fortran_order in any::<bool>(),
    ) {
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let start: Vec<usize> = axes.iter().map(|axis| axis.1 % axis.0).collect();
        let size: Vec<usize> = axes.iter().zip(&start).map(|(axis, start)| 1 + axis.2 % (axis.0 - start)).collect();
        let count = shape.iter().product();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        by_hand(&path, "<f4", fortran_order, &shape, &counted(count).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        let block = NpyFile::open(&path).unwrap().read_block::<f32>(&start, &size).unwrap();

        // Walk the block in C order and compute where each element must lie in the file.
        let mut expected = Vec::new();
        for element in 0..size.iter().product() {
            let mut rest: usize = element;
            let mut index = vec![0; shape.len()];
            for axis in (0..shape.len()).rev() {
                index[axis] = start[axis] + rest % size[axis];
                rest /= size[axis];
            }
            let slow_to_fast: Vec<usize> = if fortran_order { (0..shape.len()).rev().collect() } else { (0..shape.len()).collect() };
            expected.push(slow_to_fast.iter().fold(0, |position, &axis| position * shape[axis] + index[axis]) as f32);
        }
        prop_assert_eq!(block, expected);
    }
}
