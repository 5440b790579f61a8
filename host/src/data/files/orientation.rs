//! Which of two files has its rows and columns exchanged.

use super::Signal;

/// What to warn of where the names of the axes say that one of two square files is stored with its columns
/// first: nothing else would tell.
pub fn orientation(image: &Signal, response: &Signal) -> Option<String> {
    let (rows, columns) = image.area();
    let first = |signal: &Signal| {
        signal
            .names()
            .and_then(|(rows, columns)| columns_first(rows, columns))
    };
    let (of_image, of_response) = (first(image), first(response));
    // A file without names is taken for rows first, as images are.
    let differ = of_image.unwrap_or(false) != of_response.unwrap_or(false);
    if rows != columns || !differ {
        return None;
    }
    let (file, other, which) = if of_response == Some(true) {
        ("response", "image", "--transpose")
    } else {
        ("image", "response", "--transpose image")
    };
    let signal = if of_response == Some(true) {
        response
    } else {
        image
    };
    let (slow, fast) = signal.names().unwrap_or_default();
    let told = if of_image.is_some() && of_response.is_some() {
        "whose axes are named the other way round"
    } else {
        "which names no axes"
    };
    Some(format!(
        "the axes of the {file} are named `{slow}`, then `{fast}`, as if it stored columns first, \
         beside the {other}, {told}; if so, say {which}"
    ))
}

/// Whether the names of two axes say that the first runs along a row.
fn columns_first(first: &str, second: &str) -> Option<bool> {
    let runs_across = |name: &str| match name.trim().to_lowercase().as_str() {
        "x" | "width" | "column" | "columns" => Some(true),
        "y" | "height" | "row" | "rows" => Some(false),
        _ => None,
    };
    match (runs_across(first)?, runs_across(second)?) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_contradict_a_row_first_image_are_told() {
        assert_eq!(columns_first("x", "y"), Some(true));
        assert_eq!(columns_first("height", "width"), Some(false));
        assert_eq!(columns_first("x", "Energy"), None);
        assert_eq!(columns_first("x", "width"), None);
    }
}
