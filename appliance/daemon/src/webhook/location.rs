//! Where a redirect leads (RFC 9110 §10.2.2), as far as a webhook goes there.

use ureq::http::Uri;

/// The place that `to` means, seen from `from`. From an encrypted place it does not lead to an open one.
pub fn follow(from: &str, to: &str) -> Result<String, String> {
    let invalid = || "it is redirected to what is no URL".to_owned();
    let base: Uri = from.parse().map_err(|_| invalid())?;
    let scheme = base.scheme_str().unwrap_or("http");
    // Credentials are for the server that they were given for.
    let authority = base.authority().map(|all| all.as_str().rsplit('@').next().unwrap_or_default().to_owned());
    let origin = format!("{scheme}://{}", authority.ok_or_else(invalid)?);
    let to = to.trim().split('#').next().unwrap_or_default();
    let target = match to {
        absolute if absolute.contains("://") => absolute.to_owned(),
        host if host.starts_with("//") => format!("{scheme}:{host}"),
        path if path.starts_with('/') => format!("{origin}{path}"),
        query if query.is_empty() || query.starts_with('?') => format!("{origin}{}{query}", base.path()),
        relative => {
            let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{origin}{folder}/{relative}")
        }
    };
    let parsed: Uri = target.parse().map_err(|_| invalid())?;
    match (scheme, parsed.scheme_str()) {
        ("https", Some("http")) => Err("it is redirected from https to http".to_owned()),
        (_, Some("http" | "https")) => Ok(target),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_where_a_browser_would_go() {
        let from = "https://user:secret@example.org/hooks/one?key=1";
        for (to, target) in [
            ("https://example.com/a", "https://example.com/a"),
            ("//example.com/a", "https://example.com/a"),
            ("/two", "https://example.org/two"),
            ("two?x=y#part", "https://example.org/hooks/two?x=y"),
            ("?key=2", "https://example.org/hooks/one?key=2"),
        ] {
            assert_eq!(follow(from, to).as_deref(), Ok(target), "{to}");
        }
        for refused in ["http://example.org/", "ftp://example.org/", "https://exa mple.org/", "file:///etc/passwd"] {
            assert!(follow(from, refused).is_err(), "{refused}");
        }
        assert_eq!(follow("http://example.org", "http://other.example/").as_deref(), Ok("http://other.example/"));
    }
}
