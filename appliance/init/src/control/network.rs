//! The network by the control socket: `{"do":"network"}` shows it, `network_check` and `network_set` take settings as `network`, and
//! `network_confirm` keeps what was set.
use std::rc::Rc;

use serde_json::{Value, json};

use super::conversation::{Refusal, Request};
use crate::mdns::Name;
use crate::network::{Network, NetworkSettings, hardware_address_of_the_box, own_addresses};

/// What is set and on trial, and what the box has.
pub fn show(network: &Network, name: &Name) -> Value {
    let mut shown = network.show();
    let addresses = own_addresses().into_iter().map(|(address, prefix)| format!("{address}/{prefix}"));
    shown["addresses"] = addresses.collect();
    shown["hardware_address"] = json!(hardware_address_of_the_box());
    shown["mdns_name"] = json!(name.get());
    shown
}

/// Whether settings could be set; nothing is changed.
pub fn check(request: &Request) -> Result<Value, Refusal> {
    read(request).map(|_| Value::Null)
}

/// Tries settings out, for as long as they have to be confirmed.
pub fn set(request: &Request, network: &Rc<Network>, name: &Name) -> Result<Value, Refusal> {
    let settings = read(request)?;
    network.try_out(settings);
    Ok(show(network, name))
}

/// Keeps what is on trial.
pub fn confirm(network: &Network, name: &Name) -> Result<Value, Refusal> {
    network.confirm().map_err(Refusal::new)?;
    Ok(show(network, name))
}

fn read(request: &Request) -> Result<NetworkSettings, Refusal> {
    NetworkSettings::from_json(request.value("network")).map_err(|wrong| Refusal::of_field(wrong.field, wrong.reason))
}
