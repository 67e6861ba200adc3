//! (being written) Slows those who guess passwords.
