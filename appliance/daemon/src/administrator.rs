//! The first start makes the administrator, and says once how to log in.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use api::SetupCode;
use api::auth::FirstAdmin;
use store::{Journal, Store, Timestamp};

use crate::clock;

/// The second line of a file whose code stands on no label: whoever can read the console is to see it.
const SHOW: &str = "show";

/// Makes the administrator where nobody is there yet, with the password of `TANDEM_ADMIN_PASSWORD` or a random one; where there is
/// a setup code and no such password, whoever has the code does so at the page, and it is returned.
pub fn make_first(
    (store, journal): (&Store, &Journal),
    setup_code: Option<&Path>,
    now: Timestamp,
) -> Result<Option<SetupCode>> {
    let given = match std::env::var("TANDEM_ADMIN_PASSWORD") {
        Ok(password) if password.is_empty() => bail!("TANDEM_ADMIN_PASSWORD is empty"),
        Ok(password) => Some(password),
        Err(std::env::VarError::NotPresent) => None,
        Err(error) => return Err(error).context("TANDEM_ADMIN_PASSWORD"),
    };
    if let (None, Some(file)) = (&given, setup_code) {
        return if store.reader()?.count_agents()? > 0 { Ok(None) } else { read(file).map(Some) };
    }
    let entropy = clock::entropy().context("the kernel gives no randomness")?;
    match api::first_admin(store, journal, now, given.as_deref(), &entropy)? {
        FirstAdmin::ThereAlready => {}
        FirstAdmin::WithGivenPassword => tracing::info!("made the administrator 'admin' with the given password"),
        FirstAdmin::WithPassword(password) => {
            // Whoever starts the process without looking must set the variable.
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(boxed(&password).as_bytes()).and_then(|()| out.flush());
        }
    }
    Ok(None)
}

fn read(file: &Path) -> Result<SetupCode> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("--setup-code: cannot read {}", file.display()))?;
    let (code, rest) = text.split_once('\n').unwrap_or((&text, ""));
    if rest.trim() == SHOW {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "the setup code of this box is {}", code.trim()).and_then(|()| out.flush());
    }
    let code = SetupCode::parse(code);
    code.with_context(|| format!("--setup-code: {} holds no code of 8 to 64 letters and digits", file.display()))
}

fn boxed(password: &str) -> String {
    let lines = ["The first start made an administrator. Log in as", "", "    user      admin"];
    let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    lines.push(format!("    password  {password}"));
    lines.extend(["".to_owned(), "This is shown only once.".to_owned()]);
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let rule = "─".repeat(width + 2);
    let body: String = lines.iter().map(|line| format!("│ {line:width$} │\n")).collect();
    format!("┌{rule}┐\n{body}└{rule}┘\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_closed_on_all_sides() {
        let text = boxed("abcdefgh12345678");
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("password  abcdefgh12345678 "), "{text}");
    }
}
