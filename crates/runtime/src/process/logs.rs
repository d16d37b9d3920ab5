//! The output of an instance: two append-only files that its program writes to itself, so that it survives us.
//!
//! Beside each file lie *time marks*, pairs of a length and the moment at which the file was seen that long: they tell
//! when a line was written. A file that reaches its limit is copied to `.1` and emptied (the program goes on writing to
//! the same open file); what is written between copy and emptying is lost, as with every copy-truncate.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;
use parking_lot::RwLock;

use super::record::{from_millis, millis};
use crate::instance::{LogLine, LogQuery, LogStream};

/// The longest line kept whole; a longer one is cut into several.
pub(super) const LINE_BYTES: usize = 16 * 1024;
/// At most this much of each file is read to answer for lines of the past.
const HISTORY_BYTES: u64 = 1024 * 1024;
/// With more bytes of marks than this a file is turned over even when it is short.
const MARKS_LIMIT: u64 = 4 * 1024 * 1024;
const MARK_BYTES: usize = 16;

/// Both outputs, in the order in which equal times are shown.
pub(super) const STREAMS: [LogStream; 2] = [LogStream::Stdout, LogStream::Stderr];

/// The name of a stream's file.
pub(super) fn file_name(stream: LogStream) -> &'static str {
    match stream {
        LogStream::Stderr => "stderr.log",
        LogStream::Stdout | LogStream::Build => "stdout.log",
    }
}

/// The stream that a file name belongs to.
pub(super) fn is_log_file(name: &std::ffi::OsStr) -> bool {
    STREAMS.iter().any(|stream| name == file_name(*stream))
}

fn path(folder: &Path, stream: LogStream) -> PathBuf {
    folder.join(file_name(stream))
}

/// The file before the last turn-over.
fn turned_over(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

fn marks_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".times");
    name.into()
}

/// Opens a stream's file for the program to append to.
pub(super) fn open(folder: &Path, stream: LogStream) -> io::Result<File> {
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path(folder, stream))?;
    Ok(file.into_parts().0)
}

/// The path a follower reads.
pub(super) fn stream_path(folder: &Path, stream: LogStream) -> PathBuf {
    path(folder, stream)
}

/// How often each stream's file was turned over. Held while a file is read or turned over, so that neither happens in
/// the middle of the other.
pub(super) type Turns = [RwLock<u64>; 2];

/// Where a reader is in a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    turn: u64,
    offset: u64,
}

impl Position {
    /// Reads on. Nothing is read at the end of what there is.
    pub(super) fn read(
        &mut self,
        path: &Path,
        turns: &RwLock<u64>,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let turn = turns.read();
        if *turn > self.turn + 1 {
            // More was turned over than is kept.
            *self = Self {
                turn: *turn - 1,
                offset: 0,
            };
        }
        if self.turn < *turn {
            let read = read_at(&turned_over(path), self.offset, buffer)?;
            if read > 0 {
                self.offset += read as u64;
                return Ok(read);
            }
            *self = Self {
                turn: *turn,
                offset: 0,
            };
        }
        let read = read_at(path, self.offset, buffer)?;
        self.offset += read as u64;
        Ok(read)
    }
}

fn read_at(path: &Path, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}

/// Keeps the time marks of one stream and turns its file over. One per stream and instance.
pub(super) struct Keeper {
    path: PathBuf,
    limit: u64,
    marked: u64,
}

impl Keeper {
    pub(super) fn new(folder: &Path, stream: LogStream, limit: u64) -> Self {
        Self {
            path: path(folder, stream),
            limit,
            marked: 0,
        }
    }

    /// Looks at the file after it changed. Blocks for as long as copying the limit takes.
    pub(super) fn changed(&mut self, turns: &RwLock<u64>) -> io::Result<()> {
        let length = fs::metadata(&self.path)?.len();
        if length == self.marked {
            return Ok(());
        }
        self.marked = length;
        let marks_path = marks_of(&self.path);
        let marks_length = append_mark(&marks_path, length)?;
        if length > self.limit || marks_length > MARKS_LIMIT {
            let mut turn = turns.write();
            self.turn_over(&marks_path)?;
            *turn += 1;
        }
        Ok(())
    }

    fn turn_over(&mut self, marks_path: &Path) -> io::Result<()> {
        let old = turned_over(&self.path);
        fs::copy(&self.path, &old)?;
        fs::OpenOptions::new()
            .write(true)
            .open(&self.path)?
            .set_len(0)?;
        fs::rename(marks_path, marks_of(&old))?;
        self.marked = 0;
        Ok(())
    }
}

/// Marks the length of both files after their last line.
pub(super) fn mark_end(folder: &Path) -> io::Result<()> {
    for stream in STREAMS {
        let path = path(folder, stream);
        append_mark(&marks_of(&path), fs::metadata(&path)?.len())?;
    }
    Ok(())
}

/// Notes that the file was this long now; answers how long the marks are.
fn append_mark(marks_path: &Path, length: u64) -> io::Result<u64> {
    let mut marks = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(marks_path)?;
    let mut mark = [0; MARK_BYTES];
    mark[..8].copy_from_slice(&length.to_le_bytes());
    mark[8..].copy_from_slice(&millis(SystemTime::now()).to_le_bytes());
    marks.write_all(&mark)?;
    Ok(marks.metadata()?.len())
}

/// The lines that exist, oldest first, and where each stream ended. Without `turns` nobody writes any more.
pub(super) fn history(
    folder: &Path,
    query: &LogQuery,
    turns: Option<&Turns>,
) -> (Vec<LogLine>, [Position; 2]) {
    let mut lines = Vec::new();
    let mut ends = [Position::default(); 2];
    for (index, stream) in STREAMS.into_iter().enumerate() {
        let turn = turns.and_then(|turns| turns.get(index)).map(RwLock::read);
        let current = path(folder, stream);
        lines.extend(lines_of(&turned_over(&current), stream, true).0);
        let (newest, offset) = lines_of(&current, stream, !query.follow);
        lines.extend(newest);
        ends[index] = Position {
            turn: turn.map_or(0, |turn| *turn),
            offset,
        };
    }
    lines.sort_by_key(|line| line.at);
    if let Some(since) = query.since {
        lines.retain(|line| line.at >= since);
    }
    let surplus = query
        .tail
        .map_or(0, |tail| lines.len().saturating_sub(tail));
    lines.drain(..surplus);
    (lines, ends)
}

/// The last lines of the error output, or of the output when that is empty.
pub(super) fn last_lines(folder: &Path, count: usize) -> Vec<String> {
    let read = |stream| {
        let (lines, _) = lines_of(&path(folder, stream), stream, true);
        let surplus = lines.len().saturating_sub(count);
        lines
            .into_iter()
            .skip(surplus)
            .map(|line| line.text)
            .collect::<Vec<_>>()
    };
    let errors = read(LogStream::Stderr);
    if errors.iter().any(|line| !line.trim().is_empty()) {
        errors
    } else {
        read(LogStream::Stdout)
    }
}

/// The last lines of a file, and the position after the last of them. Unless `whole`, a line without an end is left for
/// the follower.
fn lines_of(path: &Path, stream: LogStream, whole: bool) -> (Vec<LogLine>, u64) {
    let Ok((bytes, start)) = read_end(path) else {
        return (Vec::new(), 0);
    };
    let marks = Marks::read(path);
    let mut position = start;
    let mut lines = Vec::new();
    let mut chunks = bytes.split_inclusive(|byte| *byte == b'\n');
    if start > 0 {
        // Reading began in the middle of a line.
        position += chunks.next().map_or(0, <[u8]>::len) as u64;
    }
    for chunk in chunks {
        if !whole && chunk.last() != Some(&b'\n') {
            break;
        }
        for piece in chunk.chunks(LINE_BYTES) {
            lines.push(LogLine {
                at: marks.time_of(position),
                stream,
                text: text(piece),
            });
        }
        position += chunk.len() as u64;
    }
    (lines, position)
}

/// A line's text without its end.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn read_end(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(HISTORY_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(HISTORY_BYTES).read_to_end(&mut bytes)?;
    Ok((bytes, start))
}

struct Marks {
    /// Length and time, both ascending.
    marks: Vec<(u64, u64)>,
    last_written: SystemTime,
}

impl Marks {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(marks_of(path)).unwrap_or_default();
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let marks = bytes
            .chunks_exact(MARK_BYTES)
            .map(|mark| (number(&mark[..8]), number(&mark[8..])))
            .collect();
        let last_written = fs::metadata(path)
            .and_then(|file| file.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            marks,
            last_written,
        }
    }

    /// When the line that begins at `position` was first seen.
    fn time_of(&self, position: u64) -> SystemTime {
        let index = self
            .marks
            .partition_point(|(length, _)| *length <= position);
        self.marks
            .get(index)
            .map_or(self.last_written, |(_, at)| from_millis(*at))
    }
}
