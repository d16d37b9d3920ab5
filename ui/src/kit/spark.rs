use leptos::prelude::*;

/// A figure: the number first, its unit beside it, what it is above, and its recent course below.
#[component]
pub(crate) fn Figure(
    /// What it is.
    label: &'static str,
    /// The number and its unit, e.g. `24 MB`; the part after the last space is the unit.
    #[prop(into)]
    value: Signal<String>,
    /// More about it.
    #[prop(into, optional)]
    note: Option<Signal<String>>,
    /// Its recent course, if it has one.
    #[prop(into, optional)]
    course: Option<Signal<Vec<f64>>>,
) -> impl IntoView {
    let split = move || {
        let text = value.get();
        match text.rsplit_once(' ') {
            Some((number, unit)) if number.ends_with(|last: char| last.is_ascii_digit()) => {
                (number.to_owned(), unit.to_owned())
            }
            _ => (text, String::new()),
        }
    };
    view! {
        <div class="figure-cell">
            <dt>{label}</dt>
            <dd>
                <b>{move || split().0}</b>
                " "
                <small>
                    {move || split().1} {note.map(|note| view! { <span class="note">" " {note}</span> })}
                </small>
            </dd>
            {course
                .map(|course| {
                    view! {
                        <svg class="spark" viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true">
                            <path d=move || course.with(|values| path(values)) />
                        </svg>
                    }
                })}
        </div>
    }
}

/// A line through `values` from left to right on a field of 120 by 30, from zero to the largest.
fn path(values: &[f64]) -> String {
    let most = values.iter().copied().fold(0.0_f64, f64::max).max(1e-9);
    let last = values.len().saturating_sub(1).max(1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let (x, y) = (at as f64 / last * 120.0, 28.0 - value / most * 25.0);
            format!("{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' })
        })
        .collect();
    points.concat()
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn the_course_fills_the_field() {
        assert_eq!(path(&[0.0, 5.0, 10.0]), "M0.0 28.0L60.0 15.5L120.0 3.0");
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[0.0]), "M0.0 28.0", "nothing is divided by zero");
    }
}
