//! What the rescue page says and takes: HTML without a script, forms with the code, and no second guess for who guesses. Pure.
use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

/// So many wrong codes in a row, and the desk is closed for a while.
const GUESSES: u32 = 5;
/// For how long: a hundred million codes are then as good as a password.
const CLOSED: Duration = Duration::from_secs(60);
/// What has to be typed before everything is erased.
const ERASE: &str = "erase";

/// What somebody at the page wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The exchange is to be started once more.
    TryAgain,
    /// The version in the other slot is to be started.
    SwitchSlots,
    /// Everything is to be as it came out of the carton.
    FactoryReset,
    /// The box is to start anew.
    Restart,
    /// The box is to be switched off.
    PowerOff,
}

impl Wish {
    const ALL: [Wish; 5] = [Wish::TryAgain, Wish::SwitchSlots, Wish::FactoryReset, Wish::Restart, Wish::PowerOff];

    /// Its name in a form and on the console.
    pub fn name(self) -> &'static str {
        match self {
            Wish::TryAgain => "try-again",
            Wish::SwitchSlots => "switch-slots",
            Wish::FactoryReset => "factory-reset",
            Wish::Restart => "restart",
            Wish::PowerOff => "power-off",
        }
    }
}

/// How it stands with the box.
pub struct Situation<'a> {
    /// Why the exchange does not run.
    pub why: &'a str,
    /// What the console has shown last.
    pub recent: &'a VecDeque<String>,
    /// What the other slot holds; or why updates are not for this box.
    pub other: Result<Option<String>, String>,
}

/// What is answered.
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    /// A sentence.
    pub fn plain(status: u16, text: &str) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: text.as_bytes().to_vec() }
    }

    fn page(status: u16, content: &str) -> Answer {
        let body = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>Tandem: rescue</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;\
             padding:0 1rem;color-scheme:light dark}}pre{{overflow:auto;font-size:13px;border:1px solid #8888;padding:.5rem}}\
             button,input{{font:inherit;padding:.3rem .6rem;margin:.2rem .4rem .2rem 0}}form{{margin:.4rem 0}}</style>\
             <h1>This box needs help</h1>{content}</html>"
        );
        Answer { status, kind: "text/html; charset=utf-8", body: body.into_bytes() }
    }
}

/// Who may do what.
pub struct Desk {
    code: String,
    wrong: u32,
    closed_until: Option<Duration>,
}

impl Desk {
    /// A desk that opens to this code.
    pub fn new(code: String) -> Desk {
        Desk { code, wrong: 0, closed_until: None }
    }

    /// Answers a request: without a form the question for the code, with one what it asks for.
    pub fn handle(
        &mut self,
        now: Duration,
        url: &str,
        form: Option<&[u8]>,
        situation: &Situation<'_>,
    ) -> (Answer, Option<Wish>) {
        if url != "/" {
            return (Answer::plain(404, "There is nothing but /.\n"), None);
        }
        let Some(form) = form else { return (Answer::page(200, &question("")), None) };
        if let Err(refused) = self.admit(now, field(form, "code").unwrap_or_default().as_bytes()) {
            return (refused, None);
        }
        let wanted = field(form, "wish").unwrap_or_default();
        let wish = Wish::ALL.into_iter().find(|wish| wish.name() == wanted);
        match wish {
            Some(Wish::FactoryReset) if field(form, "sure").as_deref() != Some(ERASE) => {
                let note = format!("Nothing was erased: type {ERASE} beside the button first.");
                (Answer::page(400, &self.desk(situation, &note)), None)
            }
            Some(wish) => (Answer::page(200, &format!("<p>{}</p>", farewell(wish))), Some(wish)),
            None => (Answer::page(200, &self.desk(situation, "")), None),
        }
    }

    /// Whether this is the code.
    pub fn admit(&mut self, now: Duration, code: &[u8]) -> Result<(), Answer> {
        if self.closed_until.is_some_and(|until| now < until) {
            return Err(Answer::page(429, &question("Too many wrong codes. Wait a minute.")));
        }
        if !is_same(code, self.code.as_bytes()) {
            self.wrong += 1;
            if self.wrong.is_multiple_of(GUESSES) {
                self.closed_until = Some(now + CLOSED);
            }
            return Err(Answer::page(403, &question("That is not the code.")));
        }
        self.wrong = 0;
        Ok(())
    }

    /// The desk again, for whoever has the code already, with something that has happened.
    pub fn tell(&self, status: u16, note: &str, situation: &Situation<'_>) -> Answer {
        Answer::page(status, &self.desk(situation, note))
    }

    fn desk(&self, situation: &Situation<'_>, note: &str) -> String {
        let mut page = String::new();
        if !note.is_empty() {
            let _ = write!(page, "<p role=alert><strong>{}</strong></p>", escaped(note));
        }
        let _ = write!(page, "<p>{}</p>", escaped(situation.why));
        for (wish, text) in [
            (Wish::TryAgain, "Start the exchange once more"),
            (Wish::Restart, "Restart the box"),
            (Wish::PowerOff, "Switch the box off"),
        ] {
            let _ = write!(page, "<form method=post>{}<button>{text}</button></form>", self.hidden(wish));
        }
        self.write_versions(&mut page, situation);
        let _ = write!(
            page,
            "<form method=post>{}<label>Type <code>{ERASE}</code>: <input name=sure autocomplete=off size=8></label>\
             <button>Erase everything: calls, recordings, settings</button></form>",
            self.hidden(Wish::FactoryReset)
        );
        page.push_str("<h2>What happened last</h2><pre>");
        for line in situation.recent {
            page.push_str(&escaped(line));
        }
        page.push_str("</pre>");
        page
    }

    fn write_versions(&self, page: &mut String, situation: &Situation<'_>) {
        let other = match &situation.other {
            Ok(other) => other,
            Err(reason) => {
                let _ = write!(page, "<p>{}</p>", escaped(reason));
                return;
            }
        };
        if let Some(version) = other {
            let (hidden, version) = (self.hidden(Wish::SwitchSlots), escaped(version));
            let _ =
                write!(page, "<form method=post>{hidden}<button>Start the other version: {version}</button></form>");
        }
        let _ = write!(
            page,
            "<form method=post action=/update enctype=multipart/form-data><input type=hidden name=code value={}>\
             <label>Update <input type=file name=bundle required></label><button>Write it</button></form>",
            self.code
        );
    }

    fn hidden(&self, wish: Wish) -> String {
        let name = wish.name();
        format!("<input type=hidden name=code value={}><input type=hidden name=wish value={name}>", self.code)
    }
}

fn question(note: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("<p role=alert><strong>{note}</strong></p>") };
    format!(
        "{note}<p>The exchange does not run. Whoever is at the box can see why: its console shows a code.</p>\
         <form method=post><label>Code <input name=code inputmode=numeric autocomplete=off autofocus size=10></label>\
         <button>Go on</button></form>"
    )
}

fn farewell(wish: Wish) -> &'static str {
    match wish {
        Wish::TryAgain => "The exchange is started. In a few seconds its page is here, or this one again.",
        Wish::SwitchSlots => {
            "The box restarts with the other version. If that does not work, this one comes back by itself."
        }
        Wish::FactoryReset => "Everything is erased, and the box restarts as it came out of the carton.",
        Wish::Restart => "The box restarts.",
        Wish::PowerOff => "The box is switched off.",
    }
}

/// Compares in a time that does not tell where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differing, (one, other)| differing | (one ^ other)) == 0
}

/// A field of a form (`application/x-www-form-urlencoded`). What browsers encode stands in no code and no word of ours.
fn field(form: &[u8], name: &str) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let value = form.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?.1;
    Some(value.trim_matches('+').to_owned())
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(desk: &mut Desk, at: u64, form: Option<&str>) -> (u16, String, Option<Wish>) {
        let recent = VecDeque::from(["<b>tandem</b> has ended\n".to_owned()]);
        let other = Ok(Some("0.1.9 <build 7>".to_owned()));
        let situation = Situation { why: "It ended 3 times & more.", recent: &recent, other };
        let (answer, wish) = desk.handle(Duration::from_secs(at), "/", form.map(str::as_bytes), &situation);
        (answer.status, String::from_utf8(answer.body).expect("it is text"), wish)
    }

    #[test]
    fn without_the_code_nothing_is_told() {
        let mut desk = Desk::new("12345678".into());
        for form in [None, Some(""), Some("code=12345679"), Some("code="), Some("wish=restart"), Some("code=1234567&x")]
        {
            let (_, body, wish) = handle(&mut desk, 0, form);
            assert!(!body.contains("3 times") && !body.contains("12345678") && wish.is_none(), "{form:?}: {body}");
        }
    }

    #[test]
    fn with_it_the_box_can_be_helped() {
        let mut desk = Desk::new("12345678".into());
        let (status, body, wish) = handle(&mut desk, 0, Some("code=12345678"));
        assert_eq!((status, wish), (200, None));
        assert!(body.contains("It ended 3 times &amp; more.") && body.contains("&lt;b&gt;tandem&lt;/b&gt; has ended"));
        assert!(
            body.contains("Start the other version: 0.1.9 &lt;build 7&gt;") && body.contains("name=bundle"),
            "{body}"
        );
        for wish in [Wish::TryAgain, Wish::SwitchSlots, Wish::Restart, Wish::PowerOff] {
            let form = format!("code=12345678&wish={}", wish.name());
            assert_eq!(handle(&mut desk, 0, Some(&form)).2, Some(wish));
        }
        let reset = "code=12345678&wish=factory-reset";
        let (status, body, wish) = handle(&mut desk, 0, Some(reset));
        assert_eq!((status, wish), (400, None));
        assert!(body.contains("Nothing was erased"));
        assert_eq!(handle(&mut desk, 0, Some(&format!("{reset}&sure=erase"))).2, Some(Wish::FactoryReset));
    }

    #[test]
    fn who_guesses_waits() {
        let mut desk = Desk::new("12345678".into());
        for _ in 0..GUESSES {
            assert_eq!(handle(&mut desk, 10, Some("code=1")).0, 403);
        }
        assert_eq!(handle(&mut desk, 69, Some("code=12345678")).0, 429, "even the right one");
        assert_eq!(handle(&mut desk, 70, Some("code=12345678")).0, 200);
    }

    #[test]
    fn a_box_without_slots_says_so_and_offers_nothing() {
        let situation = Situation { why: "", recent: &VecDeque::new(), other: Err("It cannot update itself.".into()) };
        let (answer, _) = Desk::new("1".into()).handle(Duration::ZERO, "/", Some(b"code=1"), &situation);
        let page = String::from_utf8(answer.body).expect("it is text");
        assert!(page.contains("It cannot update itself.") && !page.contains("name=bundle"), "{page}");
        assert!(!page.contains("switch-slots"), "{page}");
    }

    #[test]
    fn other_pages_are_none() {
        let situation = Situation { why: "", recent: &VecDeque::new(), other: Ok(None) };
        let (answer, _) = Desk::new("1".into()).handle(Duration::ZERO, "/v1.0/calls", None, &situation);
        assert_eq!(answer.status, 404);
    }
}
