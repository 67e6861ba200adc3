//! Phones and a network in virtual time.
