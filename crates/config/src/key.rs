//! What is known about one configuration key.

use std::fmt;

use crate::rule::Rule;

/// What a key configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A node: `server.properties` and dynamic broker configs.
    Broker,
    /// A topic.
    Topic,
    /// A group, of any type.
    Group,
    /// A client metrics subscription (KIP-714).
    ClientMetrics,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broker => "broker",
            Self::Topic => "topic",
            Self::Group => "group",
            Self::ClientMetrics => "client metrics",
        })
    }
}

/// The type of a key's value. The discriminant is the code of a `DescribeConfigs` response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean = 1,
    /// Text.
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A floating point number.
    Double = 6,
    /// Texts separated by commas.
    List = 7,
    /// The name of a Java class. Accepted and kept; nothing is ever loaded.
    Class = 8,
    /// Text that is never shown.
    Password = 9,
}

impl Kind {
    /// The code of a `DescribeConfigs` response.
    #[must_use]
    pub const fn to_wire(self) -> i8 {
        self as i8
    }

    /// The name in messages: `INT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How a broker key may change while the node runs. Keys of other scopes always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Only by a restart.
    ReadOnly,
    /// For one broker at a time.
    PerBroker,
    /// For one broker or for all.
    ClusterWide,
}

/// How much a key matters, as documentation sorts keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Importance {
    /// Look at it before production.
    High,
    /// Worth knowing.
    Medium,
    /// Leave it.
    Low,
}

/// One configuration key. Const data; compare by [`Key::name`].
#[derive(Clone, Copy, Debug)]
pub struct Key {
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    rule: Rule,
    mode: Mode,
    importance: Importance,
    synonyms: &'static [&'static str],
    hidden: bool,
}

impl Key {
    /// The name, as in `server.properties`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The type of the value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The default as text, `None` for null: Kafka's, but for the few that docs/compatibility.md lists.
    #[must_use]
    pub const fn default_text(&self) -> Option<&'static str> {
        self.default
    }

    /// What a value must satisfy beyond its type.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// Whether and how a broker key changes at run time.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// How much the key matters.
    #[must_use]
    pub const fn importance(&self) -> Importance {
        self.importance
    }

    /// For a topic's or group's key: the broker keys that stand in when it is not set, most
    /// telling first.
    #[must_use]
    pub const fn synonym_names(&self) -> &'static [&'static str] {
        self.synonyms
    }

    /// The name, as a list of one.
    pub(crate) const fn own_name(&'static self) -> &'static [&'static str] {
        std::slice::from_ref(&self.name)
    }

    /// Whether descriptions leave the key out.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether the value must never be shown.
    #[must_use]
    pub const fn is_sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }
}

/// The words the table is written in.
impl Key {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            default: None,
            rule: Rule::Any,
            mode: Mode::ReadOnly,
            importance: Importance::Medium,
            synonyms: &[],
            hidden: false,
        }
    }

    pub(crate) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    pub(crate) const fn rule_is(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    pub(crate) const fn at_least(self, min: i64) -> Self {
        self.rule_is(Rule::Between(min, i64::MAX))
    }

    pub(crate) const fn between(self, min: i64, max: i64) -> Self {
        self.rule_is(Rule::Between(min, max))
    }

    pub(crate) const fn within(self, min: f64, max: f64) -> Self {
        self.rule_is(Rule::Within(min, max))
    }

    pub(crate) const fn one_of(self, words: &'static [&'static str]) -> Self {
        self.rule_is(Rule::OneOf(words))
    }

    pub(crate) const fn one_of_any_case(self, words: &'static [&'static str]) -> Self {
        self.rule_is(Rule::OneOfAnyCase(words))
    }

    pub(crate) const fn non_empty(self) -> Self {
        self.rule_is(Rule::NonEmpty)
    }

    pub(crate) const fn cluster_wide(mut self) -> Self {
        self.mode = Mode::ClusterWide;
        self
    }

    pub(crate) const fn per_broker(mut self) -> Self {
        self.mode = Mode::PerBroker;
        self
    }

    pub(crate) const fn high(mut self) -> Self {
        self.importance = Importance::High;
        self
    }

    pub(crate) const fn low(mut self) -> Self {
        self.importance = Importance::Low;
        self
    }

    pub(crate) const fn synonyms(mut self, names: &'static [&'static str]) -> Self {
        self.synonyms = names;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }
}

macro_rules! constructors {
    ($($function:ident $kind:ident,)*) => {
        $(pub(crate) const fn $function(name: &'static str) -> Key {
            Key::new(name, Kind::$kind)
        })*
    };
}

constructors! {
    boolean Boolean,
    string String,
    int Int,
    short Short,
    long Long,
    double Double,
    list List,
    class Class,
    password Password,
}
