//! Tells cargo about the files that are embedded, so that a new migration is never left out, and
//! compresses those of the page that shows the API.

#![expect(clippy::disallowed_macros, reason = "this is how a build script talks to cargo")]
#![expect(clippy::disallowed_methods, reason = "this is how cargo talks to a build script")]

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// The files of the page, from the repository's root.
const PAGE: [&str; 4] = [
    "assets/docs/index.html",
    "assets/docs/init.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui-bundle.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui.css",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=src/build.rs");
    let folder = PathBuf::from(std::env::var("OUT_DIR")?).join("docs");
    fs::create_dir_all(&folder)?;
    for file in PAGE.map(Path::new) {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.file_name().ok_or("a file has a name")?.display();
        let compressed = File::create(folder.join(format!("{name}.gz")))?;
        let mut encoder = GzEncoder::new(compressed, Compression::best());
        io::copy(&mut File::open(file)?, &mut encoder)?;
        encoder.finish()?;
    }
    Ok(())
}
