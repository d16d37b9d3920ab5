//! The pages are embedded: when they were built anew, this crate is.

fn main() {
    println!("cargo:rerun-if-changed=../../ui/dist");
}
