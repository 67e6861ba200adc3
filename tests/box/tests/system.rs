//! The page *System* in a real browser: health, log, power, and a backup that is made and restored there.

use std::ffi::OsStr;

use anyhow::Result;
use box_tests::exchange::ADMIN_PASSWORD;
use box_tests::{Browser, Exchange};
use serde_json::json;

#[test]
fn an_administrator_backs_up_and_restores_by_the_page() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_extension("1001")?;
    // Somebody who wants to look at the page names a folder.
    let temporary = tempfile::tempdir()?;
    let shots = std::env::var_os("TANDEM_SHOTS").map_or(temporary.path().to_path_buf(), Into::into);
    let base = exchange.url("");
    let words = ["--base", &base, "--password", ADMIN_PASSWORD, "--shots"].map(OsStr::new);
    let page = Browser::start("system.mjs", words.into_iter().chain([shots.as_os_str()]))?;
    page.await_step("backup")?;
    // What comes after the backup is not in it.
    exchange.add_extension("1002")?;
    page.await_step("restored")?;
    let done = page.await_step("done")?;
    assert_eq!(done["ok"], true, "{done}");
    let api = box_tests::Api::new(exchange.http(), exchange.sip, ADMIN_PASSWORD)?;
    let list = api.get("/v1.0/extensions")?;
    let there: Vec<_> = list["result"].as_array().into_iter().flatten().map(|shown| &shown["extension"]).collect();
    assert_eq!(there, [&json!("1001")], "the box is as it was when the backup was made");
    assert!(std::fs::read_dir(&shots)?.count() > 5, "there are screenshots to look at");
    exchange.assert_no_errors();
    Ok(())
}
