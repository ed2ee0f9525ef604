//! The connection: HTTP/1.1 on 127.0.0.1, reading only, one request for each connection.
//!
//! Browsers open more connections than they need and leave them idle. Here each has a thread of its own and a time limit,
//! so that none waits for another.

use super::answer::Answer;
use super::site::{Asked, Site};
use crate::error::{Error, Result};
use crate::interrupt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon Ctrl-C is noticed.
const PATIENCE: Duration = Duration::from_millis(100);
/// Time for a request to arrive, and for a browser to take in a piece of the answer.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes of a request; those of browsers have about 1000.
const LONGEST_REQUEST: usize = 16 << 10;
/// Headers of a request; those of browsers have about 15.
const MOST_HEADERS: usize = 64;
/// Connections at the same time; a browser opens 6. Others are turned away.
const MOST_CONNECTIONS: usize = 64;

/// A listening socket.
pub(super) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on this port of 127.0.0.1, or on any free one.
    pub(super) fn bind(port: Option<u16>) -> Result<Self> {
        let bind = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        bind().map_err(|error: std::io::Error| {
            Error::new("cannot listen on 127.0.0.1")
                .because(error)
                .hint("give another port with --port, or leave it out to get a free one")
        })
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers until the user asks to stop. Answers on their way then go on for as long as the process does.
    pub(super) fn serve(&self, site: &Arc<Site>) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !interrupt::requested() {
                    std::thread::sleep(PATIENCE);
                }
                // Ends the waiting for a connection.
                let _ = TcpStream::connect(self.address);
            });
            while !interrupt::requested() {
                // An error is one of a single connection, such as a browser that went away, or a shortage that passes.
                match self.listener.accept() {
                    Ok((stream, _)) => {
                        let site = site.clone();
                        // The references to the site count the connections.
                        if Arc::strong_count(&site) <= MOST_CONNECTIONS {
                            std::thread::spawn(move || converse(stream, &site));
                        }
                    }
                    Err(_) => std::thread::sleep(PATIENCE),
                }
            }
        });
    }
}

/// Reads a request and answers it. A browser that sends nothing, or does not listen any longer, is no failure.
fn converse(mut stream: TcpStream, site: &Site) {
    let limited = stream.set_read_timeout(Some(LIMIT)).and_then(|()| stream.set_write_timeout(Some(LIMIT)));
    if limited.is_err() {
        return;
    }
    let Some(request) = read_head(&mut stream) else { return };
    let (answer, with_body) = respond(&request, site);
    let _ = send(&mut stream, &answer, with_body);
}

/// The bytes of a request up to the empty line, or to the limit; `None` where they do not arrive.
fn read_head(stream: &mut impl Read) -> Option<Vec<u8>> {
    let begin = Instant::now();
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() <= LONGEST_REQUEST {
        match stream.read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => head.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        if begin.elapsed() > LIMIT {
            return None;
        }
    }
    Some(head)
}

/// The answer to the bytes of a request, and whether the browser wants more than its headers.
fn respond(bytes: &[u8], site: &Site) -> (Answer, bool) {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let complete = request.parse(bytes).is_ok_and(|status| status.is_complete());
    let (true, Some(method), Some(path)) = (complete, request.method, request.path) else {
        return (Answer::refusal(400, "this is no request that a browser sends"), true);
    };
    let is_host = |header: &&httparse::Header| header.name.eq_ignore_ascii_case("host");
    let hosts: Option<Vec<&str>> =
        request.headers.iter().filter(is_host).map(|header| std::str::from_utf8(header.value).ok()).collect();
    let asked = Asked { reads: ["GET", "HEAD"].contains(&method), hosts: &hosts.unwrap_or_default(), path };
    (site.answer(&asked), method != "HEAD")
}

fn send(stream: &mut impl Write, answer: &Answer, with_body: bool) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in answer.headers() {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", answer.body.len());
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(&answer.body)?;
    }
    stream.flush()
}

/// What a status is called (RFC 9110).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::site::tests::site;
    use super::*;

    /// Sends the text and returns the answer.
    fn exchange(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A refusal may come before everything was sent, and the rest is then reset.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(port: u16, path: &str) -> String {
        exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"))
    }

    /// Serves in a thread that ends with the process: the wish to stop is one of the whole process, and other tests run
    /// beside this one. Returns the port and the path of the page.
    fn serve(site: Site) -> (u16, String) {
        let server = Server::bind(None).unwrap();
        let port = server.port();
        assert_eq!(server.address.ip(), Ipv4Addr::LOCALHOST);
        let path = site.address(port).strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap().to_owned();
        std::thread::spawn(move || server.serve(&Arc::new(site)));
        (port, path)
    }

    #[test]
    fn only_the_address_that_was_printed_is_answered() {
        let (_folder, site) = site();
        let (port, path) = serve(site);
        let page = get(port, &path);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'"), "{page}");
        assert!(page.ends_with("</html>\n"), "{page}");
        assert!(get(port, "/").starts_with("HTTP/1.1 403"));
        assert!(get(port, &path.replace(['a', '1', '2'], "b")).starts_with("HTTP/1.1 403"));
        let head = exchange(port, &format!("HEAD {path} HTTP/1.1\r\nHOST: localhost\r\n\r\n"));
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        let post = exchange(port, &format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
        assert!(post.starts_with("HTTP/1.1 405"), "{post}");
        for host in ["Host: example.org\r\n", "", "Host: localhost\r\nHost: example.org\r\n"] {
            assert!(
                exchange(port, &format!("GET {path} HTTP/1.1\r\n{host}\r\n")).starts_with("HTTP/1.1 403"),
                "{host}"
            );
        }
    }

    #[test]
    fn what_is_no_request_harms_nobody() {
        let (_folder, site) = site();
        let (port, path) = serve(site);
        assert!(exchange(port, "\0\0\0 nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
        assert!(exchange(port, "GET\r\n\r\n").starts_with("HTTP/1.1 400"));
        assert!(
            exchange(port, &format!("GET {path} HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100)))
                .starts_with("HTTP/1.1 400")
        );
        let long = exchange(port, &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20)));
        assert!(long.is_empty() || long.starts_with("HTTP/1.1 400"), "{long}");
        let absolute = format!("GET http://127.0.0.1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        assert!(exchange(port, &absolute).starts_with("HTTP/1.1 403"));
        assert!(get(port, &path).starts_with("HTTP/1.1 200"));
    }

    /// Browsers connect ahead of time, and ask on other connections.
    #[test]
    fn idle_connections_keep_nobody_waiting() {
        let (_folder, site) = site();
        let (port, path) = serve(site);
        let idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| assert!(get(port, &path).starts_with("HTTP/1.1 200")));
            }
        });
        drop(idle);
    }

    #[test]
    fn a_port_in_use_is_an_error_with_advice() {
        let server = Server::bind(None).unwrap();
        let error = Server::bind(Some(server.port())).err().unwrap();
        assert!(error.advice().is_some_and(|hint| hint.contains("--port")), "{error}");
    }
}
