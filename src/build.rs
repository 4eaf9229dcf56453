//! Tells cargo about the files that are embedded, so that a new migration is never left out.

#![expect(clippy::disallowed_macros, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=src/build.rs");
}
