//! Configuration comes down from a cloud that knows nothing but docs/cloud-sync.md: signed, once, all of it or nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use box_tests::{Cloud, Exchange, wait};
use serde_json::{Value, json};

/// Makes a pair of keys, and gives the private one and the public one.
fn keys(folder: &Path, name: &str) -> Result<(PathBuf, PathBuf)> {
    let (private, public) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.pem")));
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&private).status()?;
    let mut show = Command::new("openssl");
    let shown = show.args(["pkey", "-pubout", "-in"]).arg(&private).arg("-out").arg(&public).status()?;
    ensure!(made.success() && shown.success(), "openssl makes keys");
    Ok((private, public))
}

struct Office {
    exchange: Exchange,
    cloud: Cloud,
    id: String,
    home: tempfile::TempDir,
}

impl Office {
    fn open() -> Result<Office> {
        let home = tempfile::tempdir()?;
        let (private, public) = keys(home.path(), "cloud")?;
        let (folder, private) = (home.path().display().to_string(), private.display().to_string());
        let further = ["--configuration", &folder, "--signing-key", &private, "--max-age", "1"];
        let cloud = Cloud::start(home.path(), &further)?;
        let exchange = Exchange::start_as(|plan| {
            let words = ["--cloud-url", &format!("http://{}", cloud.address), "--cloud-public-key"].map(str::to_owned);
            plan.arguments.extend(words);
            plan.arguments.push(public.display().to_string());
        })?;
        let id = exchange.get("/v1.0/box")?["customer_id"].as_str().context("the box has an id")?.to_owned();
        Ok(Office { exchange, cloud, id, home })
    }

    /// The cloud wants this from now on.
    fn want(&self, version: i64, resources: Value) -> Result<()> {
        let document = json!({"appliance_id": self.id, "version": version, "resources": resources});
        // In one step: the cloud may read it at any moment.
        let part = self.home.path().join("part");
        std::fs::write(&part, document.to_string())?;
        Ok(std::fs::rename(part, self.home.path().join(format!("{}.json", self.id)))?)
    }

    /// Waits until the cloud has heard of it: the newest record of this type.
    fn told(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let question = format!("SELECT data FROM record WHERE type = '{kind}' ORDER BY seq");
        let told = wait::until(kind, || {
            let all = self.cloud.ask(&question).ok()?;
            all.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|data| wanted(data))
        });
        told.with_context(|| format!("{:?}", self.exchange.get("/v1.0/cloud")))
    }

    fn applied(&self, version: i64) -> Result<Value> {
        self.told("configuration_applied", |data| data["version"] == version)
    }

    fn refused(&self, reason: &str) -> Result<Value> {
        self.told("configuration_refused", |data| data["reason"] == reason)
    }

    fn names(&self, collection: &str) -> Result<Vec<Value>> {
        let page = self.exchange.get(&format!("/v1.0/{collection}"))?;
        let all = page["result"].as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().map(|one| one["name"].clone()).collect())
    }
}

fn tag(key: &str, name: &str) -> Value {
    json!({"resource": "tags", "key": key, "data": {"name": name, "detail": ""}})
}

fn phone(number: &str, name: &str) -> Value {
    let data = json!({"extension": number, "password": format!("secret{number}"), "name": name});
    json!({"resource": "extensions", "key": "desk", "data": data})
}

#[test]
fn what_the_cloud_wants_holds_and_what_is_not_its_own_does_not() -> Result<()> {
    let mut office = Office::open()?;
    office.want(7, json!([tag("a", "sales"), phone("1001", "Ada")]))?;
    assert_eq!(office.applied(7)?["changed"], 2);
    assert_eq!(office.names("extensions")?, ["Ada"]);
    wait::until("the box to ask again", || {
        (office.cloud.ask("SELECT count(*) FROM pull WHERE status = 304").ok()? != "0").then_some(())
    })?;
    assert_eq!(office.exchange.get("/v1.0/cloud")?["configuration_version"], 7);

    // One entry is wrong: nothing of it holds, and the cloud is told which.
    office.want(8, json!([tag("a", "changed"), tag("b", "new"), phone("10 01", "Ada")]))?;
    let refused = office.told("configuration_refused", |data| data["version"] == 8)?;
    assert_eq!(
        (&refused["resource"], &refused["key"], &refused["field"]),
        (&json!("extensions"), &json!("desk"), &json!("extension"))
    );
    assert_eq!(office.names("tags")?, ["sales"]);

    // Whoever replays an old one, or has another key, changes nothing; also after a crash.
    office.want(6, json!([]))?;
    office.refused("OLD_VERSION")?;
    let right = office.home.path().join("cloud.key");
    let kept = std::fs::read(&right)?;
    let (wrong, _) = keys(office.home.path(), "stranger")?;
    std::fs::rename(wrong, &right)?;
    office.want(9, json!([]))?;
    office.refused("BAD_SIGNATURE")?;
    office.exchange = office.exchange.crash_and_restart()?;
    assert_eq!((office.names("tags")?, office.names("extensions")?), (vec![json!("sales")], vec![json!("Ada")]));
    assert_eq!(office.exchange.get("/v1.0/cloud")?["configuration_version"], 7);
    std::fs::write(&right, kept)?;

    // Somebody at the box has changed something, too.
    let id = office.exchange.get("/v1.0/tags")?["result"][0]["id"].as_str().context("a tag has an id")?.to_owned();
    office.exchange.put(&format!("/v1.0/tags/{id}"), json!({"name": "ours"}))?;
    office.want(10, json!([tag("a", "theirs"), phone("1001", "Grace")]))?;
    assert_eq!(office.applied(10)?["conflicts"], 1);
    let told = office.told("configuration_conflicted", |_| true)?;
    let of = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    assert_eq!([of("resource"), of("key"), of("field"), of("id")], ["tags".into(), "a".into(), "name".into(), id]);
    assert_eq!([of("kept"), of("box"), of("cloud")], ["cloud", "ours", "theirs"]);
    assert_eq!((office.names("tags")?, office.names("extensions")?), (vec![json!("theirs")], vec![json!("Grace")]));
    let everything = office.cloud.ask("SELECT group_concat(data) FROM record WHERE type LIKE 'configuration%'")?;
    ensure!(!everything.contains("secret1001"), "a password is told to nobody");
    office.exchange.assert_no_errors();
    Ok(())
}
