//! Stories of networks that are changed, with a kernel that only notes what it is told, in as little time as may be.
use smol::LocalExecutor;

use super::*;

#[derive(Clone, Default)]
struct Notes(Rc<RefCell<Vec<String>>>);

impl Kernel for Notes {
    fn apply(&self, settings: &NetworkSettings) -> Result<()> {
        self.0.borrow_mut().push(settings.hostname.clone());
        Ok(())
    }
}

fn named(hostname: &str) -> NetworkSettings {
    NetworkSettings { hostname: hostname.to_owned(), ..NetworkSettings::default() }
}

/// A network whose trials last so long after the farewell.
fn play<F: Future<Output = ()>>(trial: Duration, story: impl FnOnce(Rc<Network>, Notes, PathBuf) -> F) {
    let executor: Executor = Box::leak(Box::new(LocalExecutor::new()));
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (notes, file) = (Notes::default(), folder.path().join(FILE));
    let mut network = Network::new(executor, Box::new(notes.clone()), file.clone(), named("old"));
    network.length = trial;
    smol::block_on(executor.run(story(Rc::new(network), notes, file)));
}

/// The next moment at which something has been done.
async fn noted(notes: &Notes, count: usize) {
    while notes.0.borrow().len() < count {
        smol::future::yield_now().await;
    }
}

#[test]
fn nobody_confirms_and_the_old_network_comes_back() {
    play(Duration::from_millis(20), |network, notes, file| async move {
        network.try_out(named("new"));
        assert_eq!(network.show()["trial"]["settings"]["hostname"], "new");
        assert_eq!(network.confirm(), Err("the settings are not in use yet".to_owned()));
        noted(&notes, 2).await;
        assert_eq!(*notes.0.borrow(), ["new", "old"]);
        assert_eq!(network.confirm(), Err("there are no settings on trial".to_owned()));
        assert_eq!((network.hostname().as_str(), network.show()["trial"].is_null()), ("old", true));
        assert!(!file.exists(), "what was on trial is on no disk: a restart brings the old network, too");
    });
}

#[test]
fn a_confirmed_network_stays_and_is_written_down() {
    play(Duration::from_secs(60), |network, notes, file| async move {
        network.try_out(named("new"));
        noted(&notes, 1).await;
        assert!(network.show()["trial"]["seconds_left"].as_u64().is_some_and(|left| (58..=60).contains(&left)));
        smol::future::yield_now().await;
        network.confirm().expect("it is in use");
        assert_eq!(stored::read(&file).expect("it is whole"), Some(named("new")));
        assert_eq!((network.hostname().as_str(), notes.0.borrow().len()), ("new", 1));
    });
}

#[test]
fn a_second_change_replaces_the_first_and_falls_back_to_what_was_confirmed() {
    play(Duration::from_millis(20), |network, notes, _| async move {
        network.try_out(named("one"));
        network.try_out(named("two"));
        noted(&notes, 2).await;
        assert_eq!(*notes.0.borrow(), ["two", "old"], "the first was never set up");
    });
}

#[test]
fn what_cannot_be_written_down_is_not_confirmed() {
    play(Duration::from_secs(60), |network, notes, file| async move {
        std::fs::create_dir(&file).expect("the folder is ours");
        network.try_out(named("new"));
        noted(&notes, 1).await;
        smol::future::yield_now().await;
        let error = network.confirm().expect_err("its place is taken");
        assert!(error.starts_with("the settings cannot be kept: "), "{error}");
        assert!(!network.show()["trial"].is_null(), "it is still on trial");
    });
}
