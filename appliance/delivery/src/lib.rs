//! What leaves the box: each reader with its own cursor.
