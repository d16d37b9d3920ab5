//! The one list of operations. The server mounts it, the client calls it, the OpenAPI document is made of it.

use serde::{Serialize, de::DeserializeOwned};

#[cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the list names nearly every type of these modules"
    )
)]
use crate::{
    agent_requests::*, agents::*, chat::*, doctor::*, figures::*, jobs::*, live::*, login::*,
    logs::*, notices::*, page::*, samples::*, shared_secrets::*, stack::*, store::*, system::*,
    telemetry::*, updates::*, vault::*,
};

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Starts something.
    Post,
    /// Sets something, the same twice as once.
    Put,
    /// Changes what is given.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// `GET`, `POST`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The request's fields travel in a JSON body (else in the query).
    pub fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// The shape of an operation's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One JSON document.
    Json,
    /// Server-sent events, each `data:` one item.
    Stream,
    /// Multipart in, one JSON document out.
    Upload,
}

/// What is known of an operation without its types.
#[derive(Debug, Clone, Copy)]
pub struct OperationInfo {
    /// Stable, e.g. `agents.list`; the OpenAPI `operationId`.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// Below `/api/v1`; `{field}` is a field of the request.
    pub path: &'static str,
    /// The permission a caller needs, e.g. `agents:read`.
    pub permission: &'static str,
    /// The status of success.
    pub status: u16,
    /// The shape of its answer.
    pub shape: Shape,
    /// One line for people.
    pub summary: &'static str,
}

impl OperationInfo {
    /// The names of the path's fields, in order.
    pub fn path_fields(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// A request that is an operation: its type says where it goes and what comes back.
pub trait Operation: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// What is known of it without its types.
    const INFO: OperationInfo;
    /// The answer; for a stream, one item.
    #[cfg(not(feature = "schema"))]
    type Output: Serialize + DeserializeOwned + Send + 'static;
    /// The answer; for a stream, one item.
    #[cfg(feature = "schema")]
    type Output: Serialize + DeserializeOwned + Send + schemars::JsonSchema + 'static;
}

/// Answers one document.
pub trait JsonOperation: Operation {}
/// Answers a stream of items.
pub trait StreamOperation: Operation {}
/// Takes a file beside its fields, answers one document.
pub trait UploadOperation: Operation {}

macro_rules! define_api {
    (
        json { $($json:ident = $jname:literal $jmethod:ident $jpath:literal -> $jout:ty, $jperm:literal, $jstatus:literal, $jdoc:literal;)* }
        stream { $($stream:ident = $sname:literal $smethod:ident $spath:literal -> $sout:ty, $sperm:literal, $sdoc:literal;)* }
        upload { $($upload:ident = $uname:literal $upath:literal -> $uout:ty, $uperm:literal, $ustatus:literal, $udoc:literal;)* }
    ) => {
        $(
            impl Operation for $json {
                const INFO: OperationInfo = OperationInfo {
                    name: $jname, method: Method::$jmethod, path: $jpath, permission: $jperm, status: $jstatus,
                    shape: Shape::Json, summary: $jdoc,
                };
                type Output = $jout;
            }
            impl JsonOperation for $json {}
        )*
        $(
            impl Operation for $stream {
                const INFO: OperationInfo = OperationInfo {
                    name: $sname, method: Method::$smethod, path: $spath, permission: $sperm, status: 200,
                    shape: Shape::Stream, summary: $sdoc,
                };
                type Output = $sout;
            }
            impl StreamOperation for $stream {}
        )*
        $(
            impl Operation for $upload {
                const INFO: OperationInfo = OperationInfo {
                    name: $uname, method: Method::Post, path: $upath, permission: $uperm, status: $ustatus,
                    shape: Shape::Upload, summary: $udoc,
                };
                type Output = $uout;
            }
            impl UploadOperation for $upload {}
        )*

        /// Every operation there is.
        pub const OPERATIONS: &[OperationInfo] = &[
            $($json::INFO,)* $($stream::INFO,)* $($upload::INFO,)*
        ];

        /// Calls `$callback! { json { A B … } stream { … } upload { … } }` with the name of every operation's type, so
        /// that whoever must treat all of them (the server's mount, the gate) cannot forget one: it does not compile.
        #[macro_export]
        macro_rules! with_operations {
            ($callback:ident) => {
                $callback! { json { $($json)* } stream { $($stream)* } upload { $($upload)* } }
            };
        }
    };
}

define_api! {
    json {
        GetStatus = "status.get" Get "/status" -> Status, "system:read", 200, "What runs, where, and on what";
        Shutdown = "system.shutdown" Post "/shutdown" -> Done, "system:write", 202, "End the resident";
        CreateBrowserCode = "browser_codes.create" Post "/browser-codes" -> BrowserCode, "system:write", 201, "A link that opens the web UI once";
        GetSettings = "settings.get" Get "/settings" -> Settings, "settings:read", 200, "All settings";
        PatchSettings = "settings.patch" Patch "/settings" -> Settings, "settings:write", 200, "Change settings";
        GetLoginStart = "login.get" Get "/login-start" -> LoginStart, "settings:read", 200, "Whether it is started at login";
        SetLoginStart = "login.set" Put "/login-start" -> LoginStart, "settings:write", 200, "Start it at login, or no more";
        GetStore = "store.get" Get "/store" -> StoreStatus, "settings:read", 200, "Where the store is, and where it was";

        Inspect = "inspect.run" Post "/inspect" -> AgentDescription, "agents:read", 200, "What is in a folder or archive; nothing is started";
        DeployDirectory = "intake.directory" Post "/upload-agents/directory" -> Job, "agents:deploy", 202, "Deploy a folder or archive of this machine";
        DeployGit = "intake.github" Post "/upload-agents/github" -> Job, "agents:deploy", 202, "Deploy a git repository";

        ListAgents = "agents.list" Get "/agents" -> Page<AgentSummary>, "agents:read", 200, "All agents";
        GetAgent = "agents.get" Get "/agents/{agent}" -> AgentDetail, "agents:read", 200, "One agent with versions, builds, deployments";
        StartAgent = "agents.start" Post "/agents/{agent}/start" -> Job, "agents:control", 202, "Start a stopped agent";
        StopAgent = "agents.stop" Post "/agents/{agent}/stop" -> Job, "agents:control", 202, "Stop an agent";
        RestartAgent = "agents.restart" Post "/agents/{agent}/restart" -> Job, "agents:control", 202, "Restart an agent without a gap";
        RebuildAgent = "agents.rebuild" Post "/agents/{agent}/rebuild" -> Job, "agents:deploy", 202, "Read, make and start an agent anew";
        DeleteAgent = "agents.delete" Delete "/agents/{agent}" -> Job, "agents:delete", 202, "Stop an agent and forget it";

        StartWatch = "watch.start" Put "/agents/{agent}/watch" -> WatchStatus, "agents:deploy", 200, "Keep an agent in step with its folder";
        StopWatch = "watch.stop" Delete "/agents/{agent}/watch" -> WatchStatus, "agents:deploy", 200, "Stop watching an agent's folder";
        GetWatch = "watch.get" Get "/agents/{agent}/watch" -> WatchStatus, "agents:read", 200, "How an agent's folder is watched";
        ListUpdates = "updates.list" Get "/agents/{agent}/updates" -> Page<Update>, "agents:read", 200, "What each save did, and why, newest first";
        CreatePin = "pins.create" Post "/agents/{agent}/pins" -> Pin, "chat:write", 201, "Pin a question that is asked again after each update";
        ListPins = "pins.list" Get "/agents/{agent}/pins" -> Page<Pin>, "chat:read", 200, "An agent's pinned questions with their latest answers";
        DeletePin = "pins.delete" Delete "/agents/{agent}/pins/{pin}" -> Done, "chat:write", 200, "Remove a pinned question with its answers";
        AcceptPin = "pins.accept" Post "/agents/{agent}/pins/{pin}/accept" -> Pin, "chat:write", 200, "Accept a pinned question's latest answer";
        RunPins = "pins.run" Post "/agents/{agent}/pins/run" -> Page<Pin>, "chat:write", 202, "Ask an agent's pinned questions again";
        ListPinAnswers = "pins.answers" Get "/agents/{agent}/pins/{pin}/answers" -> Page<PinAnswer>, "chat:read", 200, "A pinned question's answers, newest first";

        ListJobs = "jobs.list" Get "/jobs" -> Page<Job>, "jobs:read", 200, "Jobs, newest first";
        GetJob = "jobs.get" Get "/jobs/{job}" -> Job, "jobs:read", 200, "One job";
        CancelJob = "jobs.cancel" Post "/jobs/{job}/cancel" -> Job, "jobs:control", 202, "Cancel a job";
        ListDeadLetters = "dead_letters.list" Get "/dead-letters" -> Page<Job>, "jobs:read", 200, "Jobs given up after their last try";
        RequeueDeadLetter = "dead_letters.requeue" Post "/dead-letters/{job}/requeue" -> Job, "jobs:control", 202, "Try a dead letter again";

        ListNotices = "notices.list" Get "/notices" -> Page<Notice>, "notices:read", 200, "What happened while nobody looked, newest first";
        ReadNotices = "notices.read" Post "/notices/read" -> NoticesChanged, "notices:write", 200, "Mark one notice as read, or all of them";
        ClearNotices = "notices.clear" Post "/notices/clear" -> NoticesChanged, "notices:write", 200, "Take one notice out of the inbox, or all of them";
        RestoreNotices = "notices.restore" Post "/notices/restore" -> NoticesChanged, "notices:write", 200, "Undo the last clearing of the inbox";

        AnnounceUpdate = "updates.announce" Post "/updates" -> Done, "notices:write", 200, "Tell of a newer version of the product";

        CreateSession = "sessions.create" Post "/chat/sessions" -> ChatSession, "chat:write", 201, "Begin a conversation";
        ListSessions = "sessions.list" Get "/chat/sessions" -> Page<ChatSession>, "chat:read", 200, "Conversations, newest first";
        GetSession = "sessions.get" Get "/chat/sessions/{session}" -> ChatSession, "chat:read", 200, "One conversation";
        RenameSession = "sessions.rename" Patch "/chat/sessions/{session}" -> ChatSession, "chat:write", 200, "Rename a conversation";
        DeleteSession = "sessions.delete" Delete "/chat/sessions/{session}" -> Done, "chat:write", 200, "Delete a conversation";
        ListMessages = "messages.list" Get "/chat/sessions/{session}/messages" -> Page<ChatMessage>, "chat:read", 200, "A conversation's messages, oldest first";
        CancelAnswer = "sessions.cancel" Post "/chat/sessions/{session}/cancel" -> Done, "chat:write", 202, "Stop the answer that is under way";

        ListTraces = "traces.list" Get "/traces" -> Page<TraceSummary>, "traces:read", 200, "Traces, newest first";
        GetTrace = "traces.get" Get "/traces/{trace}" -> Trace, "traces:read", 200, "One trace with its spans";

        GetFigures = "figures.get" Get "/figures" -> Figures, "system:read", 200, "Requests, latency, tokens, cost and saves by slots of time";

        ListSamples = "samples.list" Get "/samples" -> Page<Sample>, "agents:read", 200, "Agents that come with the program, and whether they can run here";
        DeploySample = "samples.deploy" Post "/samples/{sample}/deploy" -> Job, "agents:deploy", 202, "Write a sample's folder and deploy it";

        GetStack = "stack.get" Get "/stack" -> Stack, "stack:read", 200, "The local Docker stack: what is declared and what runs";
        StackUp = "stack.up" Post "/stack/up" -> Job, "stack:control", 202, "Bring services of the stack up";
        StackDown = "stack.down" Post "/stack/down" -> Job, "stack:control", 202, "Stop and remove the stack's containers";
        PreviewStackDown = "stack.preview" Post "/stack/down/preview" -> StackRemoval, "stack:read", 200, "What a down would remove";
        StartService = "services.start" Post "/stack/services/{service}/start" -> StackService, "stack:control", 200, "Start a service's container";
        StopService = "services.stop" Post "/stack/services/{service}/stop" -> StackService, "stack:control", 200, "Stop a service's container";
        RestartService = "services.restart" Post "/stack/services/{service}/restart" -> StackService, "stack:control", 200, "Restart a service's container";
        ExecInService = "services.exec" Post "/stack/services/{service}/exec" -> ExecResult, "stack:control", 200, "Run one command in a service's container";

        ListSecrets = "secrets.list" Get "/secrets" -> Page<SecretInfo>, "secrets:read", 200, "Names of secrets; never values";
        SetSecret = "secrets.set" Put "/agents/{agent}/secrets/{name}" -> SecretInfo, "secrets:write", 200, "Set a secret of an agent";
        SetSharedSecret = "secrets.set_shared" Put "/secrets/{name}" -> SecretInfo, "secrets:write", 200, "Set a secret that every agent gets";
        RemoveSharedSecret = "secrets.remove_shared" Delete "/secrets/{name}" -> Done, "secrets:write", 200, "Remove a secret that every agent gets";
        RemoveSecret = "secrets.remove" Delete "/agents/{agent}/secrets/{name}" -> Done, "secrets:write", 200, "Remove a secret of an agent";

        GetVault = "vault.get" Get "/vault" -> VaultInfo, "secrets:read", 200, "Where the key of secrets is kept, and whether it is at hand";
        KeepVaultKey = "vault.keep" Put "/vault/place" -> VaultInfo, "secrets:write", 200, "Keep the key of secrets elsewhere";
        UnlockVault = "vault.unlock" Post "/vault/unlock" -> VaultInfo, "secrets:write", 200, "Get at the key of secrets";
        ResetVault = "vault.reset" Post "/vault/reset" -> Done, "secrets:write", 200, "Forget all secrets, for a key that is lost";

        RunDoctor = "doctor.run" Get "/doctor" -> Checkup, "system:read", 200, "Look at all that may be wrong, and say what to do about it";
        GetLastCheckup = "doctor.last" Get "/doctor/last" -> LastCheckup, "system:read", 200, "What the last look at everything found";
        FixCheck = "doctor.fix" Post "/doctor/{check}/fix" -> Fixed, "system:write", 200, "Do what a check offers to do about it";
        ReportDoctor = "doctor.report" Get "/doctor/report" -> DoctorReport, "system:read", 200, "All checks as a text without secrets, to be shown to others";

        ListRegistry = "registry.list" Get "/registries" -> Page<RegistryEntry>, "registry:read", 200, "Agents as others find them";
        GetRegistryEntry = "registry.get" Get "/registries/{agent}" -> RegistryEntry, "registry:read", 200, "One registry entry";
        GetCard = "registry.card" Get "/registries/{agent}/card" -> serde_json::Value, "registry:read", 200, "An agent's card as the gateway serves it";
        UpdateRegistryEntry = "registry.update" Put "/registries/{agent}" -> RegistryEntry, "registry:write", 200, "Change an entry's description or tags";
        ResetRegistryEntry = "registry.reset" Delete "/registries/{agent}" -> Done, "registry:write", 200, "Forget changes of an entry";
    }
    stream {
        MoveStore = "store.move" Post "/store/move" -> MoveProgress, "settings:write", "Copy the store elsewhere and go on there";
        FollowEvents = "events.follow" Get "/events" -> Event, "system:read", "The ordered event log";
        Examine = "doctor.examine" Get "/doctor/examine" -> CheckupProgress, "system:read", "Look at all that may be wrong, and tell each check as it ends";
        FollowAgentLogs = "agents.logs" Get "/agents/{agent}/logs" -> LogLine, "agents:read", "An agent's log";
        FollowAgentStats = "agents.stats" Get "/agents/{agent}/stats" -> InstanceStats, "agents:read", "What an agent uses, while somebody looks";
        FollowJobLog = "jobs.log" Get "/jobs/{job}/log" -> JobLogItem, "jobs:read", "A job's output and changes until it ends";
        FollowLogs = "logs.follow" Get "/logs" -> AgentLogLine, "agents:read", "What agents write, interleaved";
        FollowStackLogs = "stack.logs" Get "/stack/logs" -> ServiceLogLine, "stack:read", "What the stack's services write, interleaved";
        FollowStackStats = "stack.stats" Get "/stack/stats" -> ServiceStats, "stack:read", "What the stack's services use, while somebody looks";
        FollowStackProgress = "stack.progress" Get "/stack/progress" -> StackProgress, "stack:read", "How far each service is while the stack is brought up or taken down";
        FollowServiceStats = "services.stats" Get "/stack/services/{service}/stats" -> InstanceStats, "stack:read", "What a service uses, while somebody looks";
        SendMessage = "messages.send" Post "/chat/sessions/{session}/messages" -> ChatEvent, "chat:write", "Ask, and receive the answer as it comes";
        TailTraces = "traces.tail" Get "/traces/tail" -> TraceSummary, "traces:read", "Traces as their spans arrive";
        FollowFigures = "figures.follow" Get "/figures/follow" -> Figures, "system:read", "All figures at first, then what changes, while somebody looks";
    }
    upload {
        DeployArchive = "intake.zip" "/upload-agents/zip" -> Job, "agents:deploy", 202, "Deploy an uploaded archive";
    }
}
