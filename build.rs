//! Tells cargo about the files that are embedded, so that a new migration is never left out, and
//! makes the pages' files ready to be served: names that hold the hash of the content, so that
//! browsers may keep them for ever, and compressed forms.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "this is how a build script and cargo talk to each other"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The files of the page that shows the API, from the repository's root.
const DOCS: [&str; 4] = [
    "assets/docs/index.html",
    "assets/docs/init.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui-bundle.js",
    "assets/vendor/swagger-ui-5.35.0/swagger-ui.css",
];

/// What stands before a file's name in the pages' texts.
const ADMIN: &str = "/admin/assets/";

fn main() -> Outcome<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let folder = out.join("assets");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let page = Page::read()?;
    for name in page.served() {
        let path = folder.join("admin").join(page.final_name(&name));
        page.write(&name, &path)?;
    }
    for file in DOCS.map(Path::new) {
        let name = file.file_name().ok_or("a file has a name")?;
        // No brotli: on Swagger UI it takes longer than the rest of this script.
        let content = fs::read(file)?;
        write_forms(&folder.join("docs").join(name), &content, &[gzip(&content)?])?;
    }
    Ok(())
}

/// The files of the admin page by their names behind [`ADMIN`]: those of `assets/admin`, and
/// those of `assets/vendor` as `vendor/…`.
struct Page(BTreeMap<String, Vec<u8>>);

impl Page {
    fn read() -> Outcome<Self> {
        let mut files = BTreeMap::new();
        collect(Path::new("assets/admin"), "", &mut files)?;
        collect(Path::new("assets/vendor"), "vendor/", &mut files)?;
        Ok(Self(files))
    }

    /// All of the page's own files, and of others what these name.
    fn served(&self) -> BTreeSet<String> {
        let own = self.0.keys().filter(|name| !name.starts_with("vendor/"));
        own.flat_map(|name| self.reached_from(name)).collect()
    }

    /// A file and everything that it names, and they name, and so on.
    fn reached_from(&self, name: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            if !reached.contains(&name) {
                open.extend(self.named_in(&name));
                reached.insert(name);
            }
        }
        reached
    }

    /// The files that a text names.
    fn named_in(&self, name: &str) -> Vec<String> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let ends = |rest: &str| rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        let named = text.split(ADMIN).skip(1).map(|rest| &rest[..ends(rest)]);
        named.filter(|named| self.0.contains_key(*named)).map(str::to_owned).collect()
    }

    /// A file's content, where names may stand in it.
    fn text(&self, name: &str) -> Option<&str> {
        let is_text =
            [".html", ".js", ".mjs", ".css", ".webmanifest"].iter().any(|e| name.ends_with(e));
        let bytes = self.0.get(name).filter(|_| is_text)?;
        std::str::from_utf8(bytes).ok()
    }

    /// The name with the hash of the content and of everything that it leads to: a file changes
    /// its name when one that it names does. Pages keep their names: people know them.
    fn final_name(&self, name: &str) -> String {
        if name.ends_with(".html") {
            return name.to_owned();
        }
        let mut hasher = Sha256::new();
        hasher.update(name);
        for reached in self.reached_from(name) {
            let bytes = &self.0[&reached];
            hasher.update(bytes.len().to_be_bytes());
            hasher.update(bytes);
        }
        let hash = hasher.finalize();
        let hash: String = hash.iter().take(5).map(|b| format!("{b:02x}")).collect();
        match name.rsplit_once('.') {
            Some((stem, ending)) => format!("{stem}.{hash}.{ending}"),
            None => format!("{name}.{hash}"),
        }
    }

    /// The content as it is served: every name in it is the one with the hash.
    fn content(&self, name: &str) -> Vec<u8> {
        let Some(text) = self.text(name) else { return self.0[name].clone() };
        let mut parts = text.split(ADMIN);
        let mut content = parts.next().unwrap_or_default().to_owned();
        for rest in parts {
            let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
            let (named, rest) = rest.split_at(end);
            let known = self.0.contains_key(named);
            content.push_str(ADMIN);
            content.push_str(&if known { self.final_name(named) } else { named.to_owned() });
            content.push_str(rest);
        }
        content.into_bytes()
    }

    fn write(&self, name: &str, path: &Path) -> Outcome<()> {
        let content = self.content(name);
        write_forms(path, &content, &[gzip(&content)?, brotli(&content)?])
    }
}

/// A compressed form: the suffix of its file name, and its content.
type Form = (&'static str, Vec<u8>);

fn gzip(content: &[u8]) -> Outcome<Form> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok((".gz", encoder.finish()?))
}

fn brotli(mut content: &[u8]) -> Outcome<Form> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut content, &mut compressed, &best)?;
    Ok((".br", compressed))
}

/// Writes a file and, where they are smaller, its compressed forms.
fn write_forms(path: &Path, content: &[u8], forms: &[Form]) -> Outcome<()> {
    fs::create_dir_all(path.parent().ok_or("a folder")?)?;
    fs::write(path, content)?;
    for (suffix, compressed) in forms.iter().filter(|(_, form)| form.len() < content.len()) {
        fs::write(format!("{}{suffix}", path.display()), compressed)?;
    }
    Ok(())
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-/".contains(c)
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Outcome<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).ok_or("a name in UTF-8")?;
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else if !name.starts_with('.') {
            files.insert(format!("{prefix}{name}"), fs::read(&path)?);
        }
    }
    Ok(())
}
