//! The local Docker stack, as operations.

use nasiko_contract::{
    ErrorCode, ExecInService, ExecResult, Fault, FollowServiceStats, FollowStackLogs, GetStack,
    InstanceStats, Job, RestartService, ServiceLogLine, Stack, StackDown, StackService, StackUp,
    StartService, StopService,
};

use crate::{
    api::{Caller, Items, Serve, ServeStream},
    plane::ControlPlane,
};

macro_rules! not_yet {
    (json { $($request:ident -> $output:ty;)* } stream { $($stream:ident -> $item:ty;)* }) => {
        $(impl Serve<$request> for ControlPlane {
            async fn serve(&self, _: &Caller, _: $request) -> Result<$output, Fault> {
                Err(Fault::new(ErrorCode::WrongState, "Not there yet"))
            }
        })*
        $(impl ServeStream<$stream> for ControlPlane {
            async fn serve_stream(&self, _: &Caller, _: $stream) -> Result<Items<$item>, Fault> {
                Err(Fault::new(ErrorCode::WrongState, "Not there yet"))
            }
        })*
    };
}

not_yet! {
    json {
        GetStack -> Stack;
        StackUp -> Job;
        StackDown -> Job;
        StartService -> StackService;
        StopService -> StackService;
        RestartService -> StackService;
        ExecInService -> ExecResult;
    }
    stream {
        FollowStackLogs -> ServiceLogLine;
        FollowServiceStats -> InstanceStats;
    }
}
