//! What is run in the page to measure it. Each hands its result to its last argument; times are milliseconds.

/// Follows each entry of the navigation and each of the paths given three times, and tells how long it took until the
/// next picture.
pub(super) const CLICKS: &str = "
    const [more, done] = arguments;
    const nav = [...document.querySelectorAll('nav a[href^=\"/\"]')].map(link => link.getAttribute('href'));
    const paths = [...new Set([...nav, ...more])];
    const own = document.body.appendChild(document.createElement('a'));
    const took = {};
    const next = at => {
        if (at === paths.length * 3) { own.remove(); return done(took); }
        const path = paths[at % paths.length];
        own.href = path;
        const link = document.querySelector(`nav a[href='${path}']`) ?? own;
        const began = performance.now();
        link.click();
        requestAnimationFrame(() => setTimeout(() => {
            (took[path] ||= []).push(performance.now() - began);
            setTimeout(() => next(at + 1), 400);
        }));
    };
    next(0);";

/// The times between frames for so long.
pub(super) const FRAMES: &str = "
    const [length, done] = arguments;
    const gaps = []; let last = performance.now(); const end = last + length;
    const frame = now => { gaps.push(now - last); last = now; now < end ? requestAnimationFrame(frame) : done(gaps); };
    requestAnimationFrame(now => { last = now; requestAnimationFrame(frame); });";

/// Opens a page and waits for its list.
pub(super) const OPEN: &str = "
    const [path, list, done] = arguments;
    const link = document.body.appendChild(document.createElement('a'));
    link.href = path; link.click(); link.remove();
    const look = () => document.querySelector(list) ? done(true) : setTimeout(look, 50);
    look();";

/// Scrolls a list to its end until it has so many rows, or no more come; tells how many there are.
pub(super) const READ_ALL: &str = "
    const [list, rows, done] = arguments;
    const element = document.querySelector(list);
    const many = () => Number(element.querySelector('table').getAttribute('aria-rowcount')) - 1;
    let before = many(), since = performance.now();
    const step = () => {
        if (many() > before) { before = many(); since = performance.now(); }
        if (before >= rows || performance.now() - since > 5000) return done(before);
        element.scrollTop = element.scrollHeight;
        requestAnimationFrame(step);
    };
    step();";

/// Scrolls a list for so long, by a notch of a wheel with each frame; tells the times between frames.
pub(super) const SCROLL: &str = "
    const [list, length, done] = arguments;
    const element = document.querySelector(list);
    element.scrollTop = element.scrollHeight / 2;
    const gaps = []; let last, end;
    const frame = now => {
        gaps.push(now - last); last = now;
        element.scrollTop += 120;
        now < end ? requestAnimationFrame(frame) : done(gaps);
    };
    const begin = now => { last = now; end = now + length; requestAnimationFrame(frame); };
    setTimeout(() => requestAnimationFrame(begin), 500);";

/// Types texts into the palette, letter by letter; tells how long each letter took to find what it means, and to be
/// seen.
pub(super) const PALETTE: &str = "
    const [texts, done] = arguments;
    const letters = texts.flatMap(text => [...text].map((_, at) => text.slice(0, at + 1)));
    const seen = [];
    const next = (input, at) => {
        if (at === letters.length) {
            const found = performance.getEntriesByName('palette.find', 'measure').map(entry => entry.duration);
            return done({ seen, found });
        }
        const began = performance.now();
        input.value = letters[at];
        input.dispatchEvent(new Event('input', { bubbles: true }));
        requestAnimationFrame(() => setTimeout(() => {
            seen.push(performance.now() - began);
            setTimeout(() => next(input, at + 1), 100);
        }));
    };
    const key = { key: 'k', code: 'KeyK', ctrlKey: true, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new KeyboardEvent('keydown', key));
    const look = () => {
        const input = document.querySelector('#palette-input');
        if (!input) return setTimeout(look, 50);
        setTimeout(() => { performance.clearMeasures(); next(input, 0); }, 1000);
    };
    look();";
