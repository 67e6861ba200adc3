//! The ledger: a call is charged once, with its end, however the process or the disk fails in between.

use std::time::Duration;

use pbx::billing::{
    Adjustment, BillingAccount, Charge, CostType as Cost, Micros, Shortage as Short, Usage, WhenSpent as Then,
};
use pbx::call::{Address, AddressKind, CallRecord, Direction, HangupBy, HangupReason, Status};
use pbx::{Event, EventKind, UnixMicros};
use store::billing::{CostType, PaymentType, ReferenceType, TransactionType, account_id};
use store::{Durability, Error, Item, PageRequest, Reader, Store, Timestamp, Writer};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;
const SECOND: i64 = 1_000_000;
const RATE: i64 = 12_000;

struct Opened {
    folder: tempfile::TempDir,
    store: Store,
    writer: Writer,
    reader: Reader,
}

fn open() -> Opened {
    open_in(tempfile::tempdir().expect("a temporary folder can be made"))
}

fn open_in(folder: tempfile::TempDir) -> Opened {
    let (store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    Opened { folder, store, writer, reader }
}

impl Opened {
    /// The process ends and begins again.
    fn again(self) -> Opened {
        let Opened { folder, store, writer, reader } = self;
        drop((writer, reader, store));
        open_in(folder)
    }

    fn write(&mut self, items: &[Item]) {
        self.writer.write(items, Durability::Acknowledged).expect("it is written");
    }

    fn balance(&self) -> i64 {
        self.reader.billing_account().expect("an account").balance_credit
    }

    /// The entries, the oldest first, and that the balance is what they come to.
    fn entries(&self) -> Vec<store::billing::Record> {
        let mut entries = self.reader.billings(PageRequest::default()).expect("a ledger").result;
        entries.reverse();
        assert_eq!(entries.iter().map(|entry| entry.amount_credit).sum::<i64>(), self.balance());
        entries
    }

    fn names(&self) -> Vec<String> {
        let events = self.reader.events_after(0, 1_000).expect("a log");
        events.into_iter().map(|event| event.kind).collect()
    }
}

fn event(at: i64, kind: EventKind) -> Item {
    Item::Event(Event { at: UnixMicros(NOW + at * SECOND), kind })
}

fn pay(key: u128, amount: i64) -> Item {
    event(0, EventKind::BillingAdjusted(Adjustment { key: Uuid::from_u128(key), amount: Micros(amount) }))
}

/// A call that was answered after a second; over after so many more, if it is.
fn call(number: u128, lasted: Option<u64>) -> Box<CallRecord> {
    let address = |target: &str| Address { kind: AddressKind::Tel, target: target.into(), target_name: String::new() };
    let duration = lasted.map(Duration::from_secs);
    let end = lasted.map(|seconds| UnixMicros(NOW + (1 + seconds as i64) * SECOND));
    Box::new(CallRecord {
        id: Uuid::from_u128(number),
        master_call_id: None,
        made_by: None,
        chained_call_ids: Vec::new(),
        flow_id: None,
        activeflow_id: None,
        groupcall_id: None,
        source: address("1001"),
        destination: address("+4930"),
        direction: Direction::Outgoing,
        status: if end.is_some() { Status::Hangup } else { Status::Progressing },
        hangup_by: end.map(|_| HangupBy::Remote),
        hangup_reason: end.map(|_| HangupReason::Normal),
        hangup_cause: end.map(|_| 16),
        codec: None,
        encryption: None,
        ice_transport: None,
        peer: String::new(),
        sip_call_id: String::new(),
        held: false,
        controls: Default::default(),
        recording_id: None,
        recording_ids: Vec::new(),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW),
        ringing: None,
        progressing: Some(UnixMicros(NOW + SECOND)),
        hungup: end,
        charge: Some(Charge { cost_type: Cost::CallPstnOutgoing, rate: Micros(RATE), duration }),
        quality: None,
    })
}

fn answered(number: u128) -> Item {
    event(1, EventKind::CallAnswered(call(number, None)))
}

fn hungup(number: u128, lasted: u64) -> Item {
    event(1 + lasted as i64, EventKind::CallHungup(call(number, Some(lasted))))
}

#[test]
fn a_call_is_charged_with_its_end() {
    let mut one = open();
    one.write(&[pay(900, 100 * RATE), answered(1)]);
    assert_eq!(one.balance(), 100 * RATE);
    one.write(&[hungup(1, 135)]);
    let entries = one.entries();
    let [topup, usage] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((topup.transaction_type, topup.amount_credit), (TransactionType::TopUp, 100 * RATE));
    assert_eq!((usage.transaction_type, usage.reference_type), (TransactionType::Usage, ReferenceType::Call));
    assert_eq!((usage.reference_id, usage.cost_type), (Uuid::from_u128(1), CostType::CallPstnOutgoing));
    assert_eq!((usage.usage_duration, usage.billable_units, usage.rate_credit_per_unit), (135, 3, RATE));
    assert_eq!((usage.amount_credit, usage.balance_credit_snapshot), (-3 * RATE, 97 * RATE));
    let (began, ended) = (Timestamp(NOW + SECOND), Timestamp(NOW + 136 * SECOND));
    assert_eq!((usage.tm_billing_start, usage.tm_billing_end, usage.tm_create), (began, ended, ended));
    assert_eq!(one.names(), ["billing_created", "call_answered", "call_hungup", "billing_created"]);
    let told = one.reader.events_after(3, 1).expect("a log");
    assert_eq!(told[0].data.get(), serde_json::to_string(usage).expect("JSON"), "the event carries the entry");
    assert_eq!(one.reader.billing(Uuid::from_u128(1)).expect("a ledger").as_ref(), Some(usage));
    assert_eq!(one.reader.customer().expect("one").billing_account_id, account_id(one.store.identity()));
}

#[test]
fn whatever_is_written_twice_is_charged_once() {
    let mut one = open();
    one.write(&[pay(900, 5 * RATE), pay(900, 5 * RATE), answered(1), hungup(1, 10), hungup(1, 10)]);
    one.write(&[pay(900, 5 * RATE), hungup(1, 10)]);
    assert_eq!((one.entries().len(), one.balance()), (2, 4 * RATE));
    assert_eq!(one.names().iter().filter(|name| *name == "billing_created").count(), 2);
    let mut one = one.again();
    assert_eq!(one.writer.close_interrupted_calls(Timestamp(NOW + 99 * SECOND)).expect("closed"), 0);
    assert_eq!((one.entries().len(), one.balance()), (2, 4 * RATE));
}

#[test]
fn a_call_that_the_end_of_the_process_cut_off_is_charged_until_its_last_sign_of_life() {
    for (probe, minutes) in [(None, 1), (Some(30), 1), (Some(100), 2), (Some(900_000), 60)] {
        let mut one = open();
        one.write(&[answered(1)]);
        probe.into_iter().for_each(|at| one.write(&[Item::Probe(Timestamp(NOW + at * SECOND))]));
        let mut one = one.again();
        // It was off for a week.
        let now = Timestamp(NOW + 604_800 * SECOND);
        assert_eq!(one.writer.close_interrupted_calls(now).expect("closed"), 1);
        assert_eq!(one.balance(), -minutes * RATE, "{probe:?}");
        assert_eq!(one.names(), ["call_answered", "call_hungup", "billing_created"]);
        let mut one = one.again();
        assert_eq!(one.writer.close_interrupted_calls(now).expect("closed"), 0);
        assert_eq!(one.entries().len(), 1, "once");
    }
}

#[test]
fn a_call_that_is_free_or_was_not_answered_is_not_charged() {
    let mut one = open();
    let free = Box::new(CallRecord { charge: None, ..*call(1, Some(10)) });
    let silent = Box::new(CallRecord { charge: None, progressing: None, ..*call(2, Some(10)) });
    let kinds = [free.clone(), silent].map(EventKind::CallHungup);
    one.write(&[event(1, EventKind::CallAnswered(Box::new(CallRecord { hungup: None, ..*free })))]);
    one.write(&kinds.map(|kind| event(11, kind)));
    assert_eq!((one.entries().len(), one.balance()), (0, 0));
}

#[test]
fn a_disk_that_fills_up_at_any_step_leaves_the_charge_with_the_call_or_neither() {
    // The transaction is cut wherever it wants one page more: after the event, after the ledger's row, after the balance.
    let (mut cut, mut written) = (0, 0);
    for spare in (0..160).step_by(10) {
        let mut one = open();
        one.write(&[pay(900, 100 * RATE), answered(1)]);
        // So that rows need pages of their own soon.
        let filler: Vec<Item> = (10..40).flat_map(|number| [answered(number), hungup(number, 5)]).collect();
        one.write(&filler);
        // Everything is in the file itself then, and not in the log beside it.
        let mut one = one.again();
        let (before, events) = (one.balance(), one.reader.latest_seq().expect("a log"));
        let pages = (std::fs::metadata(one.folder.path().join("tandem.db")).expect("a file").len() / 2_048) as u32;
        one.writer.limit_pages(pages + spare).expect("a limit");
        let batch: Vec<Item> = std::iter::once(hungup(1, 61)).chain((50..70).map(|number| hungup(number, 5))).collect();
        match one.writer.write(&batch, Durability::Acknowledged) {
            Err(Error::Full(_)) => {
                cut += 1;
                assert_eq!((one.balance(), one.reader.latest_seq().expect("a log")), (before, events), "{spare}");
                let mut one = one.again();
                one.write(&batch);
                assert_eq!(one.balance(), before - 22 * RATE, "{spare}");
            }
            Ok(_) => {
                written += 1;
                assert_eq!(one.balance(), before - 22 * RATE, "{spare}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(cut > 0 && written > 0, "{cut} were cut, {written} were not");
}

#[test]
fn it_is_told_once_that_the_balance_has_become_low() {
    let mut one = open();
    let mut account = BillingAccount::default();
    account.data.low_balance = Micros(3 * RATE);
    one.write(&[event(0, EventKind::BillingAccountUpdated(Box::new(account))), pay(900, 4 * RATE)]);
    assert!(!one.reader.billing_account().expect("an account").is_low);
    for number in 1..=3 {
        one.write(&[answered(number), hungup(number, 5)]);
    }
    let low = |one: &Opened| one.names().iter().filter(|name| *name == "billing_account_low").count();
    assert_eq!(low(&one), 1, "not at 3, but at 2, and no more at 1");
    assert!(one.reader.billing_account().expect("an account").is_low);
    one.write(&[pay(901, 3 * RATE), answered(4), hungup(4, 65)]);
    assert_eq!(low(&one), 2);
}

#[test]
fn what_was_set_is_there_after_a_start_with_the_balance() {
    let mut one = open();
    assert_eq!(one.reader.restore().expect("it is read").billing, BillingAccount::default());
    let mut account = BillingAccount { updated: UnixMicros(NOW), ..BillingAccount::default() };
    let data = &mut account.data;
    (data.name, data.detail, data.currency) = ("Office".into(), "third floor".into(), "EUR".into());
    data.prices.set(Cost::CallPstnOutgoing, Micros(RATE));
    data.prices.set(Cost::CallVn, Micros(1));
    (data.credit_limit, data.low_balance, data.when_spent) = (Micros(7), Micros(8), Then::Continue);
    data.announcement = "It is spent.".into();
    one.write(&[event(0, EventKind::BillingAccountUpdated(Box::new(account.clone()))), pay(900, 5)]);
    one.write(&[pay(901, -7)]);
    let one = one.again();
    let restored = BillingAccount { balance: Micros(-2), topped_up: Some(UnixMicros(NOW)), ..account };
    assert_eq!(one.reader.restore().expect("it is read").billing, restored);
    let shown = one.reader.billing_account().expect("an account");
    assert_eq!((shown.payment_type, shown.currency.as_str(), shown.is_low), (PaymentType::Postpaid, "EUR", true));
    assert_eq!(
        shown.prices.into_iter().collect::<Vec<_>>(),
        [(CostType::CallPstnOutgoing, RATE), (CostType::CallVn, 1)]
    );
    assert_eq!(one.entries()[1].transaction_type, TransactionType::Adjustment);
}

#[test]
fn what_the_balance_did_not_suffice_for_is_told() {
    let mut one = open();
    let (cost_type, rate, balance) = (Cost::CallVn, Micros(RATE), Micros(-1));
    let call_id = Uuid::from_u128(1);
    let shortage = Box::new(Short { call_id, made_by: None, cost_type, rate, balance, ends: true });
    one.write(&[event(0, EventKind::BillingRefused(shortage.clone())), event(0, EventKind::BillingSpent(shortage))]);
    assert_eq!(one.names(), ["billing_refused", "billing_spent"]);
    let told: serde_json::Value =
        serde_json::from_str(one.reader.events_after(0, 1).expect("a log")[0].data.get()).expect("JSON");
    let account = account_id(one.store.identity()).to_string();
    assert_eq!(told["account_id"], account);
    assert_eq!((&told["cost_type"], &told["balance_credit"]), (&"call_vn".into(), &(-1).into()));
}

#[test]
fn a_damaged_database_is_restored_with_its_ledger_and_the_balance_that_it_comes_to() {
    let mut one = open();
    let mut account = BillingAccount::default();
    account.data.prices.set(Cost::CallVn, Micros(3));
    one.write(&[event(0, EventKind::BillingAccountUpdated(Box::new(account))), pay(900, 9 * RATE)]);
    assert!(one.writer.needs_copy());
    one.writer.make_copy().expect("it is copied");
    // Charges make no copy: the flash would not last.
    one.write(&[answered(1), hungup(1, 5), answered(2), hungup(2, 5)]);
    assert!(!one.writer.needs_copy());
    std::fs::write(one.folder.path().join("tandem.db-suspect"), "").expect("a mark");
    let Opened { folder, store, writer, reader } = one;
    drop((writer, reader, store));
    let path = folder.path().join("tandem.db");
    let mut octets = std::fs::read(&path).expect("a file");
    // Something that only quick_check finds: the root of an index is no longer one.
    let size = octets.len();
    octets[size - 2_048..].fill(0xEE);
    std::fs::write(&path, octets).expect("it is damaged");
    let one = open_in(folder);
    assert_eq!(one.reader.billing_account().expect("an account").prices.len(), 1);
    let last = one.entries().last().cloned();
    assert_eq!(last.map(|entry| entry.balance_credit_snapshot), Some(one.balance()));
}

#[test]
fn what_is_no_call_is_charged_once_as_well() {
    let mut one = open();
    let (key, duration) = (Uuid::from_u128(7), Duration::from_secs(130));
    let usage = Usage {
        key,
        cost_type: Cost::Recording,
        reference_id: key,
        made_by: None,
        rate: Micros(4),
        units: 3,
        duration,
    };
    let text = Usage {
        key: Uuid::from_u128(8),
        cost_type: Cost::Sms,
        reference_id: Uuid::nil(),
        units: 1,
        duration: Duration::ZERO,
        ..usage
    };
    let used = |usage: Usage| event(200, EventKind::BillingUsed(Box::new(usage)));
    one.write(&[used(usage), used(usage), used(text)]);
    one.write(&[used(usage)]);
    let entries = one.entries();
    let [recording, sms] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((recording.reference_type, recording.reference_id), (ReferenceType::Recording, key));
    assert_eq!((recording.usage_duration, recording.billable_units, recording.amount_credit), (130, 3, -12));
    assert_eq!(recording.tm_billing_start, Timestamp(NOW + 70 * SECOND));
    assert_eq!((sms.reference_type, sms.cost_type, sms.amount_credit), (ReferenceType::Sms, CostType::Sms, -4));
}
