//! Flows, step by step: what each action does to the flow itself, and what a flow does when something is wrong.

mod branch;
mod condition_call;
mod condition_datetime;
mod condition_variable;
mod digits_receive;
mod findings;
mod goto;
mod limits;
mod nesting;
mod variable_set;
mod world;
