//! The web page, embedded in the program: works without internet, and asks nobody else for anything.

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::failure::Failure;
use crate::origin::Encrypted;
use crate::state::State;

#[derive(Embed)]
#[folder = "../../web-ui/dist/"]
#[allow_missing = true]
struct Files;

/// Everything from our own origin but recordings, which may be in a bucket; nothing inline, no frames.
const POLICY: &str = "default-src 'self'; media-src 'self' https: http:; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";
/// Files whose name holds a hash of what is in them.
const HASHED: &str = "assets/";
/// Paths that are the API's: an unknown one is an error, not the page.
const API: [&str; 2] = ["/v1.0", "/auth"];

/// Answers with a file of the page; a path that is no file is one of the page's own, so it gets the page. Where the page is for
/// HTTPS alone, whoever asks for it without is led there.
pub(crate) async fn serve(
    Shared(state): Shared<State>,
    encrypted: Option<Extension<Encrypted>>,
    (method, uri, headers): (Method, Uri, HeaderMap),
) -> Result<Response, Failure> {
    let path = uri.path();
    if API.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))) {
        return Err(Failure::no_route(&method, path));
    }
    if method != Method::GET && method != Method::HEAD {
        return Err(Failure::of_http(405));
    }
    if let (None, Some(port)) = (encrypted, state.https_port()) {
        return elsewhere(port, &uri, &headers);
    }
    let name = path.trim_start_matches('/');
    let (name, file) = match Files::get(name).filter(|_| !name.is_empty()) {
        Some(file) => (name, file),
        None if name.starts_with(HASHED) || name.contains('.') => return Err(Failure::no_route(&method, path)),
        None => match Files::get("index.html") {
            Some(file) => ("index.html", file),
            None => return Ok(not_built()),
        },
    };
    Ok(respond(name, file, &headers))
}

/// The same page by HTTPS. Whoever does not say by which name the box was found is not told where to go.
fn elsewhere(port: u16, uri: &Uri, headers: &HeaderMap) -> Result<Response, Failure> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host: Option<Authority> = host.and_then(|host| host.parse().ok());
    let Some(host) = host else { return Err(Failure::of_http(400)) };
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location = HeaderValue::try_from(format!("https://{}{port}{path}", host.host()));
    let location = location.map_err(|_| Failure::of_http(400))?;
    // Not for good: the box may be set up otherwise one day.
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response())
}

fn respond(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let packed = accepts_gzip(headers).then(|| Files::get(&format!("{name}.gz"))).flatten();
    let encoded = packed.is_some();
    let file = packed.unwrap_or(file);
    let tag = format!(
        "\"{:016x}\"",
        u64::from_be_bytes(*file.metadata.sha256_hash().first_chunk().expect("32 bytes hold 8"))
    );
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag));
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(body).into_response() };
    let lasting = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    out.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a tag is hexadecimal"));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    out.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    out.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if encoded {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether an `If-None-Match` names this tag (RFC 9110 §13.1.2, by weak comparison).
fn names(tags: &HeaderValue, tag: &str) -> bool {
    let listed = |one: &str| one.trim().trim_start_matches("W/") == tag || one.trim() == "*";
    tags.to_str().is_ok_and(|tags| tags.split(',').any(listed))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = codings.flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest" | "map") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A program built for debugging may go without the page.
fn not_built() -> Response {
    let text = "This program was built without its web page. `make web-ui` builds it; the API is there all the same.\n";
    (StatusCode::OK, [(header::CONTENT_SECURITY_POLICY, POLICY)], text).into_response()
}
