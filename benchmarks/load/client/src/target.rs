//! Where requests go: this machine, and nowhere else.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// An address and a path.
#[derive(Clone, Debug)]
pub struct Target {
    /// Always on 127.0.0.1.
    pub address: SocketAddr,
    path: String,
}

impl Target {
    /// The bytes of a GET request.
    #[must_use]
    pub fn request(&self, key: Option<&str>) -> Vec<u8> {
        let authorization = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        format!("GET {} HTTP/1.1\r\nHost: {}\r\n{authorization}\r\n", self.path, self.address).into_bytes()
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or("a URL begins with http://")?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let address: SocketAddr = host.parse().map_err(|_| format!("{host}: not an address and a port"))?;
        // A tool that opens a thousand connections is not pointed at other machines.
        if address.ip() != Ipv4Addr::LOCALHOST {
            return Err(format!("{host}: only 127.0.0.1 is measured"));
        }
        Ok(Self { address, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn only_this_machine_is_a_target() {
        let request = "http://127.0.0.1:8000/health?x=1".parse().map(|target: Target| target.request(None));
        assert_eq!(request, Ok(b"GET /health?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n".to_vec()));
        for elsewhere in
            ["http://192.0.2.1:80/", "http://0.0.0.0:80/", "http://example.com:80/", "127.0.0.1:80"]
        {
            assert!(elsewhere.parse::<Target>().is_err(), "{elsewhere}");
        }
    }
}
