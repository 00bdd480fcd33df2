//! A server that does nothing but write to sockets: what is late there is late for every service on this machine.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use serde::Serialize;

use crate::machine::{allow_files, processor_seconds};
use crate::options::Bare;
use crate::timing::wall;

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// Fields behind a record's time, as many bytes as most records of a real stream have.
const FIELDS: &str = "\"A\",\"B\",\"64123450000000\",10,\"6412345678901\",130,1,123456]";
/// Later, it is a pause of the machine's: what is due by then is sent at once, and no more than this.
const MOST: u64 = 100_000;

/// What it did.
#[derive(Serialize, Debug)]
pub struct Report {
    records: u64,
    batches: u64,
    seconds: f64,
    cpu_seconds: f64,
}

/// Says where it listens, waits until all have asked, and sends records as they are due until one of them goes.
///
/// # Errors
/// The system gives no socket, or a client broke the connection before it had asked.
pub fn run(options: &Bare) -> crate::Result<Report> {
    allow_files(options.connections)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("http://{}/", listener.local_addr()?);
    let mut clients = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        let (client, _) = listener.accept()?;
        client.set_nodelay(true)?;
        clients.push(client);
    }
    for client in &mut clients {
        let asked = client.read(&mut [0; 4_096])?;
        if asked == 0 {
            return Err("a client left before it asked".into());
        }
        client.write_all(HEAD)?;
    }
    send(&mut clients, options)
}

fn send(clients: &mut [TcpStream], options: &Bare) -> crate::Result<Report> {
    let (start, between) = (wall(), 1e9 / options.rate);
    let (mut sent, mut batches) = (0, 0);
    let (mut event, mut chunk) = (Vec::new(), Vec::new());
    loop {
        let due = ((wall() - start) as f64 / between) as u64;
        if due > sent {
            let until = due.min(sent + MOST);
            write_event(&mut event, start, between, sent, until)?;
            chunk.clear();
            write!(chunk, "{:x}\r\n", event.len())?;
            chunk.extend_from_slice(&event);
            chunk.extend_from_slice(b"\r\n");
            sent = until;
            batches += 1;
            for client in &mut *clients {
                match client.write_all(&chunk) {
                    Err(why) if matches!(why.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                        let seconds = (wall() - start) as f64 / 1e9;
                        let cpu_seconds = processor_seconds();
                        return Ok(Report { records: sent, batches, seconds, cpu_seconds });
                    }
                    other => other?,
                }
            }
        }
        sleep(Duration::from_micros(options.rest));
    }
}

/// The records that are due, each stamped with the time at which it was.
fn write_event(event: &mut Vec<u8>, start: i64, between: f64, from: u64, until: u64) -> std::io::Result<()> {
    event.clear();
    write!(event, "id: {until}\ndata: [")?;
    for record in from..until {
        let comma = if record > from { "," } else { "" };
        let due = start + ((record + 1) as f64 * between) as i64;
        write!(event, "{comma}[{record},\"{due}\",{FIELDS}")?;
    }
    event.write_all(b"]\n\n")
}

#[cfg(test)]
mod tests {
    use super::write_event;

    #[test]
    fn an_event_is_json_with_the_times_at_which_its_records_were_due() {
        let mut event = Vec::new();
        assert!(write_event(&mut event, 1_000, 10.0, 3, 5).is_ok());
        let text = String::from_utf8_lossy(&event);
        assert!(text.starts_with("id: 5\ndata: [[3,\"1040\","), "{text}");
        assert!(text.contains(",[4,\"1050\",") && text.ends_with("]]\n\n"), "{text}");
        let data = text
            .trim_end()
            .split_once("data: ")
            .map(|(_, data)| serde_json::from_str::<serde_json::Value>(data));
        assert!(data.is_some_and(|data| data.is_ok()), "{text}");
    }
}
