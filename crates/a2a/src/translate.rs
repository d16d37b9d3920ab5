//! Calls and answers turned from one spelling of A2A into the other.
