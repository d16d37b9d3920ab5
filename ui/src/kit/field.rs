use leptos::prelude::*;

/// Empties a field whose content was taken, unless something else was typed while that was on its way.
pub(crate) fn empty_once_taken<T>(field: RwSignal<T>, taken: &T)
where
    T: Default + PartialEq + Send + Sync + 'static,
{
    let _gone = field.try_maybe_update(|content| {
        let is_unchanged = content == taken;
        if is_unchanged {
            *content = T::default();
        }
        (is_unchanged, ())
    });
}
