//! Fuzz targets as functions, and their corpora replayed.
