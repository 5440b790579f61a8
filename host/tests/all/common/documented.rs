//! What the page on files says of their fields.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Words in backticks in the first column of the tables of a section of the page on files.
pub fn documented(section: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/files.md");
    let page = std::fs::read_to_string(page).unwrap();
    let level = |line: &str| match line.find(|letter| letter != '#') {
        Some(level @ 1..) => level,
        _ => usize::MAX,
    };
    let heading = format!(" {section}");
    let mut lines = page.lines();
    let found = lines.find(|line| level(line) < usize::MAX && line.ends_with(&heading));
    let found = level(found.unwrap_or_else(|| panic!("no {section}")));
    let rows = lines.take_while(|line| level(line) > found);
    let cells = rows.filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    words.map(str::to_owned).collect()
}

/// A word stands for itself, and where it ends in `…` for all that begin so; with the points to start from or
/// without.
pub fn stands(documented: &BTreeSet<String>, name: &str) -> bool {
    let plain = name.strip_suffix("_with_seeds").unwrap_or(name);
    let open = |word: &String| {
        word.strip_suffix('…')
            .is_some_and(|begin| name.starts_with(begin))
    };
    documented.contains(plain) || documented.iter().any(open)
}

/// The fields of an object, and of all objects in it, that are not documented. The keys of those `by_name` are
/// names of other things, such as strategies, and need no word.
pub fn undocumented(
    documented: &BTreeSet<String>,
    value: &Value,
    by_name: &[&str],
) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let mut rest = vec![(value, false)];
    while let Some((value, is_by_name)) = rest.pop() {
        match value {
            Value::Array(parts) => rest.extend(parts.iter().map(|part| (part, false))),
            Value::Object(fields) => {
                for (name, part) in fields {
                    if !is_by_name && !stands(documented, name) {
                        missing.insert(name.clone());
                    }
                    rest.push((part, !is_by_name && by_name.contains(&name.as_str())));
                }
            }
            _ => {}
        }
    }
    missing
}
