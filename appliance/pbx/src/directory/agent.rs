//! An agent: who may use the API, how much, and where it is rung.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::call::{Address, AddressKind};
use crate::command::Rejection;
use crate::directory::extension::{validate_number, validate_text};
use crate::{UnixMicros, limits};

/// An agent as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id, for ever.
    pub id: Uuid,
    /// What it logs in with; no other agent has it, in whatever case.
    pub username: String,
    /// What its password is checked against. The exchange only keeps it.
    pub password_hash: PasswordHash,
    /// The name shown.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// How its addresses are rung.
    pub ring_method: RingMethod,
    /// Whether it takes calls.
    pub status: AgentStatus,
    /// What it may do.
    pub permission: Permission,
    /// What it is good at.
    pub tag_ids: Vec<Uuid>,
    /// Where it is reached, in the order in which it is rung.
    pub addresses: Vec<AgentAddress>,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it was deleted.
    pub deleted: Option<UnixMicros>,
}

/// A password's hash as a PHC string; it is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// How the addresses of an agent are rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RingMethod {
    /// All at once.
    #[default]
    RingAll,
    /// One after the other.
    Linear,
}

/// Whether an agent takes calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AgentStatus {
    /// It takes calls.
    Available,
    /// It is not at its place.
    Away,
    /// It is in a call.
    Busy,
    /// It does not work now.
    #[default]
    Offline,
    /// It is rung.
    Ringing,
}

/// What an agent may do; each may what those before it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Read, and change what is its own.
    #[default]
    Agent,
    /// Change all but managers and administrators, and what is the customer's.
    Manager,
    /// Everything.
    Admin,
}

/// Where an agent is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentAddress {
    /// What `target` is: an extension, a telephone number, or a SIP URI.
    pub kind: AddressKind,
    /// The extension's number or id, the telephone number, or `user@host`.
    pub target: String,
    /// The name shown for it.
    pub target_name: String,
    /// A name given to it.
    pub name: String,
    /// A remark.
    pub detail: String,
}

/// What [`crate::Command::CreateAgent`] needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewAgent {
    /// See [`Agent::username`].
    pub username: String,
    /// See [`Agent::password_hash`].
    pub password_hash: PasswordHash,
    /// See [`Agent::name`].
    pub name: String,
    /// See [`Agent::detail`].
    pub detail: String,
    /// See [`Agent::ring_method`].
    pub ring_method: RingMethod,
    /// See [`Agent::permission`].
    pub permission: Permission,
    /// See [`Agent::tag_ids`].
    pub tag_ids: Vec<Uuid>,
    /// See [`Agent::addresses`].
    pub addresses: Vec<AgentAddress>,
}

/// What [`crate::Command::UpdateAgent`] changes; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentChange {
    /// A new password.
    pub password_hash: Option<PasswordHash>,
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
    /// Another way to ring it.
    pub ring_method: Option<RingMethod>,
    /// Whether it takes calls.
    pub status: Option<AgentStatus>,
    /// What it may do.
    pub permission: Option<Permission>,
    /// What it is good at.
    pub tag_ids: Option<Vec<Uuid>>,
    /// Where it is reached.
    pub addresses: Option<Vec<AgentAddress>>,
}

/// Who wants something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The exchange itself: it may everything.
    Exchange,
    /// An agent, which may what its permission allows at that moment.
    Agent(Uuid),
}

/// All agents.
#[derive(Debug, Default)]
pub struct Agents {
    by_id: FxHashMap<Uuid, Agent>,
    /// By user name in small letters.
    by_username: FxHashMap<String, Uuid>,
}

impl AgentChange {
    /// Whether it changes nothing but whether the agent takes calls.
    pub fn is_status_only(&self) -> bool {
        self.status.is_some() && AgentChange { status: None, ..self.clone() } == AgentChange::default()
    }

    /// Whether it leaves alone what agents may not change of themselves.
    fn is_personal(&self) -> bool {
        let AgentChange { password_hash: _, status: _, addresses: _, name, detail, ring_method, permission, tag_ids } =
            self;
        let rest = (name.is_none(), detail.is_none(), ring_method.is_none(), permission.is_none(), tag_ids.is_none());
        rest == (true, true, true, true, true)
    }

    fn validate(&self) -> Result<(), Rejection> {
        self.name.as_deref().map_or(Ok(()), |name| validate_text("name", name))?;
        self.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))?;
        self.tag_ids.as_deref().map_or(Ok(()), validate_tags)?;
        self.addresses.as_deref().map_or(Ok(()), validate_addresses)
    }
}

impl Agents {
    /// The agent with this id.
    pub fn get(&self, id: Uuid) -> Option<&Agent> {
        self.by_id.get(&id)
    }

    /// The agent with this id, or this user name.
    pub fn named(&self, target: &str) -> Option<&Agent> {
        let by_name = || self.by_username.get(&target.to_lowercase()).copied();
        target.parse().ok().or_else(by_name).and_then(|id| self.by_id.get(&id))
    }

    /// Where an agent is rung; nowhere, if there is no such agent. Whether it takes calls is for queues to mind.
    pub fn reached_at(&self, target: &str) -> Vec<Address> {
        let to = |at: &AgentAddress| Address {
            kind: at.kind,
            target: at.target.clone(),
            target_name: at.target_name.clone(),
        };
        self.named(target).map_or(Vec::new(), |agent| agent.addresses.iter().map(to).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes up what the store remembers.
    pub fn restore(&mut self, agents: Vec<Agent>) {
        for agent in agents.into_iter().filter(|agent| agent.deleted.is_none()) {
            self.by_username.insert(agent.username.to_lowercase(), agent.id);
            self.by_id.insert(agent.id, agent);
        }
    }

    /// Makes an agent; it is offline until it says otherwise.
    pub fn create(&mut self, id: Uuid, new: NewAgent, by: Author, at: UnixMicros) -> Result<Agent, Rejection> {
        if self.permission_of(by)? < new.permission.max(Permission::Manager) || !self.may_touch(by, new.permission)? {
            return Err(FORBIDDEN);
        }
        validate_username(&new.username)?;
        validate_text("name", &new.name)?;
        validate_text("detail", &new.detail)?;
        validate_tags(&new.tag_ids)?;
        validate_addresses(&new.addresses)?;
        let key = new.username.to_lowercase();
        if self.by_username.contains_key(&key) {
            return Err(Rejection::AlreadyExists("agent"));
        }
        if self.by_id.len() >= limits::AGENTS {
            return Err(Rejection::Exhausted("there are as many agents as the exchange can hold"));
        }
        let NewAgent { username, password_hash, name, detail, ring_method, permission, tag_ids, addresses } = new;
        let (status, created, updated, deleted) = (AgentStatus::default(), at, at, None);
        let made = Agent {
            id,
            username,
            password_hash,
            name,
            detail,
            ring_method,
            status,
            permission,
            tag_ids,
            addresses,
            created,
            updated,
            deleted,
        };
        self.by_username.insert(key, id);
        self.by_id.insert(id, made.clone());
        Ok(made)
    }

    /// Changes an agent.
    pub fn update(&mut self, id: Uuid, change: AgentChange, by: Author, at: UnixMicros) -> Result<Agent, Rejection> {
        let agent = self.by_id.get(&id).ok_or(Rejection::NotFound("agent"))?;
        let own = by == Author::Agent(id) && (change.is_personal() || self.permission_of(by)? > Permission::Agent);
        let power = self.permission_of(by)?;
        if !own && (power < Permission::Manager || !self.may_touch(by, agent.permission)?) {
            return Err(FORBIDDEN);
        }
        if change.permission.is_some_and(|wanted| wanted != agent.permission) {
            if power < Permission::Admin {
                return Err(Rejection::Forbidden("only an administrator may change what an agent may do"));
            }
            self.refuse_without_admin(agent)?;
        }
        change.validate()?;
        let agent = self.by_id.get_mut(&id).expect("it was found above");
        let AgentChange { password_hash, name, detail, ring_method, status, permission, tag_ids, addresses } = change;
        agent.password_hash = password_hash.unwrap_or_else(|| std::mem::take(&mut agent.password_hash));
        agent.name = name.unwrap_or_else(|| std::mem::take(&mut agent.name));
        agent.detail = detail.unwrap_or_else(|| std::mem::take(&mut agent.detail));
        agent.ring_method = ring_method.unwrap_or(agent.ring_method);
        agent.status = status.unwrap_or(agent.status);
        agent.permission = permission.unwrap_or(agent.permission);
        agent.tag_ids = tag_ids.unwrap_or_else(|| std::mem::take(&mut agent.tag_ids));
        agent.addresses = addresses.unwrap_or_else(|| std::mem::take(&mut agent.addresses));
        agent.updated = at;
        Ok(agent.clone())
    }

    /// Removes an agent.
    pub fn delete(&mut self, id: Uuid, by: Author, at: UnixMicros) -> Result<Agent, Rejection> {
        let agent = self.by_id.get(&id).ok_or(Rejection::NotFound("agent"))?;
        let power = self.permission_of(by)?;
        if power < Permission::Manager || !(by == Author::Agent(id) || self.may_touch(by, agent.permission)?) {
            return Err(FORBIDDEN);
        }
        self.refuse_without_admin(agent)?;
        let mut agent = self.by_id.remove(&id).expect("it was found above");
        self.by_username.remove(&agent.username.to_lowercase());
        (agent.updated, agent.deleted) = (at, Some(at));
        Ok(agent)
    }

    /// Takes a tag from all who have it; returns them, in the order of their ids.
    pub fn remove_tag(&mut self, tag: Uuid, at: UnixMicros) -> Vec<Agent> {
        let mut changed = Vec::new();
        for agent in self.by_id.values_mut().filter(|agent| agent.tag_ids.contains(&tag)) {
            agent.tag_ids.retain(|id| *id != tag);
            agent.updated = at;
            changed.push(agent.clone());
        }
        changed.sort_by_key(|agent| agent.id);
        changed
    }

    fn permission_of(&self, by: Author) -> Result<Permission, Rejection> {
        match by {
            Author::Exchange => Ok(Permission::Admin),
            Author::Agent(id) => match self.by_id.get(&id) {
                Some(agent) => Ok(agent.permission),
                None => Err(Rejection::Forbidden("the agent who asks is deleted")),
            },
        }
    }

    /// Whether those with this permission are in the author's hands.
    fn may_touch(&self, by: Author, permission: Permission) -> Result<bool, Rejection> {
        Ok(permission == Permission::Agent || self.permission_of(by)? == Permission::Admin)
    }

    /// Refuses what would leave nobody who may everything.
    fn refuse_without_admin(&self, leaving: &Agent) -> Result<(), Rejection> {
        let stays = |agent: &&Agent| agent.permission == Permission::Admin && agent.id != leaving.id;
        if leaving.permission == Permission::Admin && !self.by_id.values().any(|agent| stays(&agent)) {
            return Err(Rejection::LastAdmin);
        }
        Ok(())
    }
}

const FORBIDDEN: Rejection = Rejection::Forbidden("only an administrator may change managers and administrators");

fn validate_username(username: &str) -> Result<(), Rejection> {
    let field = "username";
    if username.is_empty() || username.len() > 255 {
        return Err(Rejection::Invalid { field, reason: "must be 1 to 255 bytes long" });
    }
    if username.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Rejection::Invalid { field, reason: "must not contain spaces or control characters" });
    }
    Ok(())
}

fn validate_tags(tags: &[Uuid]) -> Result<(), Rejection> {
    let field = "tag_ids";
    if tags.len() > limits::TAGS_OF_AGENT {
        return Err(Rejection::Invalid { field, reason: "are more than 100" });
    }
    if (1..tags.len()).any(|at| tags[..at].contains(&tags[at])) {
        return Err(Rejection::Invalid { field, reason: "name a tag twice" });
    }
    Ok(())
}

fn validate_addresses(addresses: &[AgentAddress]) -> Result<(), Rejection> {
    let field = "addresses";
    if addresses.len() > limits::ADDRESSES_OF_AGENT {
        return Err(Rejection::Invalid { field, reason: "are more than 10" });
    }
    for address in addresses {
        for text in [&address.target_name, &address.name, &address.detail] {
            validate_text(field, text)?;
        }
        match address.kind {
            AddressKind::Extension => validate_extension(&address.target)?,
            AddressKind::Tel if is_telephone_number(&address.target) => {}
            AddressKind::Tel => {
                return Err(Rejection::Invalid { field, reason: "of type tel are 1 to 32 digits after an optional +" });
            }
            AddressKind::Sip if is_sip(&address.target) => {}
            AddressKind::Sip => return Err(Rejection::Invalid { field, reason: "of type sip are like user@host" }),
            _ => return Err(Rejection::Invalid { field, reason: "must be of type extension, tel or sip" }),
        }
    }
    Ok(())
}

/// An extension's number, or its id.
fn validate_extension(target: &str) -> Result<(), Rejection> {
    if Uuid::try_parse(target).is_ok() { Ok(()) } else { validate_number("addresses", target) }
}

fn is_telephone_number(target: &str) -> bool {
    let digits = target.strip_prefix('+').unwrap_or(target);
    (1..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_sip(target: &str) -> bool {
    let prefixed = target.starts_with("sip:") || target.starts_with("sips:");
    let uri = if prefixed { target.to_owned() } else { format!("sip:{target}") };
    target.len() <= 255 && target.contains('@') && sip::Uri::parse(uri.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;
