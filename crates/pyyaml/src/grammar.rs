/// Whose scanner and parser read a text.
///
/// libyaml is PyYAML's scanner written in C by the same author, and has been ported on from there; what they disagree
/// about is little, and each of it is a branch on this.
///
/// | | PyYAML | libyaml 0.2.5 | Go's yaml.v2 |
/// |---|---|---|---|
/// | byte order mark | at the very start | at the start of any line, which it indents | at the very start, where one of UTF-16 tells that; elsewhere a character |
/// | tabs | between tokens nowhere | between tokens of a line, and between words of a plain scalar | likewise |
/// | `\\/`, `\\'` in double quotes | the first | the first | the second |
/// | `"\\ud800"` | a lone surrogate | refused | refused |
/// | `:` before `,`, `[`, `]`, `{`, `}` within brackets | ends a plain scalar | refused | is part of it |
/// | `?` within brackets | ends a plain scalar | is part of it | ends it |
/// | `%YAML 1.2`, `%YAML 1.3`, other directives | yes, yes, passed over | yes, refused, refused | refused |
/// | an anchor that stands twice | refused | the last counts | the last counts |
/// | a tag | ends before a space | or a tab; within brackets also before a comma | or a tab |
/// | `|#` | refused | a comment | a comment |
/// | a tab where a block is indented | text | refused | refused |
/// | a key is at most as long as | 1,024 characters | 1,024 bytes | 1,024 characters |
/// | a second document | refused | refused | not looked at |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// PyYAML's.
    PyYaml,
    /// That of libyaml 0.2.5, as unsafe-libyaml 0.2.11 has it and `serde_yaml` asks it.
    LibYaml,
    /// That of gopkg.in/yaml.v2 2.4.0.
    GoYaml,
}

impl Grammar {
    /// Whether it is one of libyaml's.
    pub(super) const fn is_libyaml(self) -> bool {
        !matches!(self, Self::PyYaml)
    }

    /// Lists and mappings within each other.
    ///
    /// CPython's recursion limit stops PyYAML behind 491 when it is called from a bare script, and sooner the more stands
    /// on the caller's stack: two frames a level. Go's port has a limit of its own, `max_flow_level` and `max_indents`;
    /// libyaml has none.
    pub(super) const fn depth_limit(self) -> usize {
        match self {
            Self::PyYaml => 480,
            Self::LibYaml => usize::MAX,
            Self::GoYaml => 10_000,
        }
    }
}
