//! How long freed memory is kept.

use std::ffi::{c_int, c_long};

/// Links the library.
use libmimalloc_sys as _;

// The binding has these only with a further dependency.
unsafe extern "C" {
    fn mi_option_get(option: c_int) -> c_long;
    fn mi_option_set(option: c_int, value: c_long);
}

/// `mi_option_purge_delay`: milliseconds until mimalloc returns freed memory. The number has been the same in all
/// versions since 2.0.
const PURGE_DELAY: c_int = 15;
/// What mimalloc sets it to unless the user did.
const DEFAULTS: [c_long; 2] = [10, 1000];
/// Long against a step of training, short against a run.
const MINUTE: c_long = 60_000;

/// Lets mimalloc, if it is the program's allocator, keep freed memory for a minute instead of a second. Every step of
/// training frees hundreds of megabytes and takes them again; getting them back from the system took up to a quarter of
/// the time. A value in `MIMALLOC_PURGE_DELAY` is left alone. To be called before threads are started.
pub fn keep_freed_memory() {
    // SAFETY: both functions take any option; nobody else uses the options at this point, as the documentation asks.
    unsafe {
        if DEFAULTS.contains(&mi_option_get(PURGE_DELAY)) {
            mi_option_set(PURGE_DELAY, MINUTE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against another numbering in a later version of mimalloc.
    #[test]
    fn the_option_has_its_default_and_then_ours() {
        // SAFETY: reading an option.
        let before = unsafe { mi_option_get(PURGE_DELAY) };
        assert!(DEFAULTS.contains(&before) || before == MINUTE, "{before}");
        keep_freed_memory();
        // SAFETY: as above.
        assert_eq!(unsafe { mi_option_get(PURGE_DELAY) }, MINUTE);
    }
}
