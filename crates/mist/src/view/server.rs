//! The connection: HTTP on 127.0.0.1.

use super::answer::Answer;
use super::site::{Asked, Site};
use crate::error::{Error, Result};
use crate::interrupt;
use std::net::Ipv4Addr;
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response, StatusCode};

/// Requests answered at the same time; a browser asks for about as many.
const WORKERS: usize = 4;
/// How soon Ctrl-C is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// A listening socket.
pub(super) struct Server {
    http: tiny_http::Server,
    port: u16,
}

impl Server {
    /// Listens on this port of 127.0.0.1, or on any free one.
    pub(super) fn bind(port: Option<u16>) -> Result<Self> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::new("cannot listen on 127.0.0.1")
                .because(why)
                .hint("give another port with --port, or leave it out to get a free one")
        };
        let wanted = (Ipv4Addr::LOCALHOST, port.unwrap_or(0));
        let http = tiny_http::Server::http(wanted).map_err(|error| failed(&error))?;
        let port = http.server_addr().to_ip().map(|address| address.port());
        Ok(Self { http, port: port.ok_or_else(|| failed(&"the system names no port"))? })
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Answers until the user asks to stop.
    pub(super) fn serve(&self, site: &Site) {
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while !interrupt::requested() {
                        // An error is one of a single connection, such as a browser that went away.
                        if let Ok(Some(request)) = self.http.recv_timeout(PATIENCE) {
                            reply(request, site);
                        }
                    }
                });
            }
        });
    }
}

fn reply(request: Request, site: &Site) {
    let hosts: Vec<&str> = request
        .headers()
        .iter()
        .filter(|header| header.field.equiv("Host"))
        .map(|header| header.value.as_str())
        .collect();
    let reads = matches!(request.method(), Method::Get | Method::Head);
    let answer = site.answer(&Asked { reads, hosts: &hosts, path: request.url() });
    // A browser that does not listen any longer is no failure.
    let _ = request.respond(response(&answer));
}

fn response(answer: &Answer) -> Response<&[u8]> {
    // All of them are text of this program, without line breaks.
    let headers = answer.headers().into_iter().filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    let length = answer.body.len();
    Response::new(StatusCode(answer.status), headers.collect(), answer.body.as_ref(), Some(length), None)
        .with_chunked_threshold(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::site::tests::site;
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    /// Sends the text and returns the answer.
    fn exchange(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(port: u16, path: &str) -> String {
        exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"))
    }

    #[test]
    fn only_the_address_that_was_printed_is_answered() {
        let (_folder, site) = site();
        let site: &'static Site = Box::leak(Box::new(site));
        let server: &'static Server = Box::leak(Box::new(Server::bind(None).unwrap()));
        let port = server.port();
        assert_eq!(server.http.server_addr().to_ip().unwrap().ip(), Ipv4Addr::LOCALHOST);
        // Ends with the process: the wish to stop is one of the whole process, and other tests run beside this one.
        std::thread::spawn(move || server.serve(site));

        let address = site.address(port);
        let path = address.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
        let page = get(port, path);
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains("Content-Security-Policy: default-src 'none'; script-src 'self'"), "{page}");
        assert!(get(port, "/").starts_with("HTTP/1.1 403"));
        assert!(get(port, &path.replace(['a', '1', '2'], "b")).starts_with("HTTP/1.1 403"));
        let head = exchange(port, &format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        let post = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert!(exchange(port, &post).starts_with("HTTP/1.1 405"));
        let foreign = format!("GET {path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
        assert!(exchange(port, &foreign).starts_with("HTTP/1.1 403"));
        // What is no HTTP at all does not end the server.
        let _ = exchange(port, "\0\0\0 nonsense\r\n\r\n");
        assert!(get(port, path).starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn a_port_in_use_is_an_error_with_advice() {
        let server = Server::bind(None).unwrap();
        let error = Server::bind(Some(server.port())).err().unwrap();
        assert!(error.advice().is_some_and(|hint| hint.contains("--port")), "{error}");
    }
}
