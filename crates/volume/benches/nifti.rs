//! Reads a NIfTI file and writes it again, once for every line that arrives on the standard input:
//! `seq 5 | cargo bench -p mist-volume --bench nifti -- FILE FOLDER`.
//!
//! One line per round: seconds of reading and of writing, bytes of the new file, seconds of the processor that reading and writing
//! took (0 where the system does not tell). Whole numbers stay what they are, as in nibabel and SimpleITK; with `--as-f32` they
//! go through `f32`, as scans do in the program. `benches/compare_nifti.py` asks for a round at a time while nibabel and
//! SimpleITK do the same.

use mist_volume::nifti::{self, Datatype, Integer, NiftiError};
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

/// Moments when reading began, ended, and writing ended: by the clock and by the time of all processors.
struct Times {
    clock: [Instant; 3],
    processors: [f64; 3],
}

impl Times {
    fn of<V>(read: impl FnOnce() -> Result<V, NiftiError>, write: impl FnOnce(V) -> Result<(), NiftiError>) -> Self {
        let (begin, begin_processors) = (Instant::now(), processor_seconds());
        let volume = read().expect("a readable file");
        let (middle, middle_processors) = (Instant::now(), processor_seconds());
        write(volume).expect("a writable folder");
        Self {
            clock: [begin, middle, Instant::now()],
            processors: [begin_processors, middle_processors, processor_seconds()],
        }
    }
}

fn main() {
    let (options, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let [file, folder] = arguments.as_slice() else {
        println!("usage: nifti [--as-f32] FILE FOLDER");
        return;
    };
    let (file, copy) = (Path::new(file), Path::new(folder).join("copy.nii.gz"));
    let as_f32 = options.iter().any(|option| option == "--as-f32");
    for _ in std::io::stdin().lock().lines() {
        let Times { clock, processors } = round(file, &copy, as_f32);
        let [read, written] = [0, 1].map(|i| (clock[i + 1] - clock[i]).as_secs_f64());
        let bytes = std::fs::metadata(&copy).map_or(0, |found| found.len());
        println!("{read:.6} {written:.6} {bytes} {:.3}", processors[2] - processors[0]);
    }
}

fn round(file: &Path, copy: &Path, as_f32: bool) -> Times {
    let header = nifti::read_header(file).expect("a header");
    match header.datatype {
        _ if as_f32 || header.scaling.is_some() => {
            Times::of(|| nifti::read(file), |volume| nifti::write_as(copy, &volume, header.datatype))
        }
        Datatype::U8 => integers::<u8>(file, copy),
        Datatype::I8 => integers::<i8>(file, copy),
        Datatype::U16 => integers::<u16>(file, copy),
        Datatype::I16 => integers::<i16>(file, copy),
        Datatype::U32 => integers::<u32>(file, copy),
        Datatype::I32 => integers::<i32>(file, copy),
        datatype => Times::of(|| nifti::read(file), |volume| nifti::write_as(copy, &volume, datatype)),
    }
}

fn integers<T: Integer>(file: &Path, copy: &Path) -> Times {
    Times::of(|| nifti::read_integers::<T>(file), |volume| nifti::write(copy, &volume))
}

/// What the scheduler has given to the threads of this program, those that ended included.
fn processor_seconds() -> f64 {
    // From the statistics of the process: in hundredths of a second on all Linux systems of today.
    let Ok(line) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let fields = line.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
