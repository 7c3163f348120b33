//! Which names a topic may have.

/// Longest name, so that a partition's folder name fits every file system.
const LEN_MAX: usize = 249;

/// Why a text cannot be a topic's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No character.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// `.` or `..`, which are folders.
    #[error("Topic name is invalid: '{0}' is not allowed")]
    Dots(String),
    /// More characters than a folder's name can have.
    #[error(
        "Topic name is invalid: the length of '{0}' is longer than the max allowed length {LEN_MAX}"
    )]
    TooLong(String),
    /// A character that folders, metrics or patterns could not carry.
    #[error(
        "Topic name is invalid: '{0}' contains one or more characters other than ASCII \
         alphanumerics, '.', '_' and '-'"
    )]
    Character(String),
}

/// Checks a topic's name: 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
///
/// # Errors
/// What is wrong with it.
pub fn check_topic_name(name: &str) -> Result<(), InvalidName> {
    match name {
        "" => return Err(InvalidName::Empty),
        "." | ".." => return Err(InvalidName::Dots(name.to_owned())),
        _ => {}
    }
    if name.len() > LEN_MAX {
        return Err(InvalidName::TooLong(shortened(name)));
    }
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.chars().all(is_legal) {
        return Err(InvalidName::Character(name.to_owned()));
    }
    Ok(())
}

/// Replicas of an internal topic, as soon as there are so many brokers.
pub(super) const INTERNAL_REPLICATION_FACTOR: usize = 3;

/// Whether brokers keep their own data in that topic: it must never lose a record, whatever is
/// configured.
pub(super) fn is_internal(name: &str) -> bool {
    matches!(
        name,
        "__consumer_offsets" | "__transaction_state" | "__share_group_state"
    )
}

/// A name of any length as it may stand in an answer.
fn shortened(name: &str) -> String {
    const SHOWN_CHARS: usize = LEN_MAX + 1;
    let mut shown: String = name.chars().take(SHOWN_CHARS).collect();
    if shown.len() < name.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names_are_letters_digits_dots_underscores_and_dashes() {
        let longest = "x".repeat(LEN_MAX);
        for name in ["a", "A.b_c-9", "...", "__consumer_offsets", &longest] {
            assert_eq!(check_topic_name(name), Ok(()), "{name}");
        }
    }

    // The texts are those of Apache Kafka 4.3.1.
    #[test]
    fn illegal_names_are_refused_in_kafkas_words() {
        let text = |name: &str| check_topic_name(name).expect_err(name).to_string();
        assert_eq!(
            text(""),
            "Topic name is invalid: the empty string is not allowed"
        );
        assert_eq!(text("."), "Topic name is invalid: '.' is not allowed");
        assert_eq!(text(".."), "Topic name is invalid: '..' is not allowed");
        assert_eq!(
            text("a b"),
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'"
        );
        let long = "a".repeat(LEN_MAX + 1);
        assert_eq!(
            text(&long),
            format!(
                "Topic name is invalid: the length of '{long}' is longer than the max allowed \
                 length 249"
            )
        );
        for name in ["naïve", "a/b", "a\0b", "a\nb"] {
            assert!(matches!(
                check_topic_name(name),
                Err(InvalidName::Character(_))
            ));
        }
    }

    #[test]
    fn an_answer_never_repeats_a_name_of_any_length() {
        let text = check_topic_name(&"a".repeat(30_000)).expect_err("too long");
        assert!(text.to_string().len() < 400);
    }
}
