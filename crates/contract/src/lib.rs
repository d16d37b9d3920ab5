//! Owns every type and operation that crosses a boundary (HTTP, bridge, event, file). Must never perform I/O, know a
//! transport, an engine or a database; compiles to wasm.

pub mod agent_requests;
pub mod agents;
pub mod chat;
pub mod doctor;
pub mod fault;
pub mod figures;
pub mod ids;
pub mod jobs;
pub mod live;
pub mod login;
pub mod logs;
pub mod notices;
pub mod operation;
pub mod page;
pub mod samples;
pub mod shared_secrets;
mod stack;
pub mod store;
pub mod system;
pub mod telemetry;
pub mod updates;
pub mod vault;

pub use agent_requests::*;
pub use agents::*;
pub use chat::*;
pub use doctor::*;
pub use fault::{Culprit, ErrorCode, Fault, Problem};
pub use figures::*;
pub use ids::*;
pub use jobs::*;
pub use live::*;
pub use login::*;
pub use logs::*;
pub use notices::*;
pub use operation::{
    JsonOperation, Method, OPERATIONS, Operation, OperationInfo, Shape, StreamOperation,
    UploadOperation,
};
pub use page::*;
pub use samples::*;
pub use shared_secrets::*;
pub use stack::*;
pub use store::*;
pub use system::*;
pub use telemetry::*;
pub use updates::*;
pub use vault::*;

/// Every operation's path is below this.
pub const API_PREFIX: &str = "/api/v1";

/// The cookie of a browser's session with the API. Cookies know no ports, so whatever else answers on this machine is
/// sent it too; the gateway never passes it on.
pub const SESSION_COOKIE: &str = "nasiko_session";
