//! `docs/flow-actions.md` is written from what the exchange itself knows of its actions: `UPDATE=1 cargo test -p store
//! --test flow_actions` writes it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use pbx::flow::action::{Field, Info};
use pbx::flow::{Catalogue, Options, Value};
use store::value::Tree;

const HEAD: &str = "# Flow actions

Written by `UPDATE=1 cargo test -p store --test flow_actions` from what the exchange knows of its actions; not to be edited.

An action is `{\"id\", \"next_id\", \"type\", \"option\"}`. `type` is one of the names below, `option` holds its options. `id`
may be left out: the exchange chooses one. `next_id` is the action to go on at; left out, it is the next of the list.
`00000000-0000-0000-0000-000000000001` is the first action of the list, `…02` the end of the flow, `…03` the next action.

`${name}` in an option is the value of a variable, filled in right before the action runs; nothing where there is none.
";

fn example(info: &Info) -> Value {
    let Tree(value) = serde_json::from_str(info.example).unwrap_or_else(|error| panic!("{}: {error}", info.name));
    value
}

/// A cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn options(page: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        page.push_str("\nIt has no options.\n");
        return;
    }
    page.push_str("\n| option | default | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        let default = if field.default.is_empty() { "–".into() } else { code(field.default) };
        writeln!(page, "| {} | {default} | {} |", code(field.name), cell(field.about)).expect("a string takes all");
    }
}

fn entry(page: &mut String, info: &Info) {
    writeln!(page, "\n## {}\n\n{}", info.name, info.about).expect("a string takes all");
    if !info.aliases.is_empty() {
        let aliases: Vec<String> = info.aliases.iter().map(|alias| code(alias)).collect();
        writeln!(page, "\nIt may be called {} too.", aliases.join(", ")).expect("a string takes all");
    }
    let call = if info.needs_call { "It is passed over where there is no call." } else { "It needs no call." };
    let failure = if info.ends_flow { "Where it fails, the flow ends." } else { "Where it fails, the flow goes on." };
    writeln!(page, "\n{call} {failure}").expect("a string takes all");
    options(page, info.options);
    let option = serde_json::to_string(&Tree(example(info))).expect("what was JSON becomes JSON");
    writeln!(page, "\n```json\n{{\"type\": {:?}, \"option\": {option}}}\n```", info.name).expect("a string takes all");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    Catalogue::all().iter().for_each(|info| entry(&mut page, info));
    page
}

#[test]
fn the_page_about_the_actions_is_what_the_exchange_knows_of_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flow-actions.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        std::fs::write(&path, page()).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("the page is there");
    assert!(kept == page(), "docs/flow-actions.md is not what the exchange knows: see the head of this test");
}

#[test]
fn every_example_can_be_run_and_has_only_the_options_of_its_action() {
    assert!(Catalogue::all().len() > 40);
    for info in Catalogue::all() {
        let value = example(info);
        let Value::Map(entries) = &value else { panic!("{}: {} is no object", info.name, info.example) };
        let known: BTreeSet<&str> = info.options.iter().map(|field| field.name).collect();
        assert_eq!(known.len(), info.options.len(), "{}: an option stands twice", info.name);
        for (name, _) in entries {
            assert!(known.contains(name.as_str()), "{}: {name} is no option of it", info.name);
        }
        assert_eq!(info.check(&Options::draft(&value)), Ok(()), "{}: {}", info.name, info.example);
        assert!(info.about.ends_with('.'), "{}: {:?} is no sentence", info.name, info.about);
    }
}

#[test]
fn every_name_finds_its_action_and_no_other() {
    for info in Catalogue::all() {
        for name in std::iter::once(&info.name).chain(info.aliases) {
            assert_eq!(Catalogue::find(name).map(|found| found.name), Some(info.name), "{name}");
        }
    }
}
