//! Who may change whom, and what an agent can be.

use super::*;

const AT: UnixMicros = UnixMicros(7);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn new(username: &str, permission: Permission) -> NewAgent {
    NewAgent { username: username.into(), permission, ..NewAgent::default() }
}

/// 1 and 2 are administrators, 3 and 4 managers, 5 and 6 agents.
fn six() -> Agents {
    use Permission::{Admin, Agent, Manager};
    let mut agents = Agents::default();
    for (number, permission) in (1..).zip([Admin, Admin, Manager, Manager, Agent, Agent]) {
        let new = new(&format!("agent{number}"), permission);
        agents.create(id(number), new, Author::Exchange, AT).expect("a user name of its own");
    }
    agents
}

fn forbidden<T: std::fmt::Debug>(result: &Result<T, Rejection>) -> bool {
    matches!(result, Err(Rejection::Forbidden(_)))
}

#[test]
fn a_user_name_is_given_once_in_whatever_case() {
    let mut agents = six();
    let twice = agents.create(id(9), new("AGENT1", Permission::Agent), Author::Exchange, AT);
    assert_eq!(twice, Err(Rejection::AlreadyExists("agent")));
    agents.delete(id(1), Author::Exchange, AT).expect("another administrator is left");
    assert!(agents.create(id(9), new("AGENT1", Permission::Agent), Author::Exchange, AT).is_ok());
    for username in ["", "a b", "a\u{0}", "\u{a0}", &"x".repeat(256)] {
        let refused = agents.create(id(10), new(username, Permission::Agent), Author::Exchange, AT);
        assert!(matches!(refused, Err(Rejection::Invalid { field: "username", .. })), "{username:?}");
    }
}

#[test]
fn who_may_change_whom() {
    let rename = || AgentChange { name: Some("Ada".into()), ..AgentChange::default() };
    let personal = || AgentChange { password_hash: Some(PasswordHash("h".into())), ..AgentChange::default() };
    // By whom, whom, whether the name may change, whether the password may.
    for (by, whom, named, secret) in [
        (1, 2, true, true),
        (1, 3, true, true),
        (1, 5, true, true),
        (3, 1, false, false),
        (3, 3, true, true),
        (3, 4, false, false),
        (3, 5, true, true),
        (5, 1, false, false),
        (5, 5, false, true),
        (5, 6, false, false),
        (9, 5, false, false),
    ] {
        let mut agents = six();
        let by = Author::Agent(id(by));
        let result = agents.update(id(whom), rename(), by, AT);
        assert_eq!((result.is_ok(), forbidden(&result)), (named, !named), "{by:?} names {whom}");
        let result = agents.update(id(whom), personal(), by, AT);
        assert_eq!((result.is_ok(), forbidden(&result)), (secret, !secret), "{by:?} gives {whom} a password");
        let deleted = six().delete(id(whom), by, AT);
        assert_eq!(deleted.is_ok(), named, "{by:?} deletes {whom}: {deleted:?}");
    }
}

#[test]
fn only_an_administrator_gives_power() {
    let promote = |permission| AgentChange { permission: Some(permission), ..AgentChange::default() };
    for by in [3, 5] {
        let mut agents = six();
        let result = agents.update(id(by), promote(Permission::Admin), Author::Agent(id(by)), AT);
        assert!(forbidden(&result), "{by} promotes itself: {result:?}");
        for permission in [Permission::Manager, Permission::Admin] {
            let made = agents.create(id(9), new("other", permission), Author::Agent(id(by)), AT);
            assert!(forbidden(&made), "{by} makes one with {permission:?}");
        }
    }
    let mut agents = six();
    assert!(agents.create(id(9), new("other", Permission::Agent), Author::Agent(id(3)), AT).is_ok());
    assert!(forbidden(&agents.create(id(10), new("third", Permission::Agent), Author::Agent(id(5)), AT)));
    assert!(agents.update(id(9), promote(Permission::Admin), Author::Agent(id(1)), AT).is_ok());
}

#[test]
fn somebody_stays_who_may_everything() {
    let demote = || AgentChange { permission: Some(Permission::Manager), ..AgentChange::default() };
    let mut agents = six();
    agents.update(id(1), demote(), Author::Agent(id(1)), AT).expect("another administrator is left");
    assert_eq!(agents.update(id(2), demote(), Author::Agent(id(2)), AT), Err(Rejection::LastAdmin));
    assert_eq!(agents.delete(id(2), Author::Exchange, AT), Err(Rejection::LastAdmin));
    assert_eq!(agents.get(id(2)).map(|agent| agent.permission), Some(Permission::Admin), "nothing was changed");
}

#[test]
fn an_agent_is_reached_where_it_can_be_rung() {
    let mut agents = six();
    let mut reach = |kind, target: &str| {
        let address = AgentAddress { kind, target: target.into(), ..AgentAddress::default() };
        let change = AgentChange { addresses: Some(vec![address]), ..AgentChange::default() };
        agents.update(id(5), change, Author::Agent(id(5)), AT).is_ok()
    };
    for (kind, target) in [
        (AddressKind::Extension, "1001"),
        (AddressKind::Extension, "00000000-0000-0000-0000-00000000000a"),
        (AddressKind::Tel, "+4930123456"),
        (AddressKind::Tel, "110"),
        (AddressKind::Sip, "ada@example.org"),
        (AddressKind::Sip, "sips:ada@[2001:db8::1]:5061"),
    ] {
        assert!(reach(kind, target), "{target}");
    }
    for (kind, target) in [
        (AddressKind::Extension, ""),
        (AddressKind::Extension, "10 01"),
        (AddressKind::Tel, "+"),
        (AddressKind::Tel, "+49 30"),
        (AddressKind::Sip, "example.org"),
        (AddressKind::Sip, "a b@example.org"),
        (AddressKind::Conference, "600"),
    ] {
        assert!(!reach(kind, target), "{target}");
    }
    let many = vec![AgentAddress { target: "1001".into(), ..AgentAddress::default() }; 11];
    let change = AgentChange { addresses: Some(many), ..AgentChange::default() };
    assert!(matches!(
        agents.update(id(5), change, Author::Exchange, AT),
        Err(Rejection::Invalid { field: "addresses", .. })
    ));
}

#[test]
fn a_tag_goes_from_all_who_have_it() {
    let mut agents = six();
    for agent in [6, 5] {
        let change = AgentChange { tag_ids: Some(vec![id(70), id(71)]), ..AgentChange::default() };
        agents.update(id(agent), change, Author::Exchange, AT).expect("tags");
    }
    let twice = AgentChange { tag_ids: Some(vec![id(70), id(70)]), ..AgentChange::default() };
    assert!(agents.update(id(5), twice, Author::Exchange, AT).is_err());
    let changed = agents.remove_tag(id(70), UnixMicros(8));
    assert_eq!(changed.iter().map(|agent| agent.id).collect::<Vec<_>>(), [id(5), id(6)]);
    assert!(changed.iter().all(|agent| agent.tag_ids == [id(71)] && agent.updated == UnixMicros(8)));
    assert!(agents.remove_tag(id(70), UnixMicros(9)).is_empty());
}

#[test]
fn a_hash_is_not_shown_by_mistake() {
    let agent = Agents::default().create(
        id(1),
        NewAgent { username: "a".into(), password_hash: PasswordHash("$argon2id$x".into()), ..NewAgent::default() },
        Author::Exchange,
        AT,
    );
    assert!(!format!("{agent:?}").contains("argon2"));
}
