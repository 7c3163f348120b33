//! Why bytes could not be read, or a value not be written.

/// The bytes are not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("{wanted} bytes wanted at byte {position}, {remaining} left")]
    UnexpectedEnd {
        /// Where the value starts.
        position: usize,
        /// How many bytes the value takes.
        wanted: usize,
        /// How many there are.
        remaining: usize,
    },
    /// A length or count below −1.
    #[error("length {length} before byte {position}")]
    NegativeLength {
        /// Where the length ends.
        position: usize,
        /// The length.
        length: i32,
    },
    /// A null where this version allows none.
    #[error("null before byte {position} where none is allowed")]
    UnexpectedNull {
        /// Where the null ends.
        position: usize,
    },
    /// More elements are announced than bytes remain.
    #[error("array of {count} elements at byte {position} with {remaining} bytes left")]
    TooManyElements {
        /// Where the first element would start.
        position: usize,
        /// The announced count.
        count: usize,
        /// How many bytes there are.
        remaining: usize,
    },
    /// The elements announced so far take more memory than this input may ask for.
    #[error("array at byte {position} takes {wanted} bytes of memory, {allowed} allowed")]
    TooMuchMemory {
        /// Where the first element would start.
        position: usize,
        /// What the array takes.
        wanted: usize,
        /// What is left of the allowance.
        allowed: usize,
    },
    /// A variable-length integer does not end, or exceeds 32 bits.
    #[error("variable-length integer before byte {position} exceeds 32 bits")]
    VarintTooLong {
        /// Where reading stopped.
        position: usize,
    },
    /// A string is longer than 32,767 bytes.
    #[error("string of {length} bytes at byte {position} exceeds 32767")]
    StringTooLong {
        /// Where the string starts.
        position: usize,
        /// Its announced length.
        length: usize,
    },
    /// A string is not UTF-8.
    #[error("string before byte {position} is not utf-8")]
    InvalidUtf8 {
        /// Where the string ends.
        position: usize,
    },
    /// A tagged field's value is shorter or longer than its announced size.
    #[error("tagged field {tag} ends at byte {position}, not at its announced end")]
    TagSize {
        /// The tag.
        tag: u32,
        /// Where its value ends.
        position: usize,
    },
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// The schema's name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}

/// The value cannot be said in this version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A field is set that the version lacks, and that must not be dropped silently.
    #[error("{field} is set but version {version} has no such field")]
    FieldNotInVersion {
        /// The schema's name of the field.
        field: &'static str,
        /// The version to write.
        version: i16,
    },
    /// A field is null in a version that allows no null.
    #[error("{field} is null, which version {version} does not allow")]
    NullNotAllowed {
        /// The schema's name of the field.
        field: &'static str,
        /// The version to write.
        version: i16,
    },
    /// A string is longer than 32,767 bytes.
    #[error("string of {length} bytes exceeds 32767")]
    StringTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// An array, a byte string or the whole message exceeds 2³¹ − 1.
    #[error("length {length} exceeds 2147483647")]
    TooLong {
        /// The length or count.
        length: usize,
    },
    /// The message has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// The schema's name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
}
