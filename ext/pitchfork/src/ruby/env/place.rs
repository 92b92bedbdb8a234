//! Where requests come in.

use std::os::fd::RawFd;

use magnus::{Error, RHash, Ruby, Value, prelude::*};
use pitchfork_core::http::authority;

use super::{keys, store_all};
use crate::rotation::Listener;
use crate::sys::socket::Peer;

/// Where requests come in, as the template says it. It changes seldom: behind a proxy never.
#[derive(Default)]
pub struct Place {
    /// What the template was told last.
    told: Option<Told>,
}

#[derive(PartialEq)]
struct Told {
    peer: Peer,
    listener: RawFd,
    https: bool,
    host: Vec<u8>,
}

impl Place {
    /// Has the template say who sends the request, and to whom. Its strings are frozen, for many requests share them.
    /// `https`: whether the client speaks it with a proxy that is trusted.
    pub fn settle(
        &mut self,
        ruby: &Ruby,
        template: RHash,
        peer: Peer,
        https: bool,
        listener: &Listener,
        host: Option<&[u8]>,
    ) -> Result<(), Error> {
        let host = host.unwrap_or_default();
        if (self.told.as_ref()).is_some_and(|told| {
            told.peer == peer
                && told.listener == listener.fd
                && told.https == https
                && told.host == host
        }) {
            return Ok(());
        }
        let keys = keys();
        let frozen = |text: &[u8]| {
            let string = ruby.str_from_slice(text);
            string.freeze();
            string
        };
        // Without Host, or with an empty one, the listener's own.
        let given = Some(host).filter(|host| !host.is_empty());
        let (name, port) =
            (given.and_then(authority::split)).unwrap_or((&listener.name, Some(listener.port)));
        let port = port.unwrap_or(if https { 443 } else { 80 }).to_string();
        let address = match peer {
            Peer::Ip(ip) => ip.to_string(),
            // The SPEC wants an address, and who can reach the socket's file is on this machine.
            Peer::Unix => "127.0.0.1".to_string(),
        };
        store_all(
            template,
            &[
                (ruby.get_inner(keys.server_name), frozen(name)),
                (ruby.get_inner(keys.server_port), frozen(port.as_bytes())),
                (ruby.get_inner(keys.remote_addr), frozen(address.as_bytes())),
            ],
        )?;
        let scheme = ruby.get_inner(keys.url_scheme);
        if https {
            template.aset(scheme, ruby.get_inner(keys.https_scheme))?;
            template.aset(ruby.get_inner(keys.https), ruby.get_inner(keys.on))?;
        } else {
            template.aset(scheme, ruby.get_inner(keys.http_scheme))?;
            template.delete::<_, Value>(ruby.get_inner(keys.https))?;
        }
        self.told = Some(Told {
            peer,
            listener: listener.fd,
            https,
            host: host.to_vec(),
        });
        Ok(())
    }
}
