//! Reads a NIfTI file and writes it again: `cargo bench -p mist-volume --bench nifti -- FILE FOLDER [ROUNDS]`.
//!
//! One line per round: seconds of reading, seconds of writing, bytes of the new file. `benches/compare_nifti.py` has
//! nibabel and SimpleITK do the same.

use mist_volume::nifti;
use std::path::Path;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [file, folder, rest @ ..] = arguments.as_slice() else {
        println!("usage: nifti FILE FOLDER [ROUNDS]");
        return;
    };
    let rounds = rest.first().and_then(|text| text.parse().ok()).unwrap_or(3);
    let copy = Path::new(folder).join("copy.nii.gz");
    for _ in 0..rounds {
        let begin = Instant::now();
        let volume = nifti::read(Path::new(file)).expect("a readable file");
        let read = begin.elapsed().as_secs_f64();
        let datatype = nifti::read_header(Path::new(file)).expect("a header").datatype;
        let begin = Instant::now();
        nifti::write_as(&copy, &volume, datatype).expect("a writable folder");
        let written = begin.elapsed().as_secs_f64();
        println!("{read:.6} {written:.6} {}", std::fs::metadata(&copy).map_or(0, |found| found.len()));
    }
}
