//! Passwords: argon2id, a few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::limits;

/// Checks passwords, each as slowly as the next, whether there is such a user or not.
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// What the password of a user that does not exist is checked against: a hash at the same costs as any other, which no
/// password is known to have.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// 19 MiB, two passes, one lane: OWASP's least for argon2id.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("these are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The PHC string of a password. It takes some 20 ms.
pub fn hash(password: &str, salt: &[u8; 16]) -> String {
    let hash = argon2().hash_password_with_salt(password.as_bytes(), salt);
    hash.expect("a salt of 16 bytes and a password below 4 GiB can be hashed").to_string()
}

fn verify(password: &str, hash: &str) -> bool {
    argon2().verify_password(password.as_bytes(), hash).is_ok()
}

impl Passwords {
    pub(crate) fn new() -> Passwords {
        let permits = Arc::new(Semaphore::new(limits::PASSWORD_CHECKS));
        Passwords { permits, waiting: AtomicUsize::new(0) }
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String, Failure> {
        self.work(move || hash(&password, &salt)).await
    }

    /// Whether the password is that of the hash; without a hash it is not, but that takes as long.
    pub(super) async fn check(&self, password: String, hash: Option<String>) -> Result<bool, Failure> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        Ok(self.work(move || verify(&password, &hash)).await? && known)
    }

    /// Works on a password where that holds up nobody but others who work on theirs.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= limits::LOGINS_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Failure::unavailable("too many logins at a time"));
        }
        let _waiting = Waiting(&self.waiting);
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        working.await.map_err(|_| Failure::internal())
    }
}

/// Counts down also where the client goes away in the middle.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_says_how_it_was_made_and_knows_its_password() {
        let hash = hash("secret", &[7; 16]);
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("secret", &hash) && !verify("Secret", &hash) && !verify("", &hash));
        assert!(!verify("secret", "no hash at all"));
        let costs = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(costs(NOBODY), costs(&hash), "an unknown user takes as long as a known one");
        assert!(!verify("", NOBODY));
    }
}
