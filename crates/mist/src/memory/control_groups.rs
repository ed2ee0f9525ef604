//! What the control groups of Linux leave to this process: job schedulers and containers give it less than the machine has.
//!
//! A group sits in a folder with its limit and what its processes use; its limit also binds the groups in the folders
//! below. There are two layouts, `memory.max` and `memory.current` (version 2) and `memory.limit_in_bytes` and
//! `memory.usage_in_bytes` (version 1), and both can be mounted at once.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Bytes that the groups of this process leave it; nothing where there is no limit.
pub fn free() -> Option<f64> {
    let membership = read_to_string("/proc/self/cgroup").ok()?;
    let mounts = read_to_string("/proc/self/mountinfo").ok()?;
    free_in(&membership, &mounts)
}

fn free_in(membership: &str, mounts: &str) -> Option<f64> {
    let groups = [&VERSION_1, &VERSION_2].into_iter().filter_map(|layout| {
        let mount = mounts.lines().filter_map(Mount::parse).find(layout.is_mounted)?;
        let group = membership.lines().find_map(layout.group)?;
        mount.least_free(layout, group)
    });
    groups.min_by(f64::total_cmp)
}

/// How a version names things.
struct Layout {
    /// Whether this is where its groups lie.
    is_mounted: fn(&Mount) -> bool,
    /// The group of a line of `/proc/self/cgroup`, `hierarchy:controllers:group`, if it is the one that counts memory.
    group: fn(&str) -> Option<&str>,
    /// Files with limits. Beyond the second one of version 2, processes are slowed down to a crawl.
    limits: &'static [&'static str],
    usage: &'static str,
    /// Entries of `memory.stat` with the file cache, which is counted as used but given back when memory is asked for.
    cache: [&'static str; 2],
}

const VERSION_1: Layout = Layout {
    is_mounted: |mount| mount.kind == "cgroup" && mount.options.split(',').any(|option| option == "memory"),
    group: |line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|controller| controller == "memory").then_some(group)
    },
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    cache: ["total_inactive_file", "total_active_file"],
};

const VERSION_2: Layout = Layout {
    is_mounted: |mount| mount.kind == "cgroup2",
    group: |line| line.strip_prefix("0::"),
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    cache: ["inactive_file", "active_file"],
};

/// A line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// The group that is mounted; not the topmost one inside some containers.
    root: &'a str,
    folder: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, folder) = (fields.next()?, fields.next()?);
        let mut fields = system.split(' ');
        let (kind, options) = (fields.next()?, fields.nth(1)?);
        // Spaces are written in octal.
        Some(Self { root, folder: folder.replace("\\040", " ").into(), kind, options })
    }

    /// What is left in the fullest of the groups from this one up to the one that is mounted.
    fn least_free(&self, layout: &Layout, group: &str) -> Option<f64> {
        // A group outside of what is mounted cannot be seen; what is mounted then holds for this process.
        let below = Path::new(group).strip_prefix(self.root).ok().filter(|path| !path.starts_with(".."));
        let folder = self.folder.join(below.unwrap_or(Path::new("")));
        let groups = folder.ancestors().take_while(|folder| folder.starts_with(&self.folder));
        groups.filter_map(|folder| layout.free(folder)).min_by(f64::total_cmp)
    }
}

impl Layout {
    /// What is left in one group; nothing if it has no limit.
    fn free(&self, folder: &Path) -> Option<f64> {
        let number = |file: &str| read_to_string(folder.join(file)).ok()?.trim().parse::<f64>().ok();
        // `max` is no number. In version 1 no limit is a number beyond any memory.
        let limit = self.limits.iter().filter_map(|file| number(file)).min_by(f64::total_cmp)?;
        let statistics = read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cache = self.cache.iter().filter_map(|name| entry(&statistics, name)).sum::<f64>();
        Some((limit - number(self.usage)? + cache).clamp(0.0, limit))
    }
}

/// An entry of a table of names and numbers.
fn entry(table: &str, name: &str) -> Option<f64> {
    table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the files of a group.
    fn group(folder: &Path, files: &[(&str, &str)]) {
        std::fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    }

    fn mounted(root: &str, folder: &Path, system: &str) -> String {
        format!(
            "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n\
             35 31 0:32 {root} {} rw,nosuid,relatime shared:9 - {system}\n",
            folder.display()
        )
    }

    #[test]
    fn the_fullest_group_on_the_way_up_counts_and_its_file_cache_is_free() {
        let top = tempfile::tempdir().unwrap();
        let mounts = mounted("/", top.path(), "cgroup2 cgroup2 rw,nsdelegate");
        let free = |group: &str| free_in(&format!("0::{group}\n"), &mounts);
        group(&top.path().join("job"), &[("memory.max", "8000000000\n"), ("memory.current", "3000000000\n")]);
        let statistics = "anon 900\ninactive_file 400000000\nactive_file 100000000\nfile_mapped 7\n";
        let step = top.path().join("job/step");
        group(&step, &[("memory.max", "max\n"), ("memory.current", "2500000000\n"), ("memory.stat", statistics)]);
        assert_eq!(free("/job/step"), Some(5e9), "the step has no limit, the job has");
        group(&step, &[("memory.max", "4000000000\n")]);
        assert_eq!(free("/job/step"), Some(2e9));
        group(&step, &[("memory.high", "3000000000\n")]);
        assert_eq!(free("/job/step"), Some(1e9));
        group(&step, &[("memory.high", "1000000\n"), ("memory.stat", "")]);
        assert_eq!(free("/job/step"), Some(0.0), "never less than nothing");
        assert_eq!(free("/other"), None);
        assert_eq!(free("/"), None);
    }

    #[test]
    fn version_1_is_read_as_well() {
        let top = tempfile::tempdir().unwrap();
        let mounts = mounted("/", top.path(), "cgroup cgroup rw,memory");
        let membership = "9:name=systemd:/\n8:pids:/\n4:cpu,memory:/slurm/job_7\n0::/\n";
        group(
            &top.path().join("slurm/job_7"),
            &[("memory.limit_in_bytes", "9223372036854771712\n"), ("memory.usage_in_bytes", "1000\n")],
        );
        assert!(free_in(membership, &mounts).unwrap() > 9e18, "as good as no limit");
        group(
            &top.path().join("slurm"),
            &[
                ("memory.limit_in_bytes", "6000\n"),
                ("memory.usage_in_bytes", "5000\n"),
                ("memory.stat", "inactive_file 1\ntotal_inactive_file 20\ntotal_active_file 300\n"),
            ],
        );
        assert_eq!(free_in(membership, &mounts), Some(1320.0));
        assert_eq!(free_in("4:cpu:/slurm\n", &mounts), None);
        assert_eq!(free_in(membership, &mounted("/", top.path(), "cgroup cgroup rw,cpu")), None);
    }

    /// In a container the group can be named as the machine sees it, while its folder is the top of what is mounted.
    #[test]
    fn the_group_of_a_container_is_the_top_of_what_it_sees() {
        let top = tempfile::tempdir().unwrap();
        group(top.path(), &[("memory.max", "5000"), ("memory.current", "1000")]);
        group(&top.path().join("inner"), &[("memory.max", "3000"), ("memory.current", "1000")]);
        let mounts = mounted("/docker/1f", top.path(), "cgroup2 cgroup rw");
        let free = |group: &str| free_in(&format!("0::{group}"), &mounts);
        assert_eq!(free("/docker/1f"), Some(4000.0));
        assert_eq!(free("/docker/1f/inner"), Some(2000.0));
        assert_eq!(free("/"), Some(4000.0));
        let own_view = mounted("/", top.path(), "cgroup2 cgroup rw");
        assert_eq!(free_in("0::/../other", &own_view), Some(4000.0));
    }

    #[test]
    fn folders_with_spaces_are_found() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("control groups");
        group(&folder, &[("memory.max", "5000"), ("memory.current", "1000")]);
        let mounts = mounted("/", &folder, "cgroup2 cgroup2 rw").replace("control groups", "control\\040groups");
        assert_eq!(free_in("0::/", &mounts), Some(4000.0));
    }
}
