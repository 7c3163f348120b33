//! Editing list values: the APPEND and SUBTRACT operations of `IncrementalAlterConfigs`.

use crate::value::items;

/// The list with the new items at its end, leaving out those it has already.
#[must_use]
pub fn append(current: &str, added: &str) -> String {
    let mut all: Vec<&str> = items(current).collect();
    for item in items(added) {
        if !all.contains(&item) {
            all.push(item);
        }
    }
    all.join(",")
}

/// The list without these items.
#[must_use]
pub fn subtract(current: &str, removed: &str) -> String {
    let removed: Vec<&str> = items(removed).collect();
    let kept: Vec<&str> = items(current)
        .filter(|item| !removed.contains(item))
        .collect();
    kept.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_twice_changes_nothing_the_second_time() {
        let once = append("delete", "compact");
        assert_eq!(once, "delete,compact");
        assert_eq!(append(&once, "compact,delete"), once);
        assert_eq!(append("", "a"), "a");
    }

    #[test]
    fn subtracting_what_is_not_there_changes_nothing() {
        assert_eq!(subtract("a, b,c", "b,x"), "a,c");
        assert_eq!(subtract("a", "a"), "");
    }
}
