//! A new box in a real browser: nobody gets in without the code, whoever has it becomes the administrator, once.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result};
use box_tests::child::Child;
use box_tests::{Browser, exchange, wait};

const CODE: &str = "K7QF2-XD9RA";
const PASSWORD: &str = "wide open sea";

/// A box as it comes out of the carton.
struct NewBox {
    process: Child,
    http: String,
    https: String,
    home: tempfile::TempDir,
}

impl NewBox {
    fn start(home: tempfile::TempDir) -> Result<NewBox> {
        let (sip, web, rtp) = (ports::free(2), ports::free(2), ports::free(40));
        let code = home.path().join("setup-code");
        std::fs::write(&code, format!("{CODE}\nshow\n"))?;
        let (http, https) = (format!("127.0.0.1:{web}"), format!("127.0.0.1:{}", web + 1));
        let mut command = Command::new(exchange::binary()?);
        command.env_remove("TANDEM_ADMIN_PASSWORD").arg("--data").arg(home.path().join("data"));
        command.arg("--setup-code").arg(code).args(["--sip", &format!("127.0.0.1:{sip}")]);
        command.args(["--http", &http, "--https", &https, "--https-redirect", "true"]);
        command.args(["--rtp", &format!("127.0.0.1:{rtp}-{}", rtp + 39)]);
        let process = Child::start(&mut command)?;
        let life = format!("http://{http}/livez");
        wait::until("the box to answer", || ureq::get(&life).call().is_ok().then_some(()))?;
        Ok(NewBox { process, http, https, home })
    }

    fn said(&self, text: &str) -> bool {
        self.process.said().iter().any(|line| line.contains(text))
    }

    fn status(&self, path: &str) -> Result<u16> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Ok(agent.get(format!("http://{}{path}", self.http)).call()?.status().as_u16())
    }
}

#[test]
fn somebody_with_the_code_takes_hold_of_the_box() -> Result<()> {
    let new_box = NewBox::start(tempfile::tempdir()?)?;
    assert!(new_box.said(&format!("the setup code of this box is {CODE}")));
    assert!(!new_box.said("password  "), "nobody is told a password");
    assert_eq!(new_box.status("/")?, 307, "the page is for HTTPS alone");
    assert_eq!(new_box.status("/authority.pem")?, 200, "what one needs to trust it is not");
    assert_eq!(new_box.status("/v1.0/calls")?, 403, "nobody gets in");
    let temporary = tempfile::tempdir()?;
    let shots = std::env::var_os("TANDEM_SHOTS").map_or(temporary.path().to_path_buf(), Into::into);
    let base = format!("https://{}", new_box.https);
    let words = ["--base", &base, "--code", CODE, "--password", PASSWORD, "--shots"].map(OsStr::new);
    let page = Browser::start("setup.mjs", words.into_iter().chain([shots.as_os_str()]))?;
    page.await_step("refused")?;
    page.await_step("claimed")?;
    assert_eq!(page.await_step("done")?["ok"], true);
    assert!(new_box.process.said().iter().all(|line| !line.contains("ERROR")), "{:#?}", new_box.process.said());

    let NewBox { mut process, home, .. } = new_box;
    process.signal(libc::SIGTERM);
    process.wait(wait::PATIENCE).context("it ends")?;
    let again = NewBox::start(home)?;
    assert!(!again.said("setup code"), "after a restart it is somebody's");
    assert_eq!(again.status("/v1.0/calls")?, 401, "who logs in gets in");
    Ok(())
}
