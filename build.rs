//! Prepares the embedded assets: joins the admin page's own files, gives each file a name with a content
//! hash, so that browsers may cache it for ever, and compresses the files.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a build script reads environment variables and prints instructions for cargo"
)]

#[path = "build/bundle.rs"]
mod bundle;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use bundle::{ADMIN_PREFIX, Files};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The files of the API documentation page.
const API_DOCS: [&str; 5] = [
    "assets/docs/docs.css",
    "assets/docs/index.html",
    "assets/docs/init.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui-bundle.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui.css",
];

/// The page and its service worker, whose addresses must not change.
const KEEP_NAMES: [&str; 2] = ["index.html", "sw.js"];

fn main() -> Result<()> {
    // The crate embeds the migrations: it has to be rebuilt when one is added.
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let assets_dir = out.join("assets");
    if assets_dir.exists() {
        fs::remove_dir_all(&assets_dir)?;
    }
    let assets = AdminAssets::load()?;
    for name in assets.served() {
        let path = assets_dir.join("admin").join(assets.hashed_name(&name));
        let content = assets.content(&name);
        write_forms(&path, &content, &[gzip(&content)?, brotli(&content)?])?;
    }
    for file in API_DOCS.map(Path::new) {
        let name = file.file_name().ok_or("no file name")?;
        // No Brotli: on Swagger UI it takes longer than the rest of this script.
        let content = fs::read(file)?;
        write_forms(&assets_dir.join("docs").join(name), &content, &[gzip(&content)?])?;
    }
    Ok(())
}

/// The files of the admin page, with its own modules and style sheets joined.
struct AdminAssets(Files);

impl AdminAssets {
    fn load() -> Result<Self> {
        let mut files = Files::new();
        read_dir(Path::new("assets/admin"), "", &mut files)?;
        read_dir(Path::new("assets/vendor"), "vendor/", &mut files)?;
        bundle::join(&mut files)?;
        Ok(Self(files))
    }

    /// Returns the page and all that it references, directly or not, and its service worker.
    fn served(&self) -> BTreeSet<String> {
        KEEP_NAMES.into_iter().flat_map(|name| self.with_references(name)).collect()
    }

    /// Returns a file and all that it references, directly or not.
    fn with_references(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut pending = vec![name.to_owned()];
        while let Some(name) = pending.pop() {
            if !found.contains(&name) {
                pending.extend(self.references(&name));
                found.insert(name);
            }
        }
        found
    }

    /// Returns the files that a file references directly.
    fn references(&self, name: &str) -> Vec<String> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let names = text.split(ADMIN_PREFIX).skip(1).map(|rest| split_name(rest).0);
        names.filter(|name| self.0.contains_key(*name)).map(str::to_owned).collect()
    }

    /// Returns a file's content if it is of a type that can have references.
    fn text(&self, name: &str) -> Option<&str> {
        let is_text =
            [".html", ".js", ".mjs", ".css", ".webmanifest"].iter().any(|e| name.ends_with(e));
        let bytes = self.0.get(name).filter(|_| is_text)?;
        std::str::from_utf8(bytes).ok()
    }

    /// Returns the name with a hash of the file and of all that it references: their names are part
    /// of its content.
    fn hashed_name(&self, name: &str) -> String {
        if KEEP_NAMES.contains(&name) {
            return name.to_owned();
        }
        let mut hasher = Sha256::new();
        hasher.update(name);
        for reference in self.with_references(name) {
            let bytes = &self.0[&reference];
            hasher.update(bytes.len().to_be_bytes());
            hasher.update(bytes);
        }
        let hash = hasher.finalize();
        let hash: String = hash.iter().take(5).map(|b| format!("{b:02x}")).collect();
        match name.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
            None => format!("{name}.{hash}"),
        }
    }

    /// Returns the content as it is served, with hashed names in the references.
    fn content(&self, name: &str) -> Vec<u8> {
        let Some(text) = self.text(name) else { return self.0[name].clone() };
        let mut parts = text.split(ADMIN_PREFIX);
        let mut content = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = split_name(part);
            content.push_str(ADMIN_PREFIX);
            if self.0.contains_key(name) {
                content.push_str(&self.hashed_name(name));
            } else {
                content.push_str(name);
            }
            content.push_str(rest);
        }
        content.into_bytes()
    }
}

/// Splits a text after the file name that it starts with.
fn split_name(text: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()))
}

/// A compressed form: the suffix of its file name, and its content.
type Form = (&'static str, Vec<u8>);

fn gzip(content: &[u8]) -> Result<Form> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok((".gz", encoder.finish()?))
}

fn brotli(mut content: &[u8]) -> Result<Form> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut content, &mut compressed, &best)?;
    Ok((".br", compressed))
}

/// Files larger than this, in bytes, are embedded compressed alone: they would be a tenth of the binary. The
/// server unpacks them for the few clients that accept no compression.
const MAX_PLAIN: usize = 64 * 1024;

/// Writes a file, unless it is large, and, where they are smaller, its compressed forms.
fn write_forms(path: &Path, content: &[u8], forms: &[Form]) -> Result<()> {
    fs::create_dir_all(path.parent().ok_or("no parent directory")?)?;
    if content.len() <= MAX_PLAIN {
        fs::write(path, content)?;
    }
    for (suffix, compressed) in forms.iter().filter(|(_, form)| form.len() < content.len()) {
        fs::write(format!("{}{suffix}", path.display()), compressed)?;
    }
    Ok(())
}

/// Reads a directory's files, those in its subdirectories too, except hidden ones.
fn read_dir(dir: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).ok_or("a file name is not UTF-8")?;
        if path.is_dir() {
            read_dir(&path, &format!("{prefix}{name}/"), files)?;
        } else if !name.starts_with('.') {
            files.insert(format!("{prefix}{name}"), fs::read(&path)?);
        }
    }
    Ok(())
}
