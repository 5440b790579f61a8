//! What to do with a file of a format that is not read.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
#[cfg(feature = "hdf5")]
use std::path::Path;

use super::{DatasetError, Format, extension, plain, stem};

/// Extensions of further formats that `HyperSpy` reads, in lower case.
const HYPERSPY: [&str; 36] = [
    "ali", "app5", "asw", "bcf", "blo", "de5", "dens", "eds", "elid", "emi", "ems", "emsa", "img",
    "lsd", "map", "mas", "mib", "mrc", "mrcz", "msa", "nc", "pro", "prz", "pts", "sac", "sbc",
    "ser", "spc", "spd", "spx", "sur", "tvf", "tvips", "unf", "wdf", "xml",
];

/// The format whose signature a file begins with.
pub(super) fn begins_as(file: &str) -> Option<Format> {
    let mut start = [0; 8];
    let read = File::open(file).ok()?.read(&mut start).ok()?;
    let start = &start[..read];
    let signatures: [(&[u8], Format); 7] = [
        (b"\x89HDF\r\n\x1a\n", Format::Hdf5),
        (b"\x93NUMPY", Format::Npy),
        (b"PK\x03\x04", Format::Npz),
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        (b"II+\0", Format::Tiff),
        (b"MM\0+", Format::Tiff),
    ];
    let is = |(signature, _): &&(&[u8], Format)| start.starts_with(signature);
    signatures.iter().find(is).map(|(_, format)| *format)
}

/// The refusal of a file where a folder is read.
pub(super) fn zipped(file: &str) -> DatasetError {
    let reason = format!(
        "a folder in one file; Python unpacks it: python -m zipfile -e \"{}\" \"{}-folder.{}\"",
        plain(file),
        plain(&stem(file)),
        plain(&extension(file))
    );
    DatasetError::unreadable(file, "Zarr", &reason)
}

/// The refusal of a file of another format, with the program and the line that convert it.
pub(super) fn unknown(file: &str) -> DatasetError {
    let extension = extension(file);
    let (file_text, new) = (plain(file), plain(&stem(file)));
    let remedy = match extension.as_str() {
        "png" | "jpg" | "jpeg" | "bmp" | "gif" | "webp" => format!(
            "Pillow converts it: PIL.Image.open(\"{file_text}\").convert(\"L\").save(\"{new}.tif\")"
        ),
        "csv" => format!(
            "NumPy converts it: numpy.save(\"{new}.npy\", numpy.loadtxt(\"{file_text}\", \
             delimiter=\",\"{}))",
            skipped(file, |letter| letter == ',')
        ),
        "txt" | "dat" | "asc" | "tsv" => format!(
            "NumPy converts a table of numbers: numpy.save(\"{new}.npy\", \
             numpy.loadtxt(\"{file_text}\"{}))",
            skipped(file, char::is_whitespace)
        ),
        "mat" => format!(
            "SciPy converts it: numpy.save(\"{new}.npy\", \
             scipy.io.loadmat(\"{file_text}\")[\"NAME\"])"
        ),
        "pkl" | "pickle" => format!(
            "NumPy converts it: numpy.save(\"{new}.npy\", \
             numpy.asarray(pickle.load(open(\"{file_text}\", \"rb\"))))"
        ),
        "raw" => format!("give the `.rpl` beside it, which says what its numbers are: `{new}.rpl`"),
        "gwy" | "gsf" => scifireaders("GwyddionReader", &file_text, &new),
        other if HYPERSPY.contains(&other) => {
            format!("HyperSpy converts it: hs.load(\"{file_text}\").save(\"{new}.hspy\")")
        }
        _ => format!(
            "what another program reads, NumPy writes as a file that is accepted: numpy.save(\"{new}.npy\", VALUES)"
        ),
    };
    DatasetError::UnknownExtension {
        file: file.to_owned(),
        extension,
        remedy,
    }
}

/// What has `numpy.loadtxt` skip the lines before the first that holds numbers alone.
fn skipped(file: &str, separates: impl Fn(char) -> bool) -> String {
    /// Lines of a head at most.
    const MOST: usize = 100;
    let lines = File::open(file)
        .ok()
        .map(|file| BufReader::new(file).lines());
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let holds_numbers = |line: &str| {
        let mut cells = line
            .split(&separates)
            .filter(|cell| !cell.trim().is_empty());
        cells.next().is_some_and(is_number) && cells.all(is_number)
    };
    let mut lines = lines.into_iter().flatten().map_while(Result::ok).take(MOST);
    match lines.position(|line| holds_numbers(&line)) {
        None | Some(0) => String::new(),
        Some(head) => format!(", skiprows={head}"),
    }
}

fn scifireaders(reader: &str, file: &str, new: &str) -> String {
    format!(
        "SciFiReaders converts it: [numpy.save(f\"{new}-{{name}}.npy\", numpy.array(data)) for name, \
         data in SciFiReaders.{reader}(\"{file}\").read().items()]"
    )
}

/// The line with which h5py writes a dataset of a file anew, in a copy; `how` follows what is read.
#[cfg(feature = "hdf5")]
pub(super) fn written_anew(file: &str, path: &str, how: &str) -> String {
    // Beside it, where files to which it refers are found.
    let new = Path::new(file).with_file_name(format!("new.{}", super::extension(file)));
    let (file, path, new) = (plain(file), plain(path), plain(&new.to_string_lossy()));
    format!(
        "h5py writes them so that they are: shutil.copy(\"{file}\", \"{new}\"); f = h5py.File(\"{new}\", \"r+\"); \
         d = f[\"{path}\"]; v, a = d{how}[()], dict(d.attrs); del f[\"{path}\"]; f[\"{path}\"] = v; \
         f[\"{path}\"].attrs.update(a); f.close()"
    )
}
