//! How one field looks in Rust: its name, type, default, and the conditions on its version.

use anyhow::Context;

use super::snake_case;
use crate::codegen::schema::{Field, Fixed, Kind};
use crate::codegen::versions::Versions;

impl Fixed {
    pub(super) fn rust_type(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "i8",
            Self::Int16 => "i16",
            Self::Uint16 => "u16",
            Self::Int32 => "i32",
            Self::Int64 => "i64",
            Self::Float64 => "f64",
            Self::Uuid => "Uuid",
        }
    }

    /// The name of its methods in `Reader` and `Writer`.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            other => other.rust_type(),
        }
    }

    pub(super) fn wire_bytes(self) -> usize {
        match self {
            Self::Bool | Self::Int8 => 1,
            Self::Int16 | Self::Uint16 => 2,
            Self::Int32 => 4,
            Self::Int64 | Self::Float64 => 8,
            Self::Uuid => 16,
        }
    }
}

impl Kind {
    pub(super) fn rust_type(&self) -> String {
        match self {
            Self::Fixed(fixed) => fixed.rust_type().to_owned(),
            Self::String => "Str".to_owned(),
            Self::Bytes => "Bytes".to_owned(),
            Self::Records => "RecordSet".to_owned(),
            Self::Struct(name) => name.clone(),
            Self::Array(element) => format!("Vec<{}>", element.rust_type()),
        }
    }

    fn schema_type(&self) -> String {
        match self {
            Self::Fixed(fixed) => format!("{fixed:?}").to_lowercase(),
            Self::Array(element) => format!("[]{}", element.schema_type()),
            Self::String | Self::Bytes | Self::Records => self.rust_name().to_lowercase(),
            Self::Struct(name) => name.clone(),
        }
    }

    fn rust_name(&self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Bytes => "Bytes",
            Self::Records => "Records",
            Self::Fixed(_) | Self::Struct(_) | Self::Array(_) => "",
        }
    }
}

impl Field {
    pub(super) fn ident(&self) -> String {
        snake_case(&self.name)
    }

    pub(super) fn rust_type(&self) -> String {
        let inner = self.kind.rust_type();
        if self.is_nullable() {
            format!("Option<{inner}>")
        } else {
            inner
        }
    }

    /// The condition under which a `version` of the struct has this field.
    pub(super) fn present(&self, live: Versions) -> Option<String> {
        self.versions.condition(live)
    }

    /// The condition under which a `version` with this field allows null.
    pub(super) fn null_allowed(&self) -> Option<String> {
        self.nullable.condition(self.versions)
    }

    /// The default as a Rust expression.
    pub(super) fn default_value(&self) -> anyhow::Result<String> {
        let is_null = self.default == "null" || matches!(self.kind, Kind::Records);
        if self.is_nullable() && is_null {
            return Ok("None".to_owned());
        }
        let value = match &self.kind {
            Kind::Fixed(Fixed::Bool) => self.default.eq_ignore_ascii_case("true").to_string(),
            Kind::Fixed(Fixed::Uuid) => "Uuid::ZERO".to_owned(),
            Kind::Fixed(Fixed::Float64) if self.default.is_empty() => "0.0".to_owned(),
            Kind::Fixed(_) => number(self.default_number()?),
            Kind::String if self.default.is_empty() => "Str::new()".to_owned(),
            Kind::String => format!("Str::from_static({:?})", self.default),
            Kind::Bytes => "Bytes::new()".to_owned(),
            Kind::Records => "RecordSet::new()".to_owned(),
            Kind::Struct(name) => format!("{name}::default()"),
            Kind::Array(_) => "Vec::new()".to_owned(),
        };
        Ok(if self.is_nullable() {
            format!("Some({value})")
        } else {
            value
        })
    }

    fn default_number(&self) -> anyhow::Result<i64> {
        let text = self.default.as_str();
        let number = match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None if text.is_empty() => Ok(0),
            None => text.parse(),
        };
        number.with_context(|| format!("default {text:?} of {}", self.name))
    }

    /// Whether the default is what Rust's `Default` gives.
    pub(super) fn is_default_trivial(&self) -> anyhow::Result<bool> {
        let value = self.default_value()?;
        Ok(match value.as_str() {
            "0" | "0.0" | "false" | "None" | "Uuid::ZERO" => true,
            other => other.ends_with("::new()") || other.ends_with("::default()"),
        })
    }

    /// An expression that says whether `self` has the default in this field.
    pub(super) fn has_default(&self) -> anyhow::Result<String> {
        let ident = self.ident();
        let value = self.default_value()?;
        Ok(match value.as_str() {
            "None" => format!("self.{ident}.is_none()"),
            "false" => format!("!self.{ident}"),
            "true" => format!("self.{ident}"),
            "Uuid::ZERO" => format!("self.{ident}.is_zero()"),
            "Str::new()" | "Bytes::new()" | "Vec::new()" | "RecordSet::new()" => {
                format!("self.{ident}.is_empty()")
            }
            other if other.starts_with("Some(") && matches!(self.kind, Kind::Struct(_)) => {
                let inner = self.kind.rust_type();
                format!("self.{ident}.as_ref().is_some_and(|value| *value == {inner}::default())")
            }
            other if other.starts_with("Some(") => {
                format!("self.{ident}.as_ref().is_some_and(|value| value.is_empty())")
            }
            other => format!("self.{ident} == {other}"),
        })
    }

    /// One line that repeats what the schema says.
    pub(super) fn doc(&self, live: Versions) -> String {
        let mut doc = format!("`{}`", self.kind.schema_type());
        if self.present(live).is_some() {
            doc += &format!(", versions {}", range(self.versions, live));
        }
        if let Some(tag) = self.tag {
            doc += &format!(", tag {tag}");
        }
        if self.is_nullable() {
            doc += ", nullable";
            if self.null_allowed().is_some() {
                doc += &format!(" in versions {}", range(self.nullable, live));
            }
        }
        let default = self.default.to_lowercase();
        if !matches!(default.as_str(), "" | "null" | "0" | "false") {
            doc += &format!(", default {default}");
        }
        if self.is_ignorable && self.present(live).is_some() {
            doc += ", ignorable";
        }
        doc
    }
}

/// The number, or its name if it is a limit.
fn number(number: i64) -> String {
    match number {
        i64::MAX => "i64::MAX".to_owned(),
        2_147_483_647 => "i32::MAX".to_owned(),
        -2_147_483_648 => "i32::MIN".to_owned(),
        other => other.to_string(),
    }
}

/// `3+` or `3–5`, within the live versions.
fn range(versions: Versions, live: Versions) -> String {
    let inner = versions.and(live);
    if inner.max == live.max {
        format!("{}+", inner.min)
    } else if inner.min == inner.max {
        inner.min.to_string()
    } else {
        format!("{}-{}", inner.min, inner.max)
    }
}
