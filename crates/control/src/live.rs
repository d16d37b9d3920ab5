//! Live update: a watched agent is kept in step with its folder.

use nasiko_contract::{
    AcceptPin, CreatePin, DeletePin, Done, ErrorCode, Fault, GetWatch, ListPinAnswers, ListPins,
    ListUpdates, Page, Pin, PinAnswer, RunPins, StartWatch, StopWatch, Update, WatchStatus,
};

use crate::{
    api::{Caller, Serve},
    plane::ControlPlane,
};

macro_rules! not_yet {
    ($($request:ident -> $output:ty;)*) => {$(
        impl Serve<$request> for ControlPlane {
            async fn serve(&self, _: &Caller, request: $request) -> Result<$output, Fault> {
                self.shared.agent(&request.agent).await?;
                Err(Fault::new(ErrorCode::WrongState, "Not there yet"))
            }
        }
    )*};
}

not_yet! {
    StartWatch -> WatchStatus;
    StopWatch -> WatchStatus;
    GetWatch -> WatchStatus;
    ListUpdates -> Page<Update>;
    CreatePin -> Pin;
    ListPins -> Page<Pin>;
    DeletePin -> Done;
    AcceptPin -> Pin;
    RunPins -> Page<Pin>;
    ListPinAnswers -> Page<PinAnswer>;
}
