//! Random phones against a reference model.
