//! A client of a few lines, so that broken answers can be seen as they are.

#![allow(dead_code, reason = "not every test needs all of it")]

use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Reply {
    /// 0 when the connection ended before anything came.
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.to_ascii_lowercase().starts_with(&format!("{header}:")))
    }
}

pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// `head` is a request line and headers, each line ended.
pub async fn send(addr: SocketAddr, head: &str, body: &str) -> Reply {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let text = format!("{head}Host: {addr}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    _ = socket.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

pub async fn get(addr: SocketAddr, path: &str, bearer: &str) -> Reply {
    send(addr, &format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {bearer}\r\n"), "").await
}

pub async fn post(addr: SocketAddr, path: &str, body: &str) -> Reply {
    send(addr, &format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"), body).await
}
