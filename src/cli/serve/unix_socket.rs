//! The Unix socket: taken only from the dead, and removed only while it is one's own.
//!
//! A socket's file outlives whoever listened on it. At the next start it must be replaced, and whoever still listens must
//! not be: that is told by connecting, and *only* a refused connection says that nobody listens (no permission to connect
//! says nothing). Between looking and replacing nobody else may do the same, or two services take each other for dead:
//! the directory is locked meanwhile (`flock`, which leaves no file behind and ends with the process).
//!
//! When a service stops, another may listen on the same path already, whose file must stay. Whose it is says the file's
//! number (inode), which the file system gives to no other while we hold the file open.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, Mode, OFlags, fchmod, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, socket_with};
use rustix::process::geteuid;

use super::listen::BACKLOG;

/// A Unix socket that this service listens on. Its file is removed when the value is dropped.
#[derive(Debug)]
pub(super) struct UnixSocket {
    path: PathBuf,
    /// The file itself, whatever stands at the path.
    file: OwnedFd,
}

/// How long another service that starts just now is waited for. It holds the lock for two system calls.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

impl UnixSocket {
    /// Listens on a Unix socket, in the place of a file that a service of the same user left behind.
    pub(super) fn bind(path: &Path, mode: u32) -> anyhow::Result<(Self, UnixListener)> {
        let shown = path.display();
        let _lock = lock(directory_of(path)).with_context(|| format!("failed to lock the directory of {shown}"))?;
        make_room(path)?;
        let listener = listen(path).with_context(|| format!("failed to listen on {shown}"))?;
        let file = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        let socket = Self { path: path.to_owned(), file: file.with_context(|| format!("failed to open {shown}"))? };
        fs::set_permissions(path, Permissions::from_mode(mode))
            .with_context(|| format!("failed to set the mode of {shown}"))?;
        Ok((socket, listener))
    }

    /// Removes the file, unless somebody else listens there by now. Left behind, it would be replaced at the next start.
    pub(super) fn remove(&self) {
        // Without the lock a successor may be about to take the place: then it replaces the file anyway.
        let Ok(_lock) = lock(directory_of(&self.path)) else { return };
        if self.is_ours() {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn is_ours(&self) -> bool {
        let (Ok(ours), Ok(there)) = (rustix::fs::fstat(&self.file), fs::symlink_metadata(&self.path)) else {
            return false;
        };
        (ours.st_dev, ours.st_ino) == (there.dev(), there.ino())
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Listens on a path. Until its mode is set, nobody else may connect: on Linux a socket's mode goes over to its file.
fn listen(path: &Path) -> rustix::io::Result<UnixListener> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(UnixListener::from(socket))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str() != OsStr::new("") => parent,
        _ => Path::new("."),
    }
}

/// Locks a directory until the value is dropped.
fn lock(directory: &Path) -> rustix::io::Result<OwnedFd> {
    let opened = rustix::fs::open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let began = Instant::now();
    loop {
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if began.elapsed() < LOCK_TIMEOUT => std::thread::sleep(Duration::from_millis(10)),
            result => return result.map(|()| opened),
        }
    }
}

/// Removes the file that stands at the path if a service of the same user has left it behind.
fn make_room(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.with_context(|| format!("failed to look at {shown}"))?,
    };
    if !found.file_type().is_socket() {
        bail!("{shown} exists and is not a socket");
    }
    if found.uid() != geteuid().as_raw() {
        bail!("{shown} is a socket of another user (uid {}): it is not replaced", found.uid());
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("somebody else listens on {shown}"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        // Gone meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("failed to find out whether anybody listens on {shown}"));
        }
    }
    fs::remove_file(path).with_context(|| format!("failed to replace {shown}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::Barrier;

    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("socket");
        (home, path)
    }

    #[test]
    fn what_a_dead_service_left_behind_is_replaced() {
        let (_home, path) = place();
        drop(UnixListener::bind(&path).expect("bound"));
        let (_socket, _listener) = UnixSocket::bind(&path, 0o660).expect("bound");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o660);
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn nobody_else_may_connect_before_the_mode_is_set() {
        let (_home, path) = place();
        let _listener = listen(&path).expect("bound");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o077, 0);
    }

    #[test]
    fn who_lives_and_what_is_no_socket_stays() {
        let (_home, path) = place();
        let (_socket, listener) = UnixSocket::bind(&path, 0o600).expect("bound");
        let said = UnixSocket::bind(&path, 0o600).expect_err("taken").to_string();
        assert!(said.contains("somebody else listens"), "{said}");
        let (mut ours, mut theirs) = (UnixStream::connect(&path).expect("connects"), listener.accept().expect("one").0);
        // The first was the second service's look; the next is ours.
        theirs.read_to_end(&mut Vec::new()).expect("it has gone");
        let mut theirs = listener.accept().expect("ours").0;
        theirs.write_all(b"!").expect("sent");
        ours.read_exact(&mut [0]).expect("received");
        let file = path.with_extension("file");
        fs::write(&file, "something").expect("written");
        assert!(UnixSocket::bind(&file, 0o600).is_err());
        assert_eq!(fs::read_to_string(&file).expect("still there"), "something");
    }

    #[test]
    fn only_ones_own_is_removed() {
        let (_home, path) = place();
        let (first, first_listener) = UnixSocket::bind(&path, 0o600).expect("bound");
        fs::remove_file(&path).expect("removed by somebody");
        drop(first_listener);
        let (second, _second_listener) = UnixSocket::bind(&path, 0o600).expect("bound");
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "the second one's is gone");
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn of_many_that_start_at_once_on_a_stale_socket_one_listens() {
        for _ in 0..20 {
            let (_home, path) = place();
            drop(UnixListener::bind(&path).expect("bound"));
            let start = Barrier::new(8);
            let bound: Vec<_> = std::thread::scope(|scope| {
                let starting: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            UnixSocket::bind(&path, 0o600).ok()
                        })
                    })
                    .collect();
                starting.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect()
            });
            assert_eq!(bound.len(), 1);
            assert!(bound[0].0.is_ours() && UnixStream::connect(&path).is_ok());
        }
    }
}
