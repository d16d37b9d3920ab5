//! Records: typed values with an id, kept as versioned JSON documents by kind.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::StoreError;

/// A type that the store keeps. One kind belongs to one type, for good: the spelling is in the files of every user.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The kind's stable name, e.g. `agent`.
    const KIND: &'static str;

    /// The key within the kind.
    fn id(&self) -> &str;

    /// What the record belongs to, e.g. the session of a message. Listed and deleted by it.
    fn parent(&self) -> Option<&str> {
        None
    }

    /// The sort key within a listing, e.g. nanoseconds of creation. `None`: order of first insertion. A kind must
    /// answer always with `Some` or always with `None`.
    fn order(&self) -> Option<i64> {
        None
    }
}

/// A record and the version that a later [`Expected::Exactly`](crate::Expected::Exactly) names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub value: T,
    /// Grows with each put. Opaque. A record made anew under the id of a deleted one starts above it, as far as the
    /// clock's milliseconds tell them apart.
    pub version: u64,
}

/// A record as a backend sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The key within its kind.
    pub id: String,
    /// What it belongs to.
    pub parent: Option<String>,
    /// The JSON text.
    pub body: String,
    /// See [`Versioned::version`].
    pub version: u64,
}

impl Document {
    /// The record in it.
    pub fn decode<T: Record>(self) -> Result<Versioned<T>, StoreError> {
        let value = serde_json::from_str(&self.body).map_err(StoreError::json(format!(
            "{} {}",
            T::KIND,
            self.id
        )))?;
        Ok(Versioned {
            value,
            version: self.version,
        })
    }
}

/// A place in a listing: opaque text given out with a [`Page`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl Cursor {
    pub(crate) fn new(position: i64, id: &str) -> Self {
        Self(format!("{position}:{id}"))
    }

    pub(crate) fn parts(&self) -> Result<(i64, &str), StoreError> {
        let (position, id) = self.0.split_once(':').ok_or(StoreError::BadCursor)?;
        Ok((position.parse().map_err(|_| StoreError::BadCursor)?, id))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which records of a kind to list.
#[derive(Debug, Clone)]
pub struct Query {
    /// Only children of this parent.
    pub parent: Option<String>,
    /// Only what follows this place, in the direction of the listing.
    pub after: Option<Cursor>,
    /// At most so many; capped at [`Query::MAX_LIMIT`].
    pub limit: usize,
    /// Last first.
    pub descending: bool,
}

impl Query {
    /// The page size when none is asked for.
    pub const DEFAULT_LIMIT: usize = 100;
    /// The largest page.
    pub const MAX_LIMIT: usize = 1_000;

    /// All records of the kind.
    pub fn all() -> Self {
        Self {
            parent: None,
            after: None,
            limit: Self::DEFAULT_LIMIT,
            descending: false,
        }
    }

    /// The children of one parent.
    pub fn of(parent: impl Into<String>) -> Self {
        Self {
            parent: Some(parent.into()),
            ..Self::all()
        }
    }

    /// Continues after a place.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }

    /// At most so many.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, Self::MAX_LIMIT);
        self
    }

    /// Last first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::all()
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    pub(crate) fn try_map<U>(
        self,
        convert: impl FnMut(T) -> Result<U, StoreError>,
    ) -> Result<Page<U>, StoreError> {
        Ok(Page {
            items: self
                .items
                .into_iter()
                .map(convert)
                .collect::<Result<_, _>>()?,
            next: self.next,
        })
    }
}
