//! Looking at the virtual display, without any program in between that takes time itself.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Ground, border and cursor are a few colours; text alone, with its smooth edges, is many.
const COLORS_OF_CONTENT: usize = 40;
const WHITE: u32 = 0x00ff_ffff;
/// One row of pixels in so many is looked at: every line of text is met, and a look takes no time from what is measured.
const STEP: usize = 8;
/// The numbers of a window dump's header that are read: 32 bits each, the largest first.
const HEADER: usize = 25;

/// The screen of a virtual display: a window dump (xwd) that changes with it.
pub(super) struct Screen {
    dump: File,
    /// Where the pixels begin, the bytes of a row, and how many rows there are.
    pixels: u64,
    row: usize,
    rows: usize,
}

/// What is on it at one moment.
pub(super) struct Frame {
    colors: usize,
    white: f64,
}

impl Screen {
    pub(super) fn new(dump: &Path) -> Result<Self> {
        let dump = File::open(dump)?;
        let mut header = [0; HEADER * 4];
        dump.read_exact_at(&mut header, 0)?;
        let number = |at: usize| {
            let bytes = header.get(at * 4..at * 4 + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        // By their places in the header: its size, the height, the bytes of a row, the colours after it.
        let known = (number(0), number(5), number(12), number(19));
        let (Some(size), Some(rows), Some(row), Some(colors)) = known else {
            anyhow::bail!("the display's dump is cut off");
        };
        Ok(Self {
            dump,
            pixels: u64::from(size) + u64::from(colors) * 12,
            row: usize::try_from(row)?,
            rows: usize::try_from(rows)?,
        })
    }

    pub(super) fn look(&self) -> Result<Frame> {
        let mut colors = HashSet::new();
        let (mut white, mut all, mut last) = (0, 0, None);
        let mut row = vec![0; self.row];
        for at in (0..self.rows).step_by(STEP) {
            let from = self.pixels + (at * self.row) as u64;
            self.dump
                .read_exact_at(&mut row, from)
                .context("the display's dump is cut off")?;
            for pixel in row.chunks_exact(4) {
                let color = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], 0]);
                if last != Some(color) {
                    colors.insert(color);
                    last = Some(color);
                }
                white += u32::from(color == WHITE);
                all += 1;
            }
        }
        Ok(Frame {
            colors: colors.len(),
            white: f64::from(white) / f64::from(all.max(1)),
        })
    }
}

impl Frame {
    /// More is there than the window's ground.
    pub(super) fn has_content(&self) -> bool {
        self.colors >= COLORS_OF_CONTENT
    }

    /// An empty window flashes.
    pub(super) fn is_white(&self) -> bool {
        self.white > 0.3
    }
}
