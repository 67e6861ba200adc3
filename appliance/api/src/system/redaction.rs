//! Takes secrets out of texts that leave the box for somebody to look into: logs, ladders, configuration.
//!
//! What is known to be a secret by its name goes, whatever it is. It is a net below those who write logs: they write none.

use serde_json::Value;

/// What stands in the place of a secret.
pub(crate) const GONE: &str = "[removed]";

/// Words that names of secrets have in them.
const NAMES: [&str; 10] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "credential",
    "private_key",
    "cookie",
    "signature",
    "nonce",
];
/// Names that are secrets as a whole.
const WHOLE: [&str; 8] = ["key", "hash", "pwd", "ha1", "response", "inline", "direct_hash", "accesskey"];

/// The text without secrets, line by line.
pub(crate) fn text(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join("\n")
}

fn line(line: &str) -> String {
    // A header of SIP or HTTP is a secret to its end.
    if let Some((name, _)) = line.split_once(':')
        && name
            .trim()
            .to_ascii_lowercase()
            .rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
            .next()
            .is_some_and(|word| {
                ["authorization", "proxy-authorization", "cookie", "set-cookie", "a=crypto"].contains(&word)
            })
    {
        return format!("{name}: {GONE}");
    }
    for beginning in ["a=crypto:", "a=ice-pwd:"] {
        if line.starts_with(beginning) {
            return format!("{beginning}{GONE}");
        }
    }
    pairs(&places(line))
}

/// `name=value` and `name: value`, `"name":"value"`: the value goes where the name is that of a secret. So does what follows `Bearer`.
fn pairs(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['=', ':', ' ']) {
        let (before, mark) = rest.split_at(at);
        let after = &mark[1..];
        out.push_str(before);
        out.push_str(&mark[..1]);
        let name = before.trim_matches(|letter: char| !letter.is_alphanumeric());
        let name = name.rsplit(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap_or_default();
        let is_secret = match &mark[..1] {
            " " => ["bearer", "basic"].contains(&name.to_ascii_lowercase().as_str()),
            _ => is_name(name),
        };
        rest = after;
        if is_secret {
            let spaces = after.len() - after.trim_start_matches(' ').len();
            let (value, left) = after.split_at(spaces + end_of_value(&after[spaces..]));
            if !value.trim().is_empty() {
                out.push_str(&value[..spaces]);
                out.push_str(GONE);
            }
            rest = left;
        }
    }
    out.push_str(rest);
    out
}

/// Where a value ends: at its quotation mark, else at what separates.
fn end_of_value(text: &str) -> usize {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.find('"').map_or(text.len(), |at| at + 2),
        None => text.find([' ', ',', ';', '&', ')', '}', '"']).unwrap_or(text.len()),
    }
}

fn is_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WHOLE.contains(&name.as_str()) || NAMES.iter().any(|part| name.contains(part))
}

/// Addresses without whom they log in, and without what is asked there: `https://hooks.example/[removed]`.
fn places(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find([' ', '"', '\'', '<', '>', ',', ')']).unwrap_or(after.len());
        let (place, left) = after.split_at(end);
        let host = place.split(['/', '?', '#']).next().unwrap_or_default();
        out.push_str(before);
        out.push_str(host.rsplit('@').next().unwrap_or_default());
        if host.len() < place.trim_end_matches('/').len() {
            out.push('/');
            out.push_str(GONE);
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

/// The same in JSON: by the names of its fields, and in its texts.
pub(crate) fn value(value: &mut Value) {
    match value {
        Value::String(content) => *content = text(content),
        Value::Array(list) => list.iter_mut().for_each(self::value),
        Value::Object(fields) => {
            for (name, content) in fields {
                // That there is one, and that there is none, may be seen.
                if is_name(name) && !content.is_boolean() && !content.is_null() && *content != "" {
                    *content = GONE.into();
                } else {
                    self::value(content);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_all_else_stays() {
        for (before, after) in [
            ("registered extension=1001 from=192.0.2.1:5060", "registered extension=1001 from=192.0.2.1:5060"),
            ("wrong password=hunter2 of 1001", "wrong password=[removed] of 1001"),
            ("smtp_password: hunter2, next", "smtp_password: [removed], next"),
            ("{\"token\":\"hunter2\",\"id\":1}", "{\"token\":[removed],\"id\":1}"),
            ("asks with Bearer hunter2 now", "asks with Bearer [removed] now"),
            ("Authorization: Digest username=\"1001\", response=\"hunter2\"", "Authorization: [removed]"),
            ("Digest username=\"1001\", response=\"hunter2\"", "Digest username=\"1001\", response=[removed]"),
            ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:hunter2", "a=crypto:[removed]"),
            ("a=ice-pwd:hunter2", "a=ice-pwd:[removed]"),
            ("smtps://me:hunter2@mail.example:465 is away", "smtps://mail.example:465 is away"),
            ("https://hooks.example/hunter2?a=hunter2", "https://hooks.example/[removed]"),
            ("the key is where it was", "the key is where it was"),
            ("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"),
        ] {
            assert_eq!(text(before), after);
        }
        assert!(!text("a\nCookie: token=hunter2\r\nb").contains("hunter2"));
    }

    #[test]
    fn json_loses_what_its_fields_call_secret() {
        let mut tree = json!({ "password": "hunter2", "webhook_signed": true, "list": [{ "api_token": "hunter2" }],
            "webhook_uri": "https://hooks.example/hunter2", "name": "Anna", "key": null, "secret": "" });
        value(&mut tree);
        assert!(!tree.to_string().contains("hunter2"), "{tree}");
        assert_eq!((&tree["name"], &tree["key"], &tree["secret"]), (&json!("Anna"), &json!(null), &json!("")));
    }
}
