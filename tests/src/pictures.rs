//! Pictures of pages: those that were looked at and kept, and how far a new one is from them.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::PathBuf,
};

use image::{RgbImage, codecs::webp::WebPEncoder, imageops};

/// Both are compared this many times smaller: glyphs are drawn a little differently from machine to machine, while whatever
/// stands elsewhere, or has another colour, is seen.
const REDUCTION: u32 = 4;
/// Shades of a colour that are kept as one.
const KEPT_STEP: u8 = 18;
/// A dot differs if one of its colours does by more, of 255.
const NOTICED: u8 = 20;

/// Pictures that are kept in a folder of the repository.
pub struct Album {
    kept: PathBuf,
    /// Where new ones are put, to be looked at.
    fresh: PathBuf,
    /// New ones are kept, instead of compared.
    updates: bool,
}

impl Album {
    /// The album in that folder of `tests/snapshots`. `UPDATE=1` keeps what is taken.
    pub fn open(name: &str) -> Self {
        let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("snapshots")
            .join(name);
        let fresh = crate::web_driver::pictures().join(name);
        let updates = std::env::var_os("UPDATE").is_some_and(|update| update == "1");
        for folder in [&kept, &fresh] {
            fs::create_dir_all(folder).expect("a folder");
        }
        Self {
            kept,
            fresh,
            updates,
        }
    }

    /// Whether pictures are kept anew.
    pub fn updates(&self) -> bool {
        self.updates
    }

    /// The text that is kept beside the pictures under that name, after `fresh` has taken its place if it is to.
    pub fn note(&self, name: &str, fresh: &str) -> String {
        let path = self.kept.join(name);
        if self.updates {
            fs::write(&path, fresh).expect("a note is written");
        }
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Looks at a picture (PNG); gives why it is not the one that is kept, where more than `tolerance` of its dots differ.
    pub fn look(&self, name: &str, png: &[u8], tolerance: f64) -> Result<(), String> {
        let shown = self.fresh.join(format!("{name}.png"));
        fs::write(&shown, png).expect("a picture is written");
        let fresh = image::load_from_memory(png).expect("a picture").into_rgb8();
        let path = self.kept.join(format!("{name}.webp"));
        if self.updates {
            keep(&path, &fresh);
            return Ok(());
        }
        let kept = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
        let kept = image::load_from_memory(&kept)
            .expect("a picture")
            .into_rgb8();
        let differs = difference(&kept, &fresh);
        if differs <= tolerance {
            return Ok(());
        }
        Err(format!(
            "{name}: {:.2} % of it differ; it is at {}",
            differs * 100.0,
            shown.display()
        ))
    }
}

/// With fewer shades than were taken: it is a third of the size, and nobody sees it.
fn keep(path: &PathBuf, picture: &RgbImage) {
    let mut picture = picture.clone();
    for shade in picture.iter_mut() {
        *shade = (*shade / KEPT_STEP * KEPT_STEP).saturating_add(KEPT_STEP / 2);
    }
    let file = BufWriter::new(File::create(path).expect("a picture is written"));
    picture
        .write_with_encoder(WebPEncoder::new_lossless(file))
        .expect("a picture is written");
}

/// The part of two pictures that differs, from 0 to 1; all of it where their sizes do.
pub fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    if one.dimensions() != other.dimensions() {
        return 1.0;
    }
    let reduced = |picture: &RgbImage| {
        let (width, height) = picture.dimensions();
        imageops::thumbnail(
            picture,
            width.div_ceil(REDUCTION),
            height.div_ceil(REDUCTION),
        )
    };
    let (one, other) = (reduced(one), reduced(other));
    let pairs = one.pixels().zip(other.pixels());
    let differing = pairs
        .filter(|(one, other)| {
            let mut colours = one.0.iter().zip(other.0);
            colours.any(|(one, other)| one.abs_diff(other) > NOTICED)
        })
        .count();
    differing as f64 / one.pixels().len() as f64
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::difference;

    /// A page with a panel from `left` on, of a grey, with a line of thin strokes in it that begin at `stroke`.
    fn page(left: u32, grey: u8, stroke: u32) -> RgbImage {
        RgbImage::from_fn(400, 300, |x, y| {
            let in_panel = x >= left && (40..200).contains(&y);
            let in_line = in_panel && (60..72).contains(&y) && (x + stroke).is_multiple_of(5);
            Rgb([if in_line {
                60
            } else if in_panel {
                grey
            } else {
                250
            }; 3])
        })
    }

    #[test]
    fn what_moves_or_changes_colour_differs_and_how_letters_are_drawn_does_not() {
        let kept = page(100, 200, 0);
        assert!(difference(&kept, &kept).abs() < f64::EPSILON);
        assert!(difference(&kept, &page(100, 203, 0)) < 0.001);
        assert!(difference(&kept, &page(100, 200, 1)) < 0.02);
        assert!(difference(&kept, &page(112, 200, 0)) > 0.01);
        assert!(difference(&kept, &page(100, 160, 0)) > 0.3);
        assert!(difference(&kept, &RgbImage::new(400, 301)) > 0.9);
    }
}
