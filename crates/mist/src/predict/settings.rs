//! What prediction takes from `config.json`.

use super::stitch::Settings;
use super::window::Blending;
use crate::config::{BlendMode, Config};

/// Voxels of windows that a network gets at once, unless the configuration says how many windows: more are no faster, and
/// their activations take gigabytes.
const BATCH_VOXELS: usize = 128 * 128 * 128;

/// How images are cut into windows.
pub fn windows(config: &Config) -> Settings {
    let params = &config.inference.inferer.params;
    Settings {
        patch_size: config.spatial_config.patch_size,
        overlap: params.patch_overlap,
        blending: match params.patch_blend_mode {
            BlendMode::Gaussian => Blending::Gaussian,
            BlendMode::Constant => Blending::Constant,
        },
        batch: params.sw_batch_size.unwrap_or_else(|| {
            let window: usize = config.spatial_config.patch_size.iter().product();
            (BATCH_VOXELS / window.max(1)).clamp(1, 2 * config.training.batch_size_per_gpu.max(1))
        }),
    }
}

/// Name of the strategy of test-time augmentation.
pub fn flips(config: &Config) -> &'static str {
    if config.inference.tta.flips() { "all_flips" } else { "none" }
}
