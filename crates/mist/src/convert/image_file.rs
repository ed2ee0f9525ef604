use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Endings of image files, in the order in which they are looked for.
const ENDINGS: [&str; 2] = [".nii.gz", ".nii"];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The image of a case in a folder, compressed or not.
pub fn find(folder: &Path, id: &str) -> Option<PathBuf> {
    ENDINGS.iter().map(|ending| folder.join(format!("{id}{ending}"))).find(|path| path.is_file())
}

/// The name without the ending of an image file; only that is cut, dots may stand elsewhere in a name.
pub fn without_ending(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Copies an image to a `.nii.gz` file: byte for byte when it is compressed, compressing it otherwise. The time of
/// modification and the permissions are kept.
pub fn copy(source: &Path, target: &Path) -> io::Result<()> {
    let mut reader = File::open(source)?;
    let metadata = reader.metadata()?;
    let mut start = Vec::new();
    Read::by_ref(&mut reader).take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    reader.rewind()?;
    let mut writer = File::create_new(target)?;
    if start == GZIP_MAGIC {
        io::copy(&mut reader, &mut writer)?;
    } else {
        let mut encoder = GzEncoder::new(io::BufWriter::new(&mut writer), Compression::default());
        io::copy(&mut reader, &mut encoder)?;
        encoder.finish()?.flush()?;
    }
    writer.set_modified(metadata.modified()?)?;
    writer.sync_all()?;
    std::fs::set_permissions(target, metadata.permissions())
}
