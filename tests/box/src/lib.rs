//! The real binary, driven as its users drive it: real phones, a real browser, real signals. Everything runs on free
//! ports of 127.0.0.1 and ends with its owner: each process that is started here is stopped here, by its pid.

pub mod api;
pub mod baresip;
pub mod bucket;
pub mod cable;
pub mod child;
pub mod cloud;
pub mod event_log;
pub mod exchange;
pub mod false_clock;
pub mod kamailio;
pub mod mail_server;
pub mod name_server;
pub mod namespace;
pub mod pcap;
pub mod ports;
pub mod postgresql;
pub mod rabbitmq;
pub mod recording;
pub mod relay;
pub mod sipp;
pub mod small_disk;
pub mod soak;
pub mod sound;
pub mod speech_service;
pub mod stun_server;
pub mod wait;
pub mod web_server;

pub use api::Api;
pub use baresip::Phone;
pub use bucket::BucketService;
pub use cable::Cable;
pub use cloud::Cloud;
pub use exchange::Exchange;
pub use false_clock::FalseClock;
pub use kamailio::Kamailio;
pub use mail_server::MailServer;
pub use postgresql::PostgreSql;
pub use rabbitmq::RabbitMq;
pub use small_disk::SmallDisk;
pub use web_server::WebServer;
