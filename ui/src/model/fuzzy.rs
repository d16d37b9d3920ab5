//! Fuzzy matching as in an editor's palette: the letters of what was typed occur in this order, and where they stand
//! decides how good the match is. Small on purpose: it is carried in the page's program.

/// A letter that fits.
const MATCH: i32 = 16;
/// It follows the letter before it.
const CONSECUTIVE: i32 = 9;
/// It begins the text.
const BEGINS_TEXT: u8 = 12;
/// It begins a word.
const BEGINS_WORD: u8 = 9;
/// It begins a part of a word: `invoiceReader`, `v2`.
const BEGINS_PART: u8 = 7;
/// Letters were left out before it: the first of them, and each other one.
const GAP: i32 = 4;
const GAP_GROWS: i32 = 1;
/// Letters left out before the first that fits cost no more than this.
const MOST_LEADING: i32 = 10;
/// No way to match.
const NEVER: i32 = i32::MIN / 2;

/// Letters of a text that are looked at; what follows can be read but not found.
const MOST_TEXT: usize = 160;
/// Letters of a word of the pattern that count.
const MOST_WORD: usize = 32;
/// Words of a pattern that count.
const MOST_WORDS: usize = 6;

/// A text made ready to be looked through many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Haystack {
    letters: Box<[char]>,
    bonus: Box<[u8]>,
    mask: u64,
}

impl Haystack {
    /// Makes a text ready.
    pub(crate) fn new(text: &str) -> Self {
        let mut letters = Vec::new();
        let mut bonus = Vec::new();
        let mut before = None;
        for letter in text.chars().take(MOST_TEXT) {
            bonus.push(bonus_of(before, letter));
            letters.push(folded(letter));
            before = Some(letter);
        }
        Self {
            mask: mask(&letters),
            letters: letters.into(),
            bonus: bonus.into(),
        }
    }

    /// How many letters are looked at.
    pub(crate) fn len(&self) -> usize {
        self.letters.len()
    }
}

/// What was typed: words in any order, each of whose letters occur in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pattern {
    words: Vec<Box<[char]>>,
    mask: u64,
}

impl Pattern {
    /// Reads what was typed; letter case has no meaning.
    pub(crate) fn new(typed: &str) -> Self {
        Self::of_words(typed.split_whitespace())
    }

    /// A pattern of these words.
    pub(crate) fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<Box<[char]>> = words
            .into_iter()
            .take(MOST_WORDS)
            .map(|word| word.chars().take(MOST_WORD).map(folded).collect())
            .collect();
        Self {
            mask: words.iter().fold(0, |all, word| all | mask(word)),
            words,
        }
    }

    /// Nothing was typed: everything matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well a text matches, more is better; nothing if it does not.
    pub(crate) fn score(&self, text: &Haystack, scratch: &mut Scratch) -> Option<i32> {
        if self.mask & !text.mask != 0 {
            return None;
        }
        // Most texts are sorted out here, so that the costly part sees few.
        if !self.words.iter().all(|word| occurs(word, &text.letters)) {
            return None;
        }
        let words = self.words.iter();
        words
            .map(|word| scratch.fill(word, text).map(|(score, _)| score))
            .sum()
    }

    /// The letters of a text that match, in order; empty if it does not match.
    pub(crate) fn positions(&self, text: &Haystack, scratch: &mut Scratch) -> Vec<usize> {
        let mut all = Vec::new();
        for word in &self.words {
            let Some((_, end)) = scratch.fill(word, text) else {
                return Vec::new();
            };
            scratch.trace(word.len(), text.len(), end, &mut all);
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Room that is used again for each text.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// For each letter of the word and each of the text: the best score with the one at the other.
    at: Vec<i32>,
    /// The same with the word's letter somewhere before it, what was left out since taken off.
    before: Vec<i32>,
}

impl Scratch {
    /// The best score of `word` in `text`, and where its last letter stands then.
    fn fill(&mut self, word: &[char], text: &Haystack) -> Option<(i32, usize)> {
        let wide = text.letters.len();
        if word.is_empty() || word.len() > wide {
            return None;
        }
        self.at.clear();
        self.at.resize(word.len() * wide, NEVER);
        self.before.clear();
        self.before.resize(word.len() * wide, NEVER);
        for (row, letter) in word.iter().enumerate() {
            let (above, here) = (row.saturating_sub(1) * wide, row * wide);
            let mut gap = NEVER;
            for place in row..wide {
                self.before[here + place] = gap;
                if text.letters[place] == *letter {
                    let bonus = i32::from(text.bonus[place]);
                    let reached = if row == 0 {
                        -i32::try_from(place)
                            .unwrap_or(MOST_LEADING)
                            .min(MOST_LEADING)
                            / 2
                    } else {
                        let follows = self.at[above + place - 1] + CONSECUTIVE;
                        follows.max(self.before[above + place])
                    };
                    self.at[here + place] = reached + MATCH + bonus;
                }
                gap = (gap - GAP_GROWS).max(self.at[here + place] - GAP);
            }
        }
        let last = &self.at[(word.len() - 1) * wide..];
        let (end, score) = last.iter().enumerate().max_by_key(|(_, score)| **score)?;
        (*score > NEVER / 2).then_some((*score, end))
    }

    /// Goes the way of the best score back, from where the last letter stands.
    fn trace(&self, rows: usize, wide: usize, end: usize, found: &mut Vec<usize>) {
        let mut place = end;
        found.push(place);
        for row in (0..rows.saturating_sub(1)).rev() {
            let here = row * wide;
            let follows = self.at[here + place - 1] + CONSECUTIVE;
            if follows >= self.before[here + place] {
                place -= 1;
            } else {
                // The one before it whose score, less what was left out, is what was added to.
                let wanted = self.before[here + place];
                let cost = |from: usize| {
                    GAP + GAP_GROWS * i32::try_from(place - from - 1).unwrap_or(i32::MAX / 2)
                };
                let mut places = (row..place).rev();
                match places.find(|from| self.at[here + from].saturating_sub(cost(*from)) == wanted)
                {
                    Some(from) => place = from,
                    None => return,
                }
            }
            found.push(place);
        }
    }
}

/// Whether the letters occur in this order.
fn occurs(word: &[char], text: &[char]) -> bool {
    let mut letters = text.iter();
    word.iter()
        .all(|wanted| letters.any(|letter| letter == wanted))
}

/// One letter for one letter, so that places in the text stay what they are.
fn folded(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    letter.to_lowercase().next().unwrap_or(letter)
}

fn bonus_of(before: Option<char>, letter: char) -> u8 {
    let Some(before) = before else {
        return BEGINS_TEXT;
    };
    match (before.is_alphanumeric(), letter.is_alphanumeric()) {
        (false, true) => BEGINS_WORD,
        (true, true) if before.is_lowercase() && letter.is_uppercase() => BEGINS_PART,
        (true, true) if before.is_alphabetic() && letter.is_numeric() => BEGINS_PART,
        _ => 0,
    }
}

/// A bit for each kind of letter: what lacks one that is wanted need not be looked at.
fn mask(letters: &[char]) -> u64 {
    letters.iter().fold(0, |all, letter| {
        let bit = match letter {
            'a'..='z' => u32::from(*letter) - u32::from('a'),
            '0'..='9' => 26 + u32::from(*letter) - u32::from('0'),
            other => 36 + u32::from(*other) % 28,
        };
        all | 1 << bit
    })
}

#[cfg(test)]
mod tests;
