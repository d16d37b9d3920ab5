//! Taking out of a text what is nobody else's business: credentials, tokens, the person's name, the path of their home.
//!
//! What a report shows was never meant to hold a secret. This is the second lock: lines of tools and logs are evidence, and
//! nobody knows what those say.

use super::surroundings::Surroundings;

/// Stands for what was cut.
const CUT: &str = "[cut]";
/// Words of so many letters that are no words are taken for tokens.
const TOKEN_LETTERS: usize = 24;
/// What secrets are called.
const SECRET_NAMES: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api_key",
    "api-key",
    "authorization",
];
/// With what well-known tokens begin.
const TOKEN_BEGINNINGS: [&str; 11] = [
    "sk-",
    "pk-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "eyJ",
    "hf_",
];
/// Names of accounts that are nobody's.
const NOBODYS: [&str; 6] = ["root", "user", "admin", "nobody", "runner", "nasiko"];

/// Cuts from texts what is private.
pub(super) struct Redactor {
    /// Homes, the longest first, with what stands for each.
    places: Vec<(String, &'static str)>,
    user: Option<String>,
}

impl Redactor {
    pub(super) fn new(surroundings: &Surroundings) -> Self {
        let named = |name: &str| {
            let value = surroundings.variable(name)?.to_str()?;
            Some(value.trim_end_matches('/').to_owned())
        };
        let mut places: Vec<(String, &'static str)> = ["HOME", "USERPROFILE"]
            .into_iter()
            .filter_map(named)
            .filter(|home| home.len() > 1)
            .map(|home| (home, "~"))
            .collect();
        places.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(named);
        Self {
            places,
            user: user.filter(|user| user.len() > 2 && !NOBODYS.contains(&user.as_str())),
        }
    }

    /// The text without what is private.
    pub(super) fn cut(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (place, stands_for) in &self.places {
            text = replace_whole(&text, place, stands_for, |before, after| {
                !before.is_some_and(is_of_name) && !after.is_some_and(is_of_name)
            });
        }
        for homes in ["/home/", "/Users/", "C:\\Users\\"] {
            text = without_names_below(&text, homes);
        }
        let text = without_credentials(&text);
        let text = self.user.as_ref().map_or(text.clone(), |user| {
            replace_whole(&text, user, "[user]", |before, after| {
                !before.is_some_and(is_of_name) && !after.is_some_and(is_of_name)
            })
        });
        without_tokens(&text)
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Replaces a word where what is around it makes it one.
fn replace_whole(
    text: &str,
    word: &str,
    by: &str,
    is_whole: impl Fn(Option<char>, Option<char>) -> bool,
) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        result.push_str(before);
        let is_it = is_whole(result.chars().next_back(), after.chars().next());
        result.push_str(if is_it { by } else { word });
        rest = after;
    }
    result.push_str(rest);
    result
}

/// `/home/somebody/x` becomes `~/x`.
fn without_names_below(text: &str, homes: &str) -> String {
    let mut parts = text.split(homes);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push('~');
        let end = part.find(|letter: char| !(is_of_name(letter) || "-.@".contains(letter)));
        result.push_str(end.and_then(|end| part.get(end..)).unwrap_or_default());
    }
    result
}

/// `https://somebody:secret@host/` becomes `https://[cut]@host/`.
pub(super) fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("://");
        let authority = part
            .find(|letter: char| letter.is_whitespace() || "/?#\"'<>".contains(letter))
            .unwrap_or(part.len());
        let (authority, rest) = part.split_at(authority);
        match authority.rsplit_once('@') {
            Some((_, host)) => result.extend([CUT, "@", host]),
            None => result.push_str(authority),
        }
        result.push_str(rest);
    }
    result
}

/// Cuts values that are called secret, and words that look like tokens.
fn without_tokens(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut is_secret_next = false;
    let mut word = String::new();
    // The separators of words stay as they are.
    for letter in text.chars().chain(['\n']) {
        let is_part = letter.is_alphanumeric() || "_-.+~".contains(letter);
        if is_part {
            word.push(letter);
            continue;
        }
        if !word.is_empty() {
            let lower = word.to_ascii_lowercase();
            let is_scheme = matches!(lower.as_str(), "bearer" | "basic");
            if is_scheme {
                is_secret_next = true;
                result.push_str(&word);
            } else if is_secret_next || is_token(&word) {
                is_secret_next = false;
                result.push_str(CUT);
            } else {
                // Only `name=value` and `name: value`: a sentence may well speak of a token.
                is_secret_next =
                    "=:".contains(letter) && SECRET_NAMES.iter().any(|name| lower.contains(name));
                result.push_str(&word);
            }
            word.clear();
        }
        if letter == '\n' {
            is_secret_next = false;
        }
        result.push(letter);
    }
    result.pop();
    result
}

/// A well-known beginning, or long and of letters and digits as no word is.
fn is_token(word: &str) -> bool {
    let known = TOKEN_BEGINNINGS
        .iter()
        .any(|beginning| word.starts_with(beginning) && word.len() > beginning.len() + 8);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    known || (word.len() >= TOKEN_LETTERS && digits >= 4 && letters >= 4 && !word.contains('.'))
}
