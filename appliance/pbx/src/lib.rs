//! What the exchange does, without IO.
