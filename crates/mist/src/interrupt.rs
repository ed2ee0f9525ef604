//! The wish of the user, or of a job scheduler, that the program stop soon.

use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Called by the signal handler of the program.
pub fn request() {
    REQUESTED.store(true, Ordering::SeqCst);
}

/// True once a stop was asked for. Long loops look at it between items and leave in an orderly way.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
