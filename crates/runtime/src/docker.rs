//! Owns agents as containers of an engine. Lets no type of the engine's client leave.
