"""Writes a CycloneDX document of what is in the binary. `.ci/sbom` runs it."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def component(kind: str, name: str, version: str, licence: str, source: str | None, **more) -> Component:
    """A component whose reference is its package URL; SPDX's `OR` for the slash of old Cargo.toml files."""
    purl = PackageURL(kind, None, name, version)
    links = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(source))] if source else []
    licences = [LicenseExpression(licence.replace("/", " OR "))]
    more = {"type": ComponentType.LIBRARY, **more}
    return Component(
        name=name, version=version, purl=purl, bom_ref=str(purl), licenses=licences, external_references=links, **more
    )


def sha256(value: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=value)]


def linked_crates(target: str) -> tuple[list[tuple[str, str]], set[tuple[tuple[str, str], tuple[str, str]]]]:
    """The crates that are linked, the binary first, and which needs which: neither those that only tests or the
    build need nor procedural macros."""
    tree = run(
        "cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target,
        "--prefix", "depth", "--format", " {p}",
    )  # fmt: skip
    crates, edges, path = {}, set(), []
    for line in tree.splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        crate = (name, version)
        path[int(depth) :] = [crate]
        crates[crate] = None
        if len(path) > 1:
            edges.add((path[-2], crate))
    return list(crates), edges


def bundled_sqlite(manifest: str) -> Component:
    header = (Path(manifest).parent / "sqlite3" / "sqlite3.h").read_text()
    version = re.search(r'#define SQLITE_VERSION\s+"([\d.]+)"', header)[1]
    return component("generic", "sqlite", version, "blessing", "https://sqlite.org/src")


def page_libraries() -> list[Component]:
    """The libraries in assets/vendor, from its table; the names of their folders are those of the packages."""
    packages = {"swagger-ui": "swagger-ui-dist"}
    table = re.findall(
        r"^\| ([^|]+) \| ([\d.]+) \|[^|]+\|[^|]+\| (\S+)[^|]* \| (\S+) \|$",
        Path("assets/vendor/README.md").read_text(),
        re.MULTILINE,
    )
    found = []
    for name, version, licence, source in table:
        folder = name.lower().replace(" ", "-")
        files = sorted(p for p in Path(f"assets/vendor/{folder}-{version}").iterdir() if p.suffix in (".js", ".mjs", ".css"))
        assert files, folder
        digests = [Property(name=f"fastcore:sha256:{f.name}", value=hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
        found.append(component("npm", packages.get(folder, folder), version, licence, source, properties=digests))
    folders = [p for p in Path("assets/vendor").iterdir() if p.is_dir()]
    assert len(found) == len(folders), "assets/vendor/README.md does not list every library"
    return found


def build() -> Bom:
    rustc = dict(line.split(": ", 1) for line in run("rustc", "-vV").splitlines() if ": " in line)
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", rustc["host"]))
    packages = {(p["name"], p["version"]): p for p in metadata["packages"]}
    lock = tomllib.loads(Path("Cargo.lock").read_text())["package"]
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock}
    crates, edges = linked_crates(rustc["host"])
    root, parts = crates[0], {}
    for crate in crates:
        package = packages[crate]
        if crate == root:
            parts[crate] = component("cargo", *crate, package["license"], None, type=ComponentType.APPLICATION)
        else:
            source, checksum = package["repository"], checksums[crate]
            parts[crate] = component("cargo", *crate, package["license"], source, hashes=sha256(checksum))

    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(Path("Cargo.lock").read_bytes()).hexdigest()))
    # The time of the commit: the same sources give the same document.
    bom.metadata.timestamp = datetime.fromisoformat(run("git", "log", "-1", "--format=%cI").strip())
    bom.metadata.component = parts[root]
    children = {crate: [parts[to] for frm, to in edges if frm == crate] for crate in crates}
    sqlite = bundled_sqlite(next(p["manifest_path"] for c, p in packages.items() if c[0] == "libsqlite3-sys"))
    standard = component("generic", "rust-std", rustc["release"], "MIT OR Apache-2.0", "https://github.com/rust-lang/rust")
    libraries = page_libraries()
    next(needed for crate, needed in children.items() if crate[0] == "libsqlite3-sys").append(sqlite)
    children[root] += [standard, *libraries]
    for added in [parts[crate] for crate in crates[1:]] + [sqlite, standard, *libraries]:
        bom.components.add(added)
        bom.register_dependency(added)
    for crate in crates:
        bom.register_dependency(parts[crate], children[crate])
    return bom


def check_against(binary: str, bom: Bom) -> None:
    """The messages of panics name the source files, and with them the crates."""
    paths = re.findall(rb"/registry/src/[^/]+/([A-Za-z0-9_-]+?)-(\d+\.\d+\.\d+[A-Za-z0-9.+-]*)/", Path(binary).read_bytes())
    found = {(name.decode(), version.decode()) for name, version in paths}
    listed = {(part.name, part.version) for part in bom.components}
    if len(found) < 20 or found - listed:
        sys.exit(f"the binary has {len(found)} crates, and these are not in the document: {sorted(found - listed)}")


def main(binary: str, target: str) -> None:
    bom = build()
    check_against(binary, bom)
    document = JsonV1Dot6(bom).output_as_string(indent=2)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(document):
        sys.exit(f"the document does not follow CycloneDX's schema: {fault}")
    Path(target).write_text(document + "\n")
    print(f"{target}: {len(bom.components)} components")


main(sys.argv[1], sys.argv[2])
