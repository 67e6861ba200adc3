//! How much of a test is done: what is enough to see that it works, or, in `make soak`, what stands for years.

/// One of two numbers: `make soak` says which by a variable.
pub fn of<T>(short: T, long: T) -> T {
    if std::env::var_os("TANDEM_SOAK").is_some() { long } else { short }
}
