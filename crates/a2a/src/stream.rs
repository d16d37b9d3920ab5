//! A reader of server-sent events that takes bytes as they come and holds no more than it is allowed.

#[cfg(test)]
mod tests;

/// How much one stream may make us hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseLimits {
    /// Longest line, in bytes.
    pub line: usize,
    /// Largest event (all `data` lines of it), in bytes.
    pub event: usize,
}

impl Default for SseLimits {
    fn default() -> Self {
        Self {
            line: 16 * 1024 * 1024,
            event: 16 * 1024 * 1024,
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// The `event` field; empty where none was sent.
    pub name: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
    /// The `id` field of this event.
    pub id: Option<String>,
}

/// A line or an event grew beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line or event of the stream is larger than {limit} bytes")]
pub struct SseTooLarge {
    /// The limit that was reached, in bytes.
    pub limit: usize,
}

/// Turns bytes into events. Lines end with LF, CR or CRLF, also when the pair is torn between two chunks; a byte order
/// mark at the start and comments are skipped; invalid UTF-8 is replaced.
#[derive(Debug)]
pub struct SseReader {
    limits: SseLimits,
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
}

impl SseReader {
    /// A reader at the start of a stream.
    pub fn new(limits: SseLimits) -> Self {
        Self {
            limits,
            line: Vec::new(),
            event: SseEvent::default(),
            has_data: false,
            after_cr: false,
            at_start: true,
        }
    }

    /// Takes a chunk and appends the events it completes to `events`. After an error the reader is of no more use.
    pub fn push(
        &mut self,
        mut chunk: &[u8],
        events: &mut Vec<SseEvent>,
    ) -> Result<(), SseTooLarge> {
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        while let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, tail) = chunk.split_at(end);
            self.extend_line(head)?;
            self.end_line(events)?;
            chunk = match tail {
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.extend_line(chunk)
    }

    /// The end of the stream: an event that lacks only its empty line still counts, since agents forget it.
    pub fn finish(mut self) -> Option<SseEvent> {
        let mut events = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut events).ok()?;
        }
        self.dispatch(&mut events);
        events.pop()
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), SseTooLarge> {
        if self.line.len() + bytes.len() > self.limits.line {
            return Err(SseTooLarge {
                limit: self.limits.line,
            });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), SseTooLarge> {
        let mut bytes = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.at_start) && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let line = String::from_utf8_lossy(&bytes);
        let outcome = self.field(&line, events);
        drop(line);
        bytes.clear();
        self.line = bytes; // its allocation serves the next line
        outcome
    }

    fn field(&mut self, line: &str, events: &mut Vec<SseEvent>) -> Result<(), SseTooLarge> {
        if line.is_empty() {
            self.dispatch(events);
            return Ok(());
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if self.event.data.len() + value.len() + 1 > self.limits.event {
                    return Err(SseTooLarge {
                        limit: self.limits.event,
                    });
                }
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.event.id = Some(value.to_owned()),
            _ => {} // comments, `retry`, and what nobody has thought of yet
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.has_data) {
            events.push(event);
        }
    }
}
