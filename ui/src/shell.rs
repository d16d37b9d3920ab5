//! The process of the desktop window, as the pages see it. In a browser there is none.

#[cfg(target_arch = "wasm32")]
pub(crate) use nasiko_client::bridge::BridgeTransport as Shell;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use absent::Shell;

/// Natively pages are compiled for their models alone, and never shown.
#[cfg(not(target_arch = "wasm32"))]
mod absent {
    use futures::{Stream, stream};
    use nasiko_client::{
        context::{ContextChange, ContextList, ContextName, NewContext, Standing},
        window::{NewerVersion, Opened, PageState, Zoom},
    };
    use nasiko_contract::{ErrorCode, Fault};

    /// No window.
    pub(crate) struct Shell;

    #[expect(clippy::unused_async, reason = "as in the window")]
    impl Shell {
        pub(crate) fn is_present() -> bool {
            false
        }

        pub(crate) async fn remember(_state: &PageState) -> Result<(), Fault> {
            Ok(())
        }

        pub(crate) async fn zoom(_change: Zoom) -> Result<f64, Fault> {
            Ok(100.0)
        }

        pub(crate) async fn opened() -> Result<impl Stream<Item = Opened>, Fault> {
            Ok(stream::empty())
        }

        pub(crate) async fn pick(_folder: bool) -> Result<Vec<String>, Fault> {
            Ok(Vec::new())
        }

        pub(crate) async fn contexts() -> Result<ContextList, Fault> {
            Err(Fault::new(ErrorCode::Unreachable, "There is no window"))
        }

        pub(crate) async fn add_context(_context: &NewContext) -> Result<ContextList, Fault> {
            Self::contexts().await
        }

        pub(crate) async fn edit_context(
            _name: &ContextName,
            _change: &ContextChange,
        ) -> Result<ContextList, Fault> {
            Self::contexts().await
        }

        pub(crate) async fn remove_context(_name: &ContextName) -> Result<ContextList, Fault> {
            Self::contexts().await
        }

        pub(crate) async fn look_at_context(_name: &ContextName) -> Result<Standing, Fault> {
            Err(Fault::new(ErrorCode::Unreachable, "There is no window"))
        }

        pub(crate) async fn look_for_update() -> Result<NewerVersion, Fault> {
            Err(Fault::new(ErrorCode::Unreachable, "There is no window"))
        }

        pub(crate) async fn use_context(_name: &ContextName) -> Result<(), Fault> {
            Ok(())
        }
    }
}
