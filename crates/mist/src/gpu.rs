//! The smallest GPU that this process may use. Nothing of a driver is needed to build or to start the program: NVIDIA's
//! library is loaded where there is one, and AMD's driver tells in `/sys`.

use std::path::Path;

/// Which GPUs a process may use, by NVIDIA's and AMD's runtimes alike.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// Less memory than this is the share of a graphics unit inside a processor, on which nobody trains.
const LEAST_BYTES: u64 = 3 << 30;

/// A GPU with memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Name of the product.
    pub name: String,
    /// Memory in bytes, without what the driver keeps for itself.
    pub bytes: u64,
}

/// The visible GPU with the least memory, if there is any. Says nothing where drivers are missing or answer with errors.
pub fn smallest() -> Option<Gpu> {
    let visible = std::env::var(VISIBLE).ok();
    if visible.as_deref() == Some("") {
        return None;
    }
    let nvidia = nvidia();
    let devices = if nvidia.is_empty() { amd(Path::new("/sys/class/drm")) } else { nvidia };
    smallest_of(&devices, visible.as_deref())
}

fn smallest_of(devices: &[Device], visible: Option<&str>) -> Option<Gpu> {
    let visible = match visible {
        Some(list) => visible_devices(devices, list),
        None => devices.iter().collect(),
    };
    let parts = |device: &Device| match device.instances.as_slice() {
        [] => vec![device.gpu.clone()],
        instances => instances.iter().map(|instance| instance.gpu.clone()).collect(),
    };
    visible.into_iter().flat_map(parts).min_by_key(|gpu| gpu.bytes)
}

/// What a driver tells of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    gpu: Gpu,
    uuid: String,
    /// The parts that a GPU in MIG mode is divided into: processes get these in its place.
    instances: Vec<Device>,
}

/// The devices that a list such as `0,2`, `GPU-5ebe9f43` or `MIG-…` names. It counts up to the first entry that names none,
/// so `-1` and an empty list name nothing. Numbers are those of PCI addresses; CUDA itself may number GPUs of
/// different kinds in another way unless CUDA_DEVICE_ORDER says so.
fn visible_devices<'a>(devices: &'a [Device], list: &str) -> Vec<&'a Device> {
    let named = |entry: &str| match entry.parse::<usize>() {
        Ok(index) => devices.get(index),
        Err(_) if entry.is_empty() => None,
        Err(_) => {
            let mut all = devices.iter().flat_map(|device| std::iter::once(device).chain(&device.instances));
            all.find(|device| device.uuid.starts_with(entry))
        }
    };
    list.split(',').map(|entry| named(entry.trim())).map_while(|device| device).collect()
}

#[cfg(any(target_os = "linux", target_os = "windows"))]
fn nvidia() -> Vec<Device> {
    use nvml_wrapper::error::NvmlError;
    use nvml_wrapper::{Nvml, device};

    fn told(device: &device::Device<'_>) -> Result<Device, NvmlError> {
        let memory = device.memory_info()?;
        let gpu = Gpu { name: device.name()?, bytes: memory.total.saturating_sub(memory.reserved) };
        // An error is the answer of GPUs that have no such parts.
        let parts = 0..device.mig_device_count().unwrap_or(0);
        let instances = parts.filter_map(|index| told(&device.mig_device_by_index(index).ok()?).ok()).collect();
        Ok(Device { gpu, uuid: device.uuid()?, instances })
    }

    let Ok(library) = Nvml::init() else { return Vec::new() };
    let count = library.device_count().unwrap_or(0);
    (0..count).filter_map(|index| told(&library.device_by_index(index).ok()?).ok()).collect()
}

#[cfg(not(any(target_os = "linux", target_os = "windows")))]
fn nvidia() -> Vec<Device> {
    Vec::new()
}

/// The cards that Linux's amdgpu driver lists in this folder, `card0` first.
fn amd(folder: &Path) -> Vec<Device> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // Connectors are listed too, as `card0-DP-1`.
    let number = |name: &str| name.strip_prefix("card")?.parse::<u32>().ok();
    let mut cards: Vec<_> =
        entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path().join("device")))).collect();
    cards.sort();
    let device = |(_, folder): (u32, std::path::PathBuf)| {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let bytes: u64 = text("mem_info_vram_total")?.trim().parse().ok()?;
        let name = text("product_name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let uuid = text("unique_id").map_or_else(String::new, |id| format!("GPU-{}", id.trim()));
        let gpu = Gpu { name: name.unwrap_or_else(|| "an AMD GPU".to_owned()), bytes };
        (bytes >= LEAST_BYTES).then_some(Device { gpu, uuid, instances: Vec::new() })
    };
    cards.into_iter().filter_map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const GIB: u64 = 1 << 30;

    fn device(uuid: &str, gib: u64, instances: Vec<Device>) -> Device {
        Device { gpu: Gpu { name: uuid.to_owned(), bytes: gib * GIB }, uuid: uuid.to_owned(), instances }
    }

    fn three() -> Vec<Device> {
        let instances = vec![device("MIG-1", 20, vec![]), device("MIG-2", 10, vec![])];
        vec![device("GPU-aa", 24, vec![]), device("GPU-ab", 16, vec![]), device("GPU-c", 80, instances)]
    }

    fn smallest_gib(visible: Option<&str>) -> Option<u64> {
        smallest_of(&three(), visible).map(|gpu| gpu.bytes / GIB)
    }

    #[test]
    fn the_smallest_counts_and_parts_count_for_a_divided_gpu() {
        assert_eq!(smallest_gib(None), Some(10));
        assert_eq!(smallest_of(&three()[..2], None).unwrap().name, "GPU-ab");
        assert_eq!(smallest_of(&[], None), None);
    }

    #[test]
    fn only_visible_ones_count() {
        let expected = [
            ("0", Some(24)),
            ("0,1", Some(16)),
            (" 1 , 0 ", Some(16)),
            ("2", Some(10)),
            ("GPU-aa", Some(24)),
            ("GPU-ab,GPU-aa", Some(16)),
            ("MIG-1", Some(20)),
            ("", None),
            ("-1", None),
            ("0,-1,1", Some(24)),
            ("0,7,1", Some(24)),
            ("GPU-x", None),
            ("none", None),
            (",0", None),
        ];
        for (list, gib) in expected {
            assert_eq!(smallest_gib(Some(list)), gib, "{list:?}");
        }
    }

    #[test]
    fn amd_cards_are_found_in_sys() {
        let sys = tempfile::tempdir().unwrap();
        let card = |name: &str, files: &[(&str, &str)]| {
            let folder = sys.path().join(name).join("device");
            fs::create_dir_all(&folder).unwrap();
            files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        };
        card("card10", &[("mem_info_vram_total", "17163091968\n")]);
        card(
            "card2",
            &[("mem_info_vram_total", "68702699520\n"), ("product_name", "Instinct MI210\n"), ("unique_id", "4f\n")],
        );
        card("card1", &[("mem_info_vram_total", "536870912\n"), ("product_name", "Radeon 680M\n")]);
        card("card3", &[("vendor", "0x8086\n")]);
        card("card4", &[("mem_info_vram_total", "much\n")]);
        card("card2-DP-1", &[("mem_info_vram_total", "4294967296\n")]);
        card("renderD128", &[("mem_info_vram_total", "4294967296\n")]);

        let found = amd(sys.path());
        let told: Vec<_> = found.iter().map(|device| (device.gpu.name.as_str(), device.uuid.as_str())).collect();
        assert_eq!(told, [("Instinct MI210", "GPU-4f"), ("an AMD GPU", "")]);
        assert_eq!(smallest_of(&found, None).unwrap().bytes, 17_163_091_968);
        assert_eq!(smallest_of(&found, Some("0")).unwrap().bytes, 68_702_699_520);
        assert_eq!(amd(&sys.path().join("nowhere")), []);
    }
}
