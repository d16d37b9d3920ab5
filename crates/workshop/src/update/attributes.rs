//! Owners and permissions of files in an image, as `--chown`, `--chmod` and later `RUN chown`, `RUN chmod` give them.

/// What a copy and the steps after it make of owner and permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) owner: Owner,
    /// In the order they are made.
    pub(super) modes: Vec<ModeChange>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            owner: Owner::root(),
            modes: Vec::new(),
        }
    }
}

impl Attributes {
    /// The permissions of what was copied with these.
    pub(super) fn mode(&self, copied: u32, is_directory: bool) -> u32 {
        self.modes
            .iter()
            .fold(copied, |mode, change| change.apply(mode, is_directory))
    }
}

/// To whom a file belongs: numbers, or names that only the image knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    user: String,
    /// Without one it is the user's own.
    group: Option<String>,
}

impl Owner {
    /// To whom everything belongs that nothing else is said of.
    pub(super) fn root() -> Self {
        Self {
            user: "0".to_owned(),
            group: Some("0".to_owned()),
        }
    }

    /// As `COPY --chown` reads it. `None` for what only the build knows.
    pub(super) fn of_copy(text: &str) -> Option<Self> {
        let (user, group) = parts(text)?;
        let user = user?;
        // A number stands for a group as well.
        let group = group
            .flatten()
            .or_else(|| is_number(&user).then(|| user.clone()));
        Some(Self { user, group })
    }

    /// As the program `chown` changes it.
    pub(super) fn changed(self, text: &str) -> Option<Self> {
        let (user, group) = parts(text)?;
        Some(Self {
            group: match group {
                Some(named) => named,
                None => self.group,
            },
            user: user.unwrap_or(self.user),
        })
    }

    /// User and group, where both are numbers.
    pub(super) fn numbers(&self) -> Option<(u64, u64)> {
        Some((
            self.user.parse().ok()?,
            self.group.as_deref()?.parse().ok()?,
        ))
    }

    /// `user` or `user:group`.
    pub(super) fn text(&self) -> String {
        match &self.group {
            Some(group) => format!("{}:{group}", self.user),
            None => self.user.clone(),
        }
    }
}

type Part = Option<String>;

/// User and group; the group is `Some(None)` where a colon stands without one.
fn parts(text: &str) -> Option<(Part, Option<Part>)> {
    if text.contains(['$', '.', '"', ' ']) || text.is_empty() {
        return None;
    }
    let named = |part: &str| match part {
        "" => None,
        "root" => Some("0".to_owned()),
        part => Some(part.to_owned()),
    };
    Some(match text.split_once(':') {
        Some((user, group)) => (named(user), Some(named(group))),
        None => (named(text), None),
    })
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

/// One change of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ModeChange {
    Set(u32),
    Clauses(Vec<Clause>),
}

/// `u+x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Which of the nine bits it is about.
    who: u32,
    operator: char,
    bits: u32,
    /// `X`: executable for directories, and for what already is.
    conditional: bool,
}

impl ModeChange {
    /// As `chmod` reads it. `None` for what is not understood: sticky bits, copies of other bits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if (3..=4).contains(&text.len()) && text.bytes().all(|digit| matches!(digit, b'0'..=b'7')) {
            let mode = u32::from_str_radix(text, 8).ok()?;
            return (mode <= 0o777).then_some(Self::Set(mode));
        }
        let clauses: Option<Vec<Clause>> = text.split(',').map(clause).collect();
        clauses.map(Self::Clauses)
    }

    pub(super) fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Set(mode) => *mode,
            Self::Clauses(clauses) => clauses.iter().fold(mode, |mode, clause| {
                let executable = is_directory || mode & 0o111 != 0;
                let bits = clause.bits
                    | if clause.conditional && executable {
                        0o111
                    } else {
                        0
                    };
                match clause.operator {
                    '+' => mode | (bits & clause.who),
                    '-' => mode & !(bits & clause.who),
                    _ => (mode & !clause.who) | (bits & clause.who),
                }
            }),
        }
    }
}

fn clause(text: &str) -> Option<Clause> {
    let place = text.find(['+', '-', '='])?;
    let (who, rest) = text.split_at(place);
    let operator = rest.chars().next()?;
    let mut clause = Clause {
        who: if who.is_empty() { 0o777 } else { 0 },
        operator,
        bits: 0,
        conditional: false,
    };
    for letter in who.chars() {
        clause.who |= match letter {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            'a' => 0o777,
            _ => return None,
        };
    }
    for letter in rest.get(1..)?.chars() {
        match letter {
            'r' => clause.bits |= 0o444,
            'w' if who.is_empty() => return None, // The mask of the shell decides.
            'w' => clause.bits |= 0o222,
            'x' => clause.bits |= 0o111,
            'X' => clause.conditional = true,
            _ => return None,
        }
    }
    Some(clause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_change_as_chmod_changes_them() {
        for (text, before, is_directory, after) in [
            ("755", 0o644, false, Some(0o755)),
            ("0600", 0o755, false, Some(0o600)),
            ("+x", 0o644, false, Some(0o755)),
            ("u+x", 0o644, false, Some(0o744)),
            ("a-x", 0o755, false, Some(0o644)),
            ("u=rwX,go=rX", 0o644, false, Some(0o644)),
            ("u=rwX,go=rX", 0o600, true, Some(0o755)),
            ("go-rwx", 0o755, false, Some(0o700)),
            ("4755", 0o644, false, None),
            ("+s", 0o644, false, None),
            ("u=g", 0o644, false, None),
            ("rwx", 0o644, false, None),
            ("", 0o644, false, None),
        ] {
            let changed = ModeChange::parse(text).map(|change| change.apply(before, is_directory));
            assert_eq!(changed, after, "{text}");
        }
    }

    #[test]
    fn owners_are_numbers_where_they_can_be() {
        let copied = |text: &str| Owner::of_copy(text).map(|owner| (owner.numbers(), owner.text()));
        assert_eq!(
            copied("1000"),
            Some((Some((1000, 1000)), "1000:1000".into()))
        );
        assert_eq!(
            copied("1000:50"),
            Some((Some((1000, 50)), "1000:50".into()))
        );
        assert_eq!(copied("app"), Some((None, "app".into())));
        assert_eq!(copied("app:staff"), Some((None, "app:staff".into())));
        assert_eq!(copied("root:root"), Some((Some((0, 0)), "0:0".into())));
        assert_eq!(copied("$USER"), None);
        let changed = |text: &str| Owner::root().changed(text).map(|owner| owner.text());
        assert_eq!(changed("app"), Some("app:0".into()));
        assert_eq!(changed("app:"), Some("app".into()));
        assert_eq!(changed(":staff"), Some("0:staff".into()));
        assert_eq!(changed("app.staff"), None);
    }
}
