//! The noise of the background while nobody speaks (RFC 3389): its level and its colour in a few octets.
//!
//! A payload says how loud the noise is, in −dB below the loudest there can be, and how its spectrum is shaped, as the reflection
//! coefficients of an all-pole filter; none of them means white. [`NoiseGenerator`] makes noise of it, [`NoiseEstimator`] makes it of
//! noise. Coefficients have the sign that makes the first one −R(1)/R(0), R being the autocorrelation, which is what telephones in
//! use do; the RFC leaves it open.

mod estimator;
mod generator;

pub use estimator::NoiseEstimator;
pub use generator::NoiseGenerator;

/// Coefficients that we estimate: RFC 3389 §3.2 recommends ten.
const ORDER: usize = 10;

/// Octets of a payload of ours.
pub const PAYLOAD: usize = 1 + ORDER;

/// The loudest a sample can be.
const FULL_SCALE: f32 = 32_768.0;

#[cfg(test)]
mod tests;
