//! Writes the head of a bundle; the parts follow it as they are.

use crate::{Fault, MAGIC, Manifest, PrivateKey, limits};

/// The head of a bundle with this manifest, signed by each of these keys, 1 to 4.
///
/// # Errors
/// A manifest that no [`crate::Reader`] would take, and a number of keys that is none.
pub fn sign(manifest: &Manifest, keys: &[PrivateKey]) -> Result<Vec<u8>, Fault> {
    let json = serde_json::to_vec(manifest).expect("numbers and strings can be written as JSON");
    Manifest::parse(&json)?;
    if json.len() > limits::MANIFEST || !(1..=limits::SIGNATURES).contains(&keys.len()) {
        return Err(Fault::Head);
    }
    let mut head = [&MAGIC[..], &(json.len() as u32).to_be_bytes(), &json].concat();
    let signatures: Vec<_> = keys.iter().map(|key| (key.public().id(), key.sign(&head))).collect();
    head.push(signatures.len() as u8);
    for (id, signature) in signatures {
        head.extend(id);
        head.extend(signature);
    }
    Ok(head)
}
