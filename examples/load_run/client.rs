//! A client on one kept connection.

use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream) })
    }

    pub(crate) fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> std::io::Result<Answer> {
        let length = body.len();
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> std::io::Result<Answer> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| broken(&line))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = self.line()?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            chunked |= header.starts_with("transfer-encoding: chunked");
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| broken(value))?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        while chunked {
            let line = self.line()?;
            let chunk = usize::from_str_radix(&line, 16).map_err(|_| broken(&line))?;
            let start = body.len();
            body.resize(start + chunk, 0);
            self.stream.read_exact(&mut body[start..])?;
            self.line()?;
            chunked = chunk > 0;
        }
        Ok(Answer { status, body })
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        line.ends_with('\n').then(|| line.trim_end().to_owned()).ok_or_else(|| broken(&line))
    }
}

fn broken(what: &str) -> Error {
    Error::other(format!("not an answer: {what:?}"))
}
