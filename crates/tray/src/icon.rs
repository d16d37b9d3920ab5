//! The icon: drawn in code, a shape and a colour per state, so that neither alone carries it.

use crate::picture::Standing;

/// Pixels of the icon's edges: what panels show, at one and two times.
pub(crate) const SIZES: [i32; 4] = [22, 24, 32, 48];
/// Points per pixel and direction: edges are smooth by how many of them are inside.
const POINTS: i32 = 4;

/// An icon's pixels: rows from the top, four bytes each: alpha, red, green, blue.
pub(crate) fn pixels(standing: Standing, size: i32) -> Vec<u8> {
    let [red, green, blue] = color(standing);
    let mut pixels = Vec::new();
    for y in 0..size {
        for x in 0..size {
            let alpha = coverage(standing, size, x, y);
            pixels.extend([alpha, red, green, blue]);
        }
    }
    pixels
}

/// Middle tones: read on light and on dark panels.
fn color(standing: Standing) -> [u8; 3] {
    match standing {
        Standing::Stopped => [0x86, 0x93, 0x8c],
        Standing::Starting | Standing::Degraded => [0xd0, 0x8a, 0x0a],
        Standing::Healthy => [0x2a, 0xa0, 0x67],
        Standing::Failing => [0xe0, 0x4a, 0x40],
    }
}

/// How much of a pixel is inside of the shape, 0 to 255.
fn coverage(standing: Standing, size: i32, x: i32, y: i32) -> u8 {
    let edge = f64::from(size * POINTS);
    // From -1 to 1 over the whole edge.
    let place = |at: i32, point: i32| {
        let at = f64::from(at * POINTS + point) + 0.5;
        at / edge * 2.0 - 1.0
    };
    let mut inside = 0;
    for dy in 0..POINTS {
        for dx in 0..POINTS {
            inside += i32::from(is_inside(standing, place(x, dx), place(y, dy)));
        }
    }
    u8::try_from(inside * 255 / (POINTS * POINTS)).unwrap_or(u8::MAX)
}

fn is_inside(standing: Standing, x: f64, y: f64) -> bool {
    let from_middle = x.hypot(y);
    match standing {
        // A hollow ring.
        Standing::Stopped => (0.56..0.76).contains(&from_middle),
        // A ring with a quarter open, as of something that turns.
        Standing::Starting => (0.48..0.8).contains(&from_middle) && !(x > 0.0 && y < 0.0),
        // A full disk.
        Standing::Healthy => from_middle < 0.76,
        // A triangle on its base.
        Standing::Degraded => y < 0.7 && y > -0.78 && x.abs() < (y + 0.78) * 0.58,
        // A diamond.
        Standing::Failing => x.abs() + y.abs() < 0.88,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Standing; 5] = [
        Standing::Stopped,
        Standing::Starting,
        Standing::Healthy,
        Standing::Degraded,
        Standing::Failing,
    ];

    #[test]
    fn states_differ_in_shape_whatever_their_colour() {
        for size in SIZES {
            let shapes = ALL.map(|standing| {
                let pixels = pixels(standing, size);
                assert_eq!(pixels.len(), usize::try_from(size * size * 4).unwrap());
                let alpha: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[0]).collect();
                alpha
            });
            for (index, shape) in shapes.iter().enumerate() {
                let opaque = shape.iter().filter(|alpha| **alpha > 250).count();
                assert!(opaque > shape.len() / 16, "{:?} can be seen", ALL[index]);
                for other in &shapes[index + 1..] {
                    let differ = shape
                        .iter()
                        .zip(other)
                        .filter(|(a, b)| a.abs_diff(**b) > 128);
                    assert!(differ.count() > shape.len() / 16, "at {size}");
                }
            }
        }
    }

    #[test]
    fn the_corners_are_free_and_edges_smooth() {
        for standing in ALL {
            let pixels = pixels(standing, 22);
            assert_eq!(pixels[0], 0, "{standing:?}");
            let soft = pixels
                .chunks(4)
                .filter(|pixel| (1..255).contains(&pixel[0]));
            assert!(soft.count() > 0, "{standing:?}");
        }
    }
}
