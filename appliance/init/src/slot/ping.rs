//! Asks the exchange by SIP whether it is there: OPTIONS (RFC 3261 section 11), answered with whatever final status.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, anyhow};
use smol::Timer;
use smol::future::or;
use smol::net::UdpSocket;

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How much of an answer is looked at.
const ANSWER: usize = 2048;

/// Whether an answer comes in time.
pub async fn is_answered(exchange: SocketAddr) -> bool {
    let late = async {
        Timer::after(TIMEOUT).await;
        false
    };
    or(async { ask(exchange).await.unwrap_or(false) }, late).await
}

async fn ask(exchange: SocketAddr) -> Result<bool> {
    let any: IpAddr =
        if exchange.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(exchange).await?;
    let own = socket.local_addr()?;
    let mut drawn = [0; 8];
    rustix::rand::getrandom(&mut drawn, rustix::rand::GetRandomFlags::empty())?;
    let id = u64::from_ne_bytes(drawn);
    socket.send(request(exchange, own, id).as_bytes()).await?;
    let mut answer = [0; ANSWER];
    let length = socket.recv(&mut answer).await?;
    let answer = str::from_utf8(&answer[..length]).map_err(|_| anyhow!("the answer is no text"))?;
    Ok(is_final(answer) && answer.contains(&format!("{id:016x}")))
}

fn request(exchange: SocketAddr, own: SocketAddr, id: u64) -> String {
    format!(
        "OPTIONS sip:{exchange} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bK{id:016x};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:init@{own}>;tag={id:016x}\r\n\
         To: <sip:{exchange}>\r\n\
         Call-ID: {id:016x}@{host}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n",
        host = own.ip(),
    )
}

/// Any final status shows that the exchange works; one of the 500s shows that it does not work well.
fn is_final(answer: &str) -> bool {
    let status = answer.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
    status.is_some_and(|status| (200..500).contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answer: impl Fn(&str) -> String + Send + 'static) -> bool {
        let exchange = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = exchange.local_addr().expect("it is bound");
        let server = std::thread::spawn(move || {
            let mut request = [0; 2048];
            let (length, asker) = exchange.recv_from(&mut request).expect("somebody asks");
            let request = str::from_utf8(&request[..length]).expect("a request is text");
            assert!(request.starts_with(&format!("OPTIONS sip:{address} SIP/2.0\r\n")), "{request}");
            exchange.send_to(answer(request).as_bytes(), asker).expect("it listens");
        });
        let is_answered = smol::block_on(is_answered(address));
        server.join().expect("the request was as it should be");
        is_answered
    }

    #[test]
    fn an_answer_to_this_request_counts() {
        let with = |status: &'static str| move |request: &str| request.replacen("OPTIONS sip:", status, 1);
        assert!(answered(with("SIP/2.0 200 OK\r\nX: ")));
        assert!(answered(with("SIP/2.0 404 Not Found\r\nX: ")));
        assert!(!answered(with("SIP/2.0 503 Service Unavailable\r\nX: ")));
        assert!(!answered(|_| "SIP/2.0 200 OK\r\n\r\n".to_owned()));
        assert!(!answered(|_| "nonsense".to_owned()));
    }

    #[test]
    fn nobody_there_is_no_answer() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        drop(socket);
        assert!(!smol::block_on(is_answered(address)));
    }
}
