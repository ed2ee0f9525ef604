//! Fast against plain, everywhere the same bits.

mod conv;
mod data;
