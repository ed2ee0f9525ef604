//! The stock `mist` program.

/// Network layers allocate and drop buffers of many megabytes at every step; glibc returns those pages to the system
/// each time (measured: ten times slower).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    mist_nn::keep_freed_memory();
    mist_cli::run(mist_nn::Registry::builtin())
}
