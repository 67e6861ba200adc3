//! Topics: `customer_id:<id>[:<resource>[:<id>]]` and `agent_id:<id>[:<resource>[:<id>]]`, matched by prefix.

use store::agent::{AgentPermission, Record};
use store::event_log;
use uuid::Uuid;

/// What a client subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    text: String,
    owner: Owner,
    resource: Option<String>,
    id: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Customer(Uuid),
    Agent(Uuid),
}

/// What only managers may see: the addresses of those who guess passwords, access keys, where events go, and money.
const MANAGERS_ONLY: [&str; 4] = ["source", "accesskey", "customer", "billing"];

impl Topic {
    /// Reads a topic; `None` where it is none.
    pub fn parse(text: &str) -> Option<Topic> {
        let mut parts = text.split(':');
        let kind = parts.next()?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let owner = match kind {
            "customer_id" => Owner::Customer(id),
            "agent_id" => Owner::Agent(id),
            _ => return None,
        };
        let resource = parts.next().map(str::to_owned);
        let id = parts.next().map(Uuid::try_parse).transpose().ok()?;
        if parts.next().is_some() || resource.as_deref() == Some("") {
            return None;
        }
        Some(Topic { text: text.to_owned(), owner, resource, id })
    }

    /// As the client wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the agent may subscribe to it: to its own customer's events, and to its own; a manager to any agent's.
    pub fn allows(&self, agent: &Record) -> bool {
        match self.owner {
            Owner::Customer(id) => id == agent.customer_id,
            Owner::Agent(id) => id == agent.id || agent.permission >= AgentPermission::Manager,
        }
    }

    /// Whether the event belongs to the topic, and the agent may see it.
    pub fn matches(&self, event: &event_log::Record, agent: &Record) -> bool {
        let resource = event.resource();
        let owned = match self.owner {
            Owner::Customer(_) => true,
            Owner::Agent(id) => resource == "agent" && event.resource_id == id,
        };
        owned
            && self.resource.as_deref().is_none_or(|wanted| wanted == resource)
            && self.id.is_none_or(|wanted| wanted == event.resource_id)
            && (!MANAGERS_ONLY.contains(&resource) || agent.permission >= AgentPermission::Manager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Timestamp;
    use store::agent::{AgentRingMethod, AgentStatus};

    const CUSTOMER: &str = "00000000-0000-0000-0000-00000000000c";
    const AGENT: &str = "00000000-0000-0000-0000-00000000000a";
    const CALL: &str = "00000000-0000-0000-0000-0000000000ca";

    fn id(text: &str) -> Uuid {
        Uuid::try_parse(text).expect("an id")
    }

    fn agent(permission: AgentPermission) -> Record {
        Record {
            direct_hash: None,
            id: id(AGENT),
            customer_id: id(CUSTOMER),
            username: String::new(),
            name: String::new(),
            detail: String::new(),
            ring_method: AgentRingMethod::RingAll,
            status: AgentStatus::Available,
            permission,
            tag_ids: Vec::new(),
            addresses: Vec::new(),
            tm_create: Timestamp(0),
            tm_update: Timestamp(0),
            tm_delete: None,
        }
    }

    fn event(kind: &str, resource: &str) -> event_log::Record {
        let data = serde_json::value::RawValue::from_string("{}".into()).expect("JSON");
        event_log::Record { kind: kind.into(), data, seq: 1, tm: Timestamp(0), resource_id: id(resource), moment: None }
    }

    #[test]
    fn a_topic_is_a_prefix_of_what_it_matches() {
        let reader = agent(AgentPermission::Agent);
        let hungup = event("call_hungup", CALL);
        for (topic, matches) in [
            (format!("customer_id:{CUSTOMER}"), true),
            (format!("customer_id:{CUSTOMER}:call"), true),
            (format!("customer_id:{CUSTOMER}:call:{CALL}"), true),
            (format!("customer_id:{CUSTOMER}:call:{AGENT}"), false),
            (format!("customer_id:{CUSTOMER}:extension"), false),
            (format!("customer_id:{CUSTOMER}:cal"), false),
            (format!("agent_id:{AGENT}"), false),
        ] {
            let parsed = Topic::parse(&topic).expect(&topic);
            assert_eq!(parsed.matches(&hungup, &reader), matches, "{topic}");
        }
        let own = Topic::parse(&format!("agent_id:{AGENT}")).expect("a topic");
        assert!(own.matches(&event("agent_updated", AGENT), &reader));
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for text in [
            "",
            "customer_id",
            "customer_id:",
            "customer_id:x",
            "calls",
            &format!("flow_id:{AGENT}"),
            &format!("customer_id:{CUSTOMER}:"),
            &format!("customer_id:{CUSTOMER}:call:x"),
            &format!("customer_id:{CUSTOMER}:call:{CALL}:more"),
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_agent_sees_its_customer_and_itself_and_a_manager_more() {
        let (reader, manager) = (agent(AgentPermission::Agent), agent(AgentPermission::Manager));
        let allowed = |text: String, agent: &Record| Topic::parse(&text).expect("a topic").allows(agent);
        assert!(
            allowed(format!("customer_id:{CUSTOMER}"), &reader) && !allowed(format!("customer_id:{CALL}"), &manager)
        );
        assert!(allowed(format!("agent_id:{AGENT}"), &reader) && !allowed(format!("agent_id:{CALL}"), &reader));
        assert!(allowed(format!("agent_id:{CALL}:call"), &manager));
        let all = Topic::parse(&format!("customer_id:{CUSTOMER}")).expect("a topic");
        let blocked = event("source_blocked", CALL);
        assert!(!all.matches(&blocked, &reader) && all.matches(&blocked, &manager));
    }
}
