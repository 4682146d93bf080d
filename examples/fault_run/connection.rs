//! A minimal HTTP/1.1 client on one kept connection: the run must see every byte, and every way to misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, Value)> {
        let (status, body) = self.ask_raw(method, path, body)?;
        parsed(&body).map(|value| (status, value))
    }

    /// The same, the body as it is.
    pub(crate) fn ask_raw(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<(u16, Vec<u8>)> {
        let request = request(method, path, body);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// Sends a request a few bytes at a time.
    pub(crate) fn ask_slowly(&mut self, path: &str, body: &Value, pause: Duration) -> std::io::Result<(u16, Value)> {
        let request = request("POST", path, Some(body));
        for piece in request.as_bytes().chunks(request.len().div_ceil(8)) {
            self.stream.get_mut().write_all(piece)?;
            std::thread::sleep(pause);
        }
        let (status, body) = self.answer()?;
        parsed(&body).map(|value| (status, value))
    }

    /// Sends bytes that are no request, and looks at nothing.
    pub(crate) fn babble(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| broken(&line))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let header = line.to_ascii_lowercase();
            chunked |= header.starts_with("transfer-encoding: chunked");
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| broken(value))?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        while chunked && self.chunk(&mut body)? > 0 {}
        Ok((status, body))
    }

    /// Reads one chunk of a body and says how long it is; the last is empty.
    fn chunk(&mut self, body: &mut Vec<u8>) -> std::io::Result<usize> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(|_| broken(&line))?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        self.stream.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        Ok(length)
    }
}

fn parsed(body: &[u8]) -> std::io::Result<Value> {
    serde_json::from_slice(body).map_err(|_| broken(&String::from_utf8_lossy(body)))
}

fn request(method: &str, path: &str, body: Option<&Value>) -> String {
    let body = body.map(Value::to_string).unwrap_or_default();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn broken(what: &str) -> std::io::Error {
    std::io::Error::other(format!("not an answer: {what:?}"))
}
