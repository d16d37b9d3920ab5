//! Looking at the virtual display, without any program in between that takes time itself.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Ground, border and cursor are a few colours; text alone, with its smooth edges, is many.
const COLORS_OF_CONTENT: usize = 40;
const WHITE: u32 = 0x00ff_ffff;

/// The screen of a virtual display.
pub(super) struct Screen(PathBuf);

/// What is on it at one moment.
pub(super) struct Frame {
    colors: usize,
    white: f64,
}

impl Screen {
    pub(super) fn new(dump: &Path) -> Self {
        Self(dump.to_path_buf())
    }

    pub(super) fn look(&self) -> Result<Frame> {
        let dump = fs::read(&self.0)?;
        // The format of xwd: numbers of 32 bits, the size of the header first, the count of colours at 19.
        let number = |at: usize| {
            let bytes = dump.get(at * 4..at * 4 + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
        };
        let skipped = number(0)
            .zip(number(19))
            .map(|(header, colors)| header + colors * 12);
        let pixels = skipped
            .and_then(|skipped| dump.get(skipped..))
            .context("the display's dump is cut off")?;
        let mut colors = HashSet::new();
        let (mut white, mut all) = (0, 0);
        for pixel in pixels.chunks_exact(4).step_by(3) {
            let color = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], 0]);
            colors.insert(color);
            white += u32::from(color == WHITE);
            all += 1;
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
