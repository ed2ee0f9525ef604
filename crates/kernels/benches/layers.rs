//! Milliseconds and GFLOP/s of the layers of nnunet-pocket at 32^3 (batch 2) and of nnunet at 64^3, of depthwise
//! convolutions as in MedNeXt, of the poolings of losses, and of cross entropy plus Dice.
//!
//! `cargo bench -p mist-kernels --bench layers [-- FILTER]`; threads by `RAYON_NUM_THREADS`. A convolution counts
//! `2 * kernel * in * out * output voxels` operations, whatever its method does.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mist_kernels::conv::{Input, Prepared};
use mist_kernels::encoding::Encoding;
use mist_kernels::instance_norm::{self, NormShape, Pending};
use mist_kernels::region_loss::{self, RegionLoss};
use mist_kernels::{
    Activation, ConvShape, DepthwiseShape, Extremum, PoolShape, TransposedShape, conv, depthwise, pool,
};

/// As in the programs: with the C allocator, fresh pages would hide the kernels.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect()
}

/// Milliseconds of one run: the shortest by the clock, and the mean processor time of all threads together, which
/// holds on a busy machine too (0 where the system does not tell).
struct Time {
    wall: f64,
    processor: f64,
}

fn time<T>(mut work: impl FnMut() -> T) -> Time {
    black_box(work());
    let (started, processor) = (Instant::now(), processor_time());
    let mut wall = f64::INFINITY;
    let mut runs = 0;
    while runs < 5 || (started.elapsed() < Duration::from_millis(300) && runs < 1000) {
        let start = Instant::now();
        black_box(work());
        wall = wall.min(start.elapsed().as_secs_f64() * 1e3);
        runs += 1;
    }
    Time { wall, processor: (processor_time() - processor) / f64::from(runs) }
}

/// Milliseconds that all threads of this process have run, as Linux tells.
fn processor_time() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e6
}

/// Prints one line: for each pass milliseconds by the clock, of processor time, and operations per processor time.
fn report(name: &str, operations: f64, passes: &[Time]) {
    print!("{name:34}");
    for Time { wall, processor } in passes {
        print!("{wall:9.3} {processor:9.3} ms {:6.1} GF/s", operations / processor / 1e6);
    }
    println!();
}

fn convolution(filter: &str, batch: usize, channels: [usize; 2], size: usize, kernel: usize, stride: usize) {
    let [in_channels, out_channels] = channels;
    let name = format!("conv {in_channels}->{out_channels} {size}^3 k{kernel} s{stride} n{batch}");
    if !name.contains(filter) {
        return;
    }
    let padding = [(kernel - 1) / 2; 3];
    let (kernel, stride) = ([kernel; 3], [stride; 3]);
    let shape = ConvShape { batch, input: [size; 3], in_channels, out_channels, kernel, stride, padding };
    let (x, weight, dy) = (values(shape.input_len()), values(shape.weight_len()), values(shape.output_len()));
    let operations = 2.0 * (shape.output_len() * in_channels * kernel.iter().product::<usize>()) as f64;
    let passes = [
        time(|| conv::forward(&shape, &x, &weight, None)),
        time(|| conv::input_gradient(&shape, &dy, &weight)),
        time(|| conv::weight_gradient(&shape, &x, &dy)),
    ];
    report(&name, operations, &passes);
}

/// A convolution as networks call it: it reads a map whose norm is pending and measures its output; with weights prepared
/// before, as in prediction, and not.
fn convolution_of_norm(filter: &str, batch: usize, channels: [usize; 2], size: usize) {
    let [in_channels, out_channels] = channels;
    let name = format!("norm, conv {in_channels}->{out_channels} {size}^3 n{batch}");
    if !name.contains(filter) {
        return;
    }
    let (kernel, stride, padding) = ([3; 3], [1; 3], [1; 3]);
    let shape = ConvShape { batch, input: [size; 3], in_channels, out_channels, kernel, stride, padding };
    let norm = NormShape { batch, voxels: size.pow(3), channels: in_channels };
    let (x, weight) = (values(shape.input_len()), values(shape.weight_len()));
    let (gamma, beta) = (values(in_channels), values(in_channels));
    let statistics = instance_norm::statistics(&norm, &x, 1e-5);
    let pending = Pending::new(&norm, &statistics, &gamma, &beta, Activation::LeakyRelu(0.01));
    let input = Input::Pending(&x, &pending);
    let prepared = Prepared::forward(&shape, &weight);
    let passes =
        [time(|| prepared.run_measured(&shape, input)), time(|| conv::forward_measured(&shape, input, &weight))];
    report(&name, 2.0 * (shape.output_len() * in_channels * 27) as f64, &passes);
}

fn transposed_convolution(filter: &str, batch: usize, channels: [usize; 2], size: usize) {
    let [in_channels, out_channels] = channels;
    let name = format!("transposed {in_channels}->{out_channels} {size}^3 k2 s2 n{batch}");
    if !name.contains(filter) {
        return;
    }
    let shape = TransposedShape::blocks(batch, [size; 3], channels, [2; 3]).convolution();
    let voxels = batch * size.pow(3);
    let (x, weight, dy) =
        (values(voxels * in_channels), values(in_channels * out_channels * 8), values(voxels * 8 * out_channels));
    let operations = (2 * 8 * voxels * in_channels * out_channels) as f64;
    let passes = [
        time(|| conv::transposed(&shape, &x, &weight, None)),
        time(|| conv::forward(&shape, &dy, &weight, None)),
        time(|| conv::weight_gradient(&shape, &dy, &x)),
    ];
    report(&name, operations, &passes);
}

fn depthwise_convolution(filter: &str, channels: usize, size: usize, kernel: usize, stride: usize) {
    let name = format!("depthwise {channels} {size}^3 k{kernel} s{stride} n1");
    if !name.contains(filter) {
        return;
    }
    let (padding, kernel, stride) = ([kernel / 2; 3], [kernel; 3], [stride; 3]);
    let shape = DepthwiseShape { batch: 1, input: [size; 3], channels, kernel, stride, padding };
    let (x, weight, dy) = (values(shape.input_len()), values(shape.weight_len()), values(shape.output_len()));
    let operations = 2.0 * (shape.output_len() * kernel.iter().product::<usize>()) as f64;
    let passes = [
        time(|| depthwise::forward(&shape, &x, &weight, None)),
        time(|| depthwise::input_gradient(&shape, &dy, &weight)),
        time(|| depthwise::weight_gradient(&shape, &x, &dy)),
    ];
    report(&name, operations, &passes);
}

fn pooling(filter: &str, channels: usize, size: usize, kernel: usize, stride: usize) {
    let name = format!("max-pool {channels} {size}^3 k{kernel} s{stride} n1");
    if !name.contains(filter) {
        return;
    }
    let padding = [if stride == 1 { kernel / 2 } else { 0 }; 3];
    let (kernel, stride) = ([kernel; 3], [stride; 3]);
    let shape = PoolShape { batch: 1, input: [size; 3], channels, kernel, stride, padding };
    let (x, dy) = (values(shape.input_len()), values(shape.output_len()));
    let passes = [
        time(|| pool::forward(Extremum::Max, &shape, &x)),
        time(|| pool::input_gradient(Extremum::Max, &shape, &x, &dy)),
    ];
    report(&name, (shape.output_len() * kernel.iter().product::<usize>()) as f64, &passes);
}

fn normalisation(filter: &str, batch: usize, channels: usize, size: usize) {
    let name = format!("norm+lrelu {channels} {size}^3 n{batch}");
    if !name.contains(filter) {
        return;
    }
    let shape = NormShape { batch, voxels: size.pow(3), channels };
    let (x, dy, gamma, beta) = (values(shape.len()), values(shape.len()), values(channels), values(channels));
    let activation = Activation::LeakyRelu(0.01);
    let (_, statistics) = instance_norm::forward(&shape, &x, &gamma, &beta, 1e-5, activation, None);
    let norm = Pending::new(&shape, &statistics, &gamma, &beta, activation);
    let passes = [
        time(|| instance_norm::forward(&shape, &x, &gamma, &beta, 1e-5, activation, None)),
        time(|| instance_norm::backward(&norm, &x, &gamma, &dy)),
    ];
    report(&name, 20.0 * shape.len() as f64, &passes);
}

fn cross_entropy_and_dice(filter: &str, name: &str, voxels: usize, encoding: Encoding) {
    let name = format!("loss {name} {voxels} voxels");
    if !name.contains(filter) {
        return;
    }
    let outputs = encoding.outputs();
    let first_output = encoding.first_foreground();
    let loss =
        RegionLoss { batch: 2, voxels: voxels / 2, encoding, first_output, cross_entropy: 1.0, dice: 1.0, eps: 1e-5 };
    let z = values(voxels * outputs);
    // Labels in runs of 100 voxels, as those of objects are.
    let labels: Vec<u8> = (0..voxels).map(|voxel| (voxel / 100 % 3) as u8).collect();
    let (_, sums) = region_loss::forward(&loss, &z, &labels);
    let passes = [
        time(|| region_loss::forward(&loss, &z, &labels)),
        time(|| region_loss::backward(&loss, &z, &labels, &sums, 1.0)),
    ];
    report(&name, 20.0 * z.len() as f64, &passes);
}

fn main() {
    mist_kernels::keep_freed_memory();
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    println!("{:34}{:>22}{:>34}{:>34}", "layer", "forward", "input gradient", "weight gradient");
    for size in [32, 16, 8, 4] {
        convolution(&filter, 2, [32, 32], size, 3, 1);
        if size > 4 {
            convolution(&filter, 2, [64, 32], size, 3, 1);
            convolution(&filter, 2, [32, 32], size, 3, 2);
            convolution(&filter, 2, [32, 32], size, 1, 2);
            transposed_convolution(&filter, 2, [32, 32], size / 2);
        }
        normalisation(&filter, 2, 32, size);
    }
    convolution(&filter, 2, [1, 32], 32, 3, 1);
    convolution(&filter, 2, [32, 3], 32, 1, 1);
    convolution(&filter, 2, [64, 32], 32, 1, 1);

    convolution(&filter, 1, [1, 32], 64, 3, 1);
    convolution(&filter, 1, [32, 3], 64, 1, 1);
    for (size, channels) in [(64, 32), (32, 64), (16, 128), (8, 256), (4, 320)] {
        convolution(&filter, 1, [channels, channels], size, 3, 1);
        convolution_of_norm(&filter, 1, [channels, channels], size);
        normalisation(&filter, 1, channels, size);
    }
    convolution(&filter, 1, [320, 320], 8, 3, 1);
    convolution(&filter, 2, [320, 320], 8, 3, 1);
    convolution(&filter, 2, [320, 320], 4, 3, 1);
    convolution(&filter, 2, [256, 256], 8, 3, 1);
    convolution(&filter, 2, [128, 128], 8, 3, 1);
    convolution(&filter, 2, [128, 128], 16, 3, 1);
    convolution(&filter, 2, [64, 64], 16, 3, 1);
    convolution(&filter, 2, [64, 64], 8, 3, 1);
    for (size, channels) in [(64, [64, 32]), (32, [128, 64]), (16, [256, 128])] {
        convolution(&filter, 1, channels, size, 3, 1);
        convolution(&filter, 1, channels, size, 1, 1);
        transposed_convolution(&filter, 1, channels, size / 2);
    }
    for (size, channels) in [(64, [32, 64]), (32, [64, 128]), (16, [128, 256]), (8, [256, 320])] {
        convolution(&filter, 1, channels, size, 3, 2);
        convolution(&filter, 1, channels, size, 1, 2);
    }

    for kernel in [3, 5, 7] {
        depthwise_convolution(&filter, 32, 48, kernel, 1);
        depthwise_convolution(&filter, 32, 48, kernel, 2);
    }
    for (size, channels) in [(24, 64), (12, 128), (6, 256)] {
        depthwise_convolution(&filter, channels, size, 3, 1);
    }
    pooling(&filter, 2, 64, 3, 1);
    pooling(&filter, 32, 64, 3, 1);
    pooling(&filter, 32, 64, 2, 2);

    cross_entropy_and_dice(&filter, "3 classes", 64usize.pow(3), Encoding::classes(3));
    let members = [[false; 3], [true, false, false], [true; 3]].map(Vec::from);
    cross_entropy_and_dice(&filter, "3 regions", 64usize.pow(3), Encoding::regions(3, &members));
}
