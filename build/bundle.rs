//! Joins the admin page's own modules into one script and its style sheets into one, so that a browser asks
//! for few files. It knows the one form in which the modules import and export, and fails at any other. Comments
//! are left out, but no line of a module: its lines can be counted from its name on.

use std::collections::{BTreeMap, BTreeSet};

/// The URL prefix of the admin page's assets. In their texts it starts every reference.
pub(crate) const ADMIN_PREFIX: &str = "/admin/assets/";

/// The content of each file by its name after [`ADMIN_PREFIX`]: `…` for those of `assets/admin`,
/// `vendor/…` for those of `assets/vendor`.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

const PAGE: &str = "index.html";
const SCRIPT: &str = "app.js";
const STYLES: &str = "app.css";

/// Replaces the modules and the style sheets that the page loads by one file of each kind.
///
/// # Errors
/// A file is missing or has a form that is not known: the place, and why.
pub(crate) fn join(files: &mut Files) -> Result<(), String> {
    let page = text(files, PAGE)?.to_owned();
    let (page, style_links) = take_style_links(&page);
    let mut styles = String::new();
    for StyleLink { name, media } in &style_links {
        let sheet = rules_of(text(files, name)?);
        match media {
            Some(media) => styles.push_str(&format!("@media {media} {{\n{sheet}}}\n")),
            None => styles.push_str(&sheet),
        }
    }
    let mut bundle =
        Bundle { files, joined: BTreeMap::new(), pending: Vec::new(), script: String::new() };
    bundle.add(SCRIPT)?;
    let Bundle { joined, script, .. } = bundle;
    for name in
        joined.keys().map(String::as_str).chain(style_links.iter().map(|link| link.name.as_str()))
    {
        files.remove(name);
    }
    files.insert(PAGE.to_owned(), page.into_bytes());
    files.insert(SCRIPT.to_owned(), script.into_bytes());
    files.insert(STYLES.to_owned(), styles.into_bytes());
    Ok(())
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, String> {
    let bytes = files.get(name).ok_or_else(|| format!("{name} is missing"))?;
    std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
}

/// A style sheet without the comments that have lines of their own.
fn rules_of(sheet: &str) -> String {
    let mut is_in_comment = false;
    let lines = sheet.lines().map(|line| without_comments(line, &mut is_in_comment));
    lines.filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

struct StyleLink {
    name: String,
    media: Option<String>,
}

/// Leaves one link in the place of the first one.
fn take_style_links(page: &str) -> (String, Vec<StyleLink>) {
    let mut links = Vec::new();
    let mut rest = String::new();
    for line in page.split_inclusive('\n') {
        let attribute = |name: &str| {
            let (_, value) = line.split_once(&format!(" {name}=\""))?;
            Some(value.split_once('"')?.0.to_owned())
        };
        let href = attribute("href").filter(|_| line.starts_with("<link rel=\"stylesheet\""));
        let Some(name) = href.as_deref().and_then(|href| href.strip_prefix(ADMIN_PREFIX)) else {
            rest.push_str(line);
            continue;
        };
        if links.is_empty() {
            rest.push_str(&format!("<link rel=\"stylesheet\" href=\"{ADMIN_PREFIX}{STYLES}\">\n"));
        }
        links.push(StyleLink { name: name.to_owned(), media: attribute("media") });
    }
    (rest, links)
}

/// The script as far as it is joined.
struct Bundle<'a> {
    files: &'a Files,
    /// The modules of the script, and what each exports.
    joined: BTreeMap<String, BTreeSet<String>>,
    /// The modules that wait for those they import, to find cycles.
    pending: Vec<String>,
    script: String,
}

impl Bundle<'_> {
    /// Appends a module after all that it imports. Each has a scope of its own and returns what it exports; the
    /// entry point has a block, as it may wait.
    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.joined.contains_key(name) {
            return Ok(());
        }
        if self.pending.iter().any(|pending| pending == name) {
            return Err(format!("{name} imports itself: {}", self.pending.join(", ")));
        }
        self.pending.push(name.to_owned());
        let module = Module::parse(name, text(self.files, name)?)?;
        for import in &module.imports {
            self.add(&import.from)?;
            let exports = &self.joined[&import.from];
            if let Some(missing) = import.names.iter().find(|of| !exports.contains(*of)) {
                return Err(format!("{name}:{}: {} has no {missing}", import.line, import.from));
            }
        }
        for other in &module.dynamic_imports {
            self.check_leaf(other)?;
        }
        self.pending.pop();
        self.script.insert_str(0, &module.library_imports);
        let Module { body, exports, .. } = module;
        let joined = if name == SCRIPT {
            format!("\n// {name}\n{{\n{body}}}\n")
        } else {
            let names = exports.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!(
                "\n// {name}\nconst {} = (() => {{\n{body}return {{ {names} }};\n}})();\n",
                variable(name)
            )
        };
        self.script.push_str(&joined);
        self.joined.insert(name.to_owned(), exports);
        Ok(())
    }

    /// Fails if a file that is loaded on demand imports others: they would be loaded a second time.
    fn check_leaf(&self, name: &str) -> Result<(), String> {
        let source = text(self.files, name)?;
        match source.lines().position(|line| line.starts_with("import ")) {
            Some(line) => Err(format!(
                "{name}:{}: a module that is loaded on demand imports another",
                line + 1
            )),
            None => Ok(()),
        }
    }
}

/// The constant that holds a module's exports.
fn variable(name: &str) -> String {
    let name = name.strip_suffix(".js").unwrap_or(name);
    format!("${}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

struct Import {
    line: usize,
    names: Vec<String>,
    from: String,
}

/// A module, with as many lines in its body as in its source.
#[derive(Default)]
struct Module {
    imports: Vec<Import>,
    /// The imports from libraries, as they are: these stay files of their own.
    library_imports: String,
    /// The files that are loaded on demand.
    dynamic_imports: Vec<String>,
    exports: BTreeSet<String>,
    body: String,
}

impl Module {
    fn parse(name: &str, source: &str) -> Result<Self, String> {
        let mut module = Self::default();
        let on_demand = format!("() => import('{ADMIN_PREFIX}");
        let mut is_in_comment = false;
        for (number, line) in (1..).zip(source.lines()) {
            let code = without_comments(line, &mut is_in_comment);
            let line = code.as_str();
            let at = |why| format!("{name}:{number}: {why}: {line}");
            if let Some(import) = line.strip_prefix("import ") {
                module.import(number, import, line).ok_or_else(|| {
                    at("an import has the form `import { a, b } from '/admin/assets/…';`")
                })?;
            } else if let Some(export) = line.strip_prefix("export ") {
                module.export(export).ok_or_else(|| {
                    at("an export has the form `export function`, `class` or `const`, or `export { a, b };`")
                })?;
            } else {
                module.body.push_str(line);
            }
            module.body.push('\n');
            let imported = line.split(&on_demand).skip(1);
            let names = imported.filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned()));
            module.dynamic_imports.extend(names.filter(|name| !name.starts_with("vendor/")));
        }
        Ok(module)
    }

    fn import(&mut self, line: usize, import: &str, whole: &str) -> Option<()> {
        let (what, from) = import.strip_suffix("';")?.split_once(" from '")?;
        let from = from.strip_prefix(ADMIN_PREFIX)?.to_owned();
        if from.starts_with("vendor/") {
            self.library_imports.push_str(&format!("{whole}\n"));
            return Some(());
        }
        let names = names_in_braces(what)?;
        self.body.push_str(&format!("const {what} = {};", variable(&from)));
        self.imports.push(Import { line, names, from });
        Some(())
    }

    fn export(&mut self, export: &str) -> Option<()> {
        if let Some(names) = export.strip_suffix(';').and_then(names_in_braces) {
            self.exports.extend(names);
            return Some(());
        }
        let declaration = export.strip_prefix("async ").unwrap_or(export);
        let (kind, rest) = declaration.split_once(' ')?;
        if !["function", "class", "const"].contains(&kind) {
            return None;
        }
        let end = rest.find(|c| !is_in_name(c))?;
        let name = rest.get(..end).filter(|name| !name.is_empty())?;
        self.exports.insert(name.to_owned());
        self.body.push_str(export);
        Some(())
    }
}

/// Removes a comment that begins or goes on where the line begins, and types within the line.
fn without_comments(line: &str, is_in_comment: &mut bool) -> String {
    let mut rest = line;
    let mut code = String::new();
    if !*is_in_comment && line.trim_start().starts_with("//") {
        return code;
    }
    if !*is_in_comment && line.trim_start().starts_with("/*") {
        *is_in_comment = true;
    }
    if *is_in_comment {
        let Some((_, after)) = line.split_once("*/") else { return code };
        *is_in_comment = false;
        rest = after;
    }
    while let Some((before, after)) = rest.split_once("/** ") {
        let Some((_, after)) = after.split_once(" */ ") else { break };
        code.push_str(before);
        rest = after;
    }
    code.push_str(rest);
    code.trim_end().to_owned()
}

/// The names of `{ a, b }`.
fn names_in_braces(text: &str) -> Option<Vec<String>> {
    let names = text.strip_prefix("{ ")?.strip_suffix(" }")?.split(", ");
    let names: Vec<String> = names.map(str::to_owned).collect();
    names.iter().all(|name| !name.is_empty() && name.chars().all(is_in_name)).then_some(names)
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}
