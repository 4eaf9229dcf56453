//! The script that joins the admin page's modules at build time: what it makes, and what it refuses.

#[path = "../../build/bundle.rs"]
mod bundle;

use bundle::{ADMIN_PREFIX, Files, join};

/// A page with one style sheet, this entry point, and the other files given.
fn page(entry: &str, others: &[(&str, &str)]) -> Result<Files, String> {
    let links = [("tokens.css", ""), ("print.css", " media=\"print\"")];
    let links = links.map(|(name, media)| {
        format!("<link rel=\"stylesheet\" href=\"{ADMIN_PREFIX}{name}\"{media}>\n")
    });
    let html = format!("<title>x</title>\n{}<body>\n", links.concat());
    let fixed = [
        ("index.html", html.as_str()),
        ("tokens.css", "/* A link,\n   red. */\na { color: red }\n"),
        ("print.css", "b { color: blue }\n"),
        ("app.js", entry),
    ];
    let files = fixed.iter().chain(others);
    let mut files: Files =
        files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    join(&mut files)?;
    Ok(files)
}

fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).expect("UTF-8")
}

#[test]
fn modules_are_joined_in_the_order_of_their_imports() {
    let entry = "import { count } from '/admin/assets/lib/count.js';
import { twice } from '/admin/assets/twice.js';
twice(count);
";
    let twice = "/** @param {import('/admin/assets/x.js').X} x */
import { count } from '/admin/assets/lib/count.js';
export function twice() { return count; }
";
    let count = "import { h } from '/admin/assets/vendor/x/x.mjs';
/**
 * A comment.
 */
const count = /** @type {any} */ (h); // 'https://example.com'
export { count };
";
    let files = page(entry, &[("twice.js", twice), ("lib/count.js", count)]);
    let files = files.expect("a bundle");
    let expected = "import { h } from '/admin/assets/vendor/x/x.mjs';

// lib/count.js
const $lib_count = (() => {




const count = (h); // 'https://example.com'

return { count };
})();

// twice.js
const $twice = (() => {

const { count } = $lib_count;
function twice() { return count; }
return { twice };
})();

// app.js
{
const { count } = $lib_count;
const { twice } = $twice;
twice(count);
}
";
    assert_eq!(text(&files, "app.js"), expected);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["app.css", "app.js", "index.html"]);
}

#[test]
fn style_sheets_are_joined_with_their_media() {
    let files = page("", &[]).expect("a bundle");
    assert_eq!(text(&files, "app.css"), "a { color: red }\n@media print {\nb { color: blue }\n}\n");
    let link = "<link rel=\"stylesheet\" href=\"/admin/assets/app.css\">\n";
    assert_eq!(text(&files, "index.html"), format!("<title>x</title>\n{link}<body>\n"));
}

/// What would work as modules and not joined must not build.
#[test]
fn another_form_of_import_or_export_fails_with_its_place() {
    let lib = ("lib.js", "export const a = 1;\n");
    let live = ("lib.js", "\nexport let a = 1;\n");
    let own = "import { a } from '/admin/assets/lib.js';\n";
    let circle = ("lib.js", "import { b } from '/admin/assets/other.js';\nexport const a = 1;\n");
    let back = ("other.js", "import { a } from '/admin/assets/lib.js';\nexport const b = 1;\n");
    let leaf = "const load = () => import('/admin/assets/leaf.js');\n";
    for (entry, others, place) in [
        ("import * as lib from '/admin/assets/lib.js';\n", &[lib][..], "app.js:1"),
        ("import { a as b } from '/admin/assets/lib.js';\n", &[lib], "app.js:1"),
        ("\nimport {\n  a,\n} from '/admin/assets/lib.js';\n", &[lib], "app.js:2"),
        ("import { a } from './lib.js';\n", &[lib], "app.js:1"),
        ("import { b } from '/admin/assets/lib.js';\n", &[lib], "app.js:1: lib.js has no b"),
        ("import { b } from '/admin/assets/gone.js';\n", &[lib], "gone.js is missing"),
        (own, &[live], "lib.js:2"),
        (own, &[("lib.js", "export * from '/admin/assets/x.js';\n")], "lib.js:1"),
        (own, &[("lib.js", "export default 1;\n")], "lib.js:1"),
        (own, &[circle, back], "lib.js imports itself"),
        (leaf, &[lib, ("leaf.js", own)], "leaf.js:1"),
    ] {
        let error = page(entry, others).expect_err(entry);
        assert!(error.starts_with(place), "{entry}: {error}");
    }
}
